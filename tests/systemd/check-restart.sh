#!/bin/bash
# SPDX-License-Identifier: MIT
# What outlives the process: its listeners, whoever ends it, and a stop ends them.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

# connect_often: makes connections until its standard input ends; says how many were refused
connect_often() {
    local refused=0 made=0
    until read -rt 0; do
        if (exec 3<>/dev/tcp/127.0.0.1/65432) 2>/dev/null; then
            made=$((made + 1))
        else
            refused=$((refused + 1))
        fi
    done
    echo "$made $refused"
}

# none_refused COMMAND...: while this runs
none_refused() {
    local made refused
    exec {stop}> >(connect_often >/run/test-counts)
    local connecting=$!
    "$@"
    exec {stop}>&-
    wait "$connecting"
    read -r made refused </run/test-counts
    same "connections that were refused (of $made)" 0 "$refused"
    refuse "no connections at all" [ "$made" -eq 0 ]
}

is_back() {
    is_like MainPID '^[1-9]' && ! has MainPID "$1" && has ActiveState active
}

kill_all() {
    local pid
    for _ in 1 2 3 4 5; do
        pid=$(main_pid)
        systemctl kill -s KILL --kill-whom=all echod
        wait_for "the next process" is_back "$pid"
    done
}

restart() {
    for _ in 1 2 3 4 5; do
        try "restart" systemctl restart echod
    done
}

test_killed() {
    systemctl start echod
    none_refused kill_all
    try "echo" echoes
}

# More often than a service may start by default: twelve times within a few seconds.
test_restarted() {
    systemctl start echod
    none_refused restart
    none_refused restart
    try "try-restart" systemctl try-restart echod
    try "restart after it" systemctl restart echod
    try "echo" echoes
}

# A Unix socket is the same one, where its directory stays.
test_unix_socket() {
    local path=/run/test-sockets/sock inode
    mkdir -m 1777 "${path%/*}"
    configure "listeners = ( { path = \"$path\"; } );"
    drop_in echod.service '[Service]' "ReadWritePaths=${path%/*}"
    systemctl start echod
    inode=$(stat -c %i "$path")
    try "restart" systemctl restart echod
    try "echo after a restart" echoes "unix:$path"
    same "the file after a restart" "$inode" "$(stat -c %i "$path")"
    kill_all
    try "echo after a kill" echoes "unix:$path"
    same "the file after a kill" "$inode" "$(stat -c %i "$path")"
    systemctl stop echod
    refuse "a file that is left" test -e "$path"
    rmdir "${path%/*}"
}

# The unit's own directory is a new one then; other users get there nevertheless.
test_unix_socket_in_the_own_directory() {
    local path=/run/echod/sock
    configure "listeners = ( { path = \"$path\"; mode = \"0666\"; } );"
    systemctl start echod
    try "restart" systemctl restart echod
    kill_all
    try "echo for another user" setpriv --reuid 65534 --regid 65534 --clear-groups \
        echo-client --quiet "unix:$path"
}

# What the new configuration does not want is gone, and the rest is not.
test_other_configuration() {
    configure 'listeners = ( { host = "127.0.0.1"; port = 7001; }, { path = "/run/echod/a"; } );'
    systemctl start echod
    configure 'listeners = ( { host = "127.0.0.1"; port = 7002; }, { path = "/run/echod/b"; } );'
    try "restart" systemctl restart echod
    try "echo" echoes 127.0.0.1:65432 127.0.0.1:7002 unix:/run/echod/b
    refuse "an echo on a port that is not configured any more" echoes 127.0.0.1:7001
    refuse "a file that is left" test -e /run/echod/a
}

# After a stop nothing is listened on, not even in the service manager's store.
test_stopped() {
    systemctl start echod
    systemctl stop echod
    refuse "a connection after a stop" bash -c 'exec 3<>/dev/tcp/127.0.0.1/65432'
    same "descriptors in the store" 0 "$(property NFileDescriptorStore)"
}

run_tests "$@"
