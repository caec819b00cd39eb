#!/bin/bash
# SPDX-License-Identifier: MIT
# systemctl start, stop and reload of echod.service.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

test_start() {
    systemctl start echod || fail "start"
    echoes || fail "echod does not echo when systemctl start returns"
    same "ActiveState" active "$(property ActiveState)"
    like "Type" '^notify(-reload)?$' "$(property Type)"
    like "status line" '^Listening on 127\.0\.0\.1:65432; workers: [1-9]' "$(property StatusText)"
    like "systemctl status" 'Status: "Listening on' "$(systemctl status echod)"
    try "enable" systemctl enable echod
    try "disable" systemctl disable echod
}

test_start_failure() {
    configure 'host = "192.0.2.1";'
    drop_in echod.service '[Service]' Restart=no
    refuse "start at an address that nobody has" systemctl start echod
    same "ActiveState" failed "$(property ActiveState)"
    same "exit status" 1 "$(property ExecMainStatus)"
    like "status line" '192\.0\.2\.1' "$(property StatusText)"
}

test_stop() {
    local took
    systemctl start echod
    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say before
    took=$(milliseconds systemctl stop echod) || fail "stop"
    # A silent connection gets a second, not drain_timeout (10 s).
    at_most "milliseconds for a stop" 5000 "$took"
    read -rt 10 -u 3 _
    same "the end of the connection, by read's status" 1 $?
    same "ActiveState" inactive "$(property ActiveState)"
    same "Result" success "$(property Result)"
    same "exit status" 0 "$(property ExecMainStatus)"
    refuse "connecting after the stop" echoes
}

# Also where drain_timeout is longer than what the unit allows: echod asks for more time.
test_stop_drains() {
    local crowd took
    configure 'drain_timeout = 3;'
    drop_in echod.service '[Service]' TimeoutStopSec=1s
    systemctl start echod
    "$BUILT/crowd" talk 4 65432 &
    crowd=$!
    wait_for "four connections" connections_are 4
    took=$(milliseconds systemctl stop echod) || fail "stop"
    try "the clients ended" wait "$crowd"
    same "Result" success "$(property Result)"
    same "exit status" 0 "$(property ExecMainStatus)"
    at_most "milliseconds until busy connections were given up" "$took" 2900
    at_most "milliseconds for a stop" 8000 "$took"
}

# In the directory that the unit has: for everybody or not, kept and dropped by a reload.
test_unix_sockets() {
    local first=/run/echod/first second=/run/echod/second inode
    configure "listeners = ( { path = \"$first\"; }, { path = \"$second\"; mode = \"0666\"; } );"
    try "start" systemctl start echod
    try "echo" echoes 127.0.0.1:65432 "unix:$first" "unix:$second"
    same "the modes" "660 666" "$(stat -c %a "$first" "$second" | xargs)"
    inode=$(stat -c %i "$second")
    configure "listeners = ( { path = \"$second\"; mode = \"0600\"; } );"
    try "reload" systemctl reload echod
    try "echo after a reload" echoes "unix:$second"
    same "the socket that is kept" "600 $inode" "$(stat -c '%a %i' "$second")"
    refuse "a socket that is left" test -e "$first"
    systemctl stop echod
    refuse "a directory that is left" test -e /run/echod
}

# It takes more than the unit allows, and the status says what.
test_vsock_needs_permission() {
    configure 'listeners = ( { vsock_port = 65432; } );'
    drop_in echod.service '[Service]' Restart=no
    refuse "start" systemctl start echod
    like "status line" 'listeners\[0\]\.vsock_port: /etc/echod\.conf:1.*RestrictAddressFamilies=' \
        "$(property StatusText)"
}

test_reload() {
    local pid port old=65432
    systemctl start echod
    pid=$(main_pid)
    exec 3<>/dev/tcp/127.0.0.1/65432
    for port in 7001 7002 7003 7004 7005 7006 7007 7008 7009 7010; do
        configure "port = $port;"
        try "reload" systemctl reload echod
        try "echo on the new port as soon as reload returns" echoes "127.0.0.1:$port"
        refuse "echo on the old port" echoes "127.0.0.1:$old"
        old=$port
        try "the connection goes on" say "$port"
    done
    same "MainPID" "$pid" "$(main_pid)"
    like "status line" '^Listening on 127\.0\.0\.1:7010' "$(property StatusText)"
}

# As long as a worker has not given up its connections, the reload is not over.
test_reload_waits() {
    local job worker
    configure 'workers = 1;'
    systemctl start echod
    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say before
    worker=$(worker_pids)
    kill -STOP "$worker"
    systemctl reload echod &
    job=$!
    wait_for "a reload that begins" happened reloading
    wait_for "all commands of ExecReload=" has ControlPID 0
    same "ActiveState" reloading "$(property ActiveState)"
    like "jobs" 'echod.service +reload +running' "$(systemctl list-jobs)"
    try "systemctl reload waits" kill -0 "$job"
    kill -CONT "$worker"
    try "the reload" wait "$job"
    same "ActiveState" active "$(property ActiveState)"
    try "the connection goes on" say after
}

test_reload_of_a_broken_file() {
    local pid
    systemctl start echod
    pid=$(main_pid)
    exec 3<>/dev/tcp/127.0.0.1/65432
    configure 'port = 7001;' 'prot = 7002;'
    refuse "reload of a broken file" systemctl reload echod
    same "ActiveState" active "$(property ActiveState)"
    same "MainPID" "$pid" "$(main_pid)"
    try "echo on the old port" echoes
    try "the connection goes on" say after
    like "status line" 'the last reload failed: .*/etc/echod\.conf:2.*prot' "$(property StatusText)"
    like "the fault in the journal" '/etc/echod\.conf:2.*prot' "$(events config-error)"
    same "reload-failed events" 1 "$(events reload-failed | wc -l)"

    configure 'port = 7001;'
    try "reload of the corrected file" systemctl reload echod
    try "echo on the new port" echoes 127.0.0.1:7001
    refuse "an old failure in the status line" is_like StatusText 'reload failed'
}

# An address that cannot be had is found out by echod alone, after the check of the files.
test_reload_of_an_impossible_address() {
    systemctl start echod
    configure 'host = "192.0.2.1";'
    systemctl reload echod
    same "ActiveState" active "$(property ActiveState)"
    try "echo on the old address" echoes
    like "status line" 'the last reload failed: .*192\.0\.2\.1' "$(property StatusText)"
    same "reload-failed events" 1 "$(events reload-failed | wc -l)"
}

# A new echod comes by rename; the running one is told to check its files with it, then restarted.
test_new_version() {
    systemctl start echod
    cp "$SBIN/echod" "$SBIN/echod.new"
    mv "$SBIN/echod.new" "$SBIN/echod"
    try "reload" systemctl reload echod
    try "restart" systemctl restart echod
    try "echo" echoes
}

upgrades_are() {
    [ "$(events upgraded "${2-}" | wc -l)" -eq "$1" ]
}

# upgrade UNIT: with SIGUSR2, several times; the process stays, and a connection in it
upgrade() {
    local pid i
    pid=$(main_pid "$1")
    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say before
    for i in 1 2 3; do
        cp "$SBIN/echod" "$SBIN/echod.new"
        mv "$SBIN/echod.new" "$SBIN/echod"
        systemctl kill -s USR2 --kill-whom=main "$1"
        wait_for "upgrade $i" upgrades_are "$i" "$1"
        try "the connection goes on" say "$i"
        try "echo" echoes
    done
    same "MainPID" "$pid" "$(main_pid "$1")"
    same "ActiveState" active "$(property ActiveState "$1")"
    like "status line" '^Listening on 127\.0\.0\.1:65432; workers: [1-9]' "$(property StatusText "$1")"
}

test_upgrade() {
    systemctl start echod
    upgrade echod
    try "reload after it" systemctl reload echod
    try "the connection goes on" say reloaded
    try "restart after it" systemctl restart echod
    try "the connection goes on" say restarted
    try "stop" systemctl stop echod
    same "Result" success "$(property Result)"
}

test_upgrade_of_the_activated() {
    systemctl start echod.socket
    try "echo" echoes
    upgrade echod-activated
    try "restart after it" systemctl restart echod-activated
    try "the connection goes on" say restarted
}

test_upgrade_that_fails() {
    systemctl start echod
    exec 3<>/dev/tcp/127.0.0.1/65432
    cp /bin/true "$SBIN/echod.new"
    mv "$SBIN/echod.new" "$SBIN/echod"
    systemctl kill -s USR2 --kill-whom=main echod
    wait_for "the failure" happened upgrade-failed
    try "the connection goes on" say after
    tar -xf "$BUILT/installed.tar" -C / --keep-directory-symlink
}

run_tests "$@"
