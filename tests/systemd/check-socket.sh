#!/bin/bash
# SPDX-License-Identifier: MIT
# echod.socket, and echod-activated.service that it starts.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

unit=echod-activated

# start_crowd N TARGET: clients that keep coming, in the background
start_crowd() {
    "$BUILT/crowd" keep "$1" "$2" &
    crowd=$!
}

# end_crowd: every one of them was served
end_crowd() {
    kill "$crowd"
    try "clients during all this" wait "$crowd"
}

# The shipped example: a Unix socket and IPv6, beside the IPv4 address.
test_activation() {
    local pid unix=/run/echod/echod.sock
    mkdir -p /run/systemd/system/echod.socket.d
    cp "$EXAMPLES/unix-socket.conf" /run/systemd/system/echod.socket.d/
    systemctl daemon-reload
    try "start of the socket" systemctl start echod.socket
    same "state of the service before a connection" inactive "$(property ActiveState $unit)"
    try "echo over IPv4" echoes
    same "state of the service after it" active "$(property ActiveState $unit)"
    try "echo over IPv6 and the Unix socket" echoes '[::1]:65432' "unix:$unix"
    like "status line" "127\.0\.0\.1:65432, \[::1\]:65432, .*$unix" "$(property StatusText $unit)"

    same "the name of the passed sockets" 'echod.socket echod.socket echod.socket' \
        "$(events listening $unit | field ECHOD_LISTENER_NAME | xargs)"

    pid=$(main_pid $unit)
    refuse "the machine's own network in the service" \
        same_namespace "/proc/$pid/ns/net" /proc/self/ns/net
    same "network interfaces in the service" lo \
        "$(sed -n '3,$s/ *\([^:]*\):.*/\1/p' "/proc/$pid/net/dev")"
    same "sockets that the service opened itself" '' "$(ss_listening "$pid")"

    try "stop of the socket" systemctl stop echod.socket
    same "state of the service without its socket" inactive "$(property ActiveState $unit)"
    refuse "a Unix socket that is left" test -e "$unix"
}

same_namespace() {
    [ "$(readlink "$1")" = "$(readlink "$2")" ]
}

# TCP sockets that listen in the network namespace of this process: state 0A
ss_listening() {
    awk '$4 == "0A"' "/proc/$1/net/tcp" "/proc/$1/net/tcp6"
}

# What the file says is not in force here, and the journal says so.
test_contradiction() {
    configure 'host = "192.0.2.1";' 'port = 7;'
    systemctl start echod.socket
    try "echo where echod.socket says" echoes
    like "notice" 'service manager passed.*192\.0\.2\.1.*/etc/echod\.conf:1' \
        "$(events notice $unit)"
    try "reload" systemctl reload $unit
    same "ActiveState" active "$(property ActiveState $unit)"
    try "echo after a reload" echoes
}

# What FileDescriptorName= says goes into what is logged of connections, too.
test_names() {
    configure 'log: { connections = "all"; };'
    drop_in echod.socket '[Socket]' FileDescriptorName=front
    systemctl start echod.socket
    try "echo" echoes
    wait_for "an event" happened connection-ended $unit
    same "the name of its socket" front \
        "$(events connection-ended $unit | field ECHOD_LISTENER_NAME | sort -u)"
    like "the message" 'Listening on 127\.0\.0\.1:65432 \(front\)' "$(events listening $unit)"
}

# datagram WORD: sent over UDP, it comes back; again if a start or a stop loses it
datagram() {
    local answer
    for _ in 1 2 3; do
        exec 3<>/dev/udp/127.0.0.1/65432
        printf '%s' "$1" >&3
        answer=$(timeout 5 dd bs=2048 count=1 status=none <&3)
        exec 3>&-
        [ "$answer" != "$1" ] || return 0
    done
    return 1
}

# The datagram that starts the service comes before echod can ask where it was sent to.
test_datagrams() {
    drop_in echod.socket '[Socket]' ListenDatagram=65432
    systemctl start echod.socket
    same "state of the service before a datagram" inactive "$(property ActiveState $unit)"
    try "echo of the first datagram" datagram first
    same "state of the service after it" active "$(property ActiveState $unit)"
    same "datagrams" 1 "$(counted ECHOD_DATAGRAMS $unit)"
    same "answers" 1 "$(counted ECHOD_ANSWERED $unit)"
    try "reload" systemctl reload $unit
    try "echo after a reload" datagram second
    try "echo over TCP beside it" echoes
    try "stop" systemctl stop $unit
    try "echo that starts the service again" datagram third
}

# The socket stays: who connects meanwhile waits for the next start.
test_restart_loses_nobody() {
    local pid
    systemctl start echod.socket
    start_crowd 4 65432
    wait_for "a service that was started" is_like MainPID '^[1-9]' $unit
    for _ in 1 2 3 4; do
        pid=$(main_pid $unit)
        try "restart" systemctl restart $unit
        refuse "the old process after a restart" has MainPID "$pid" $unit
    done
    end_crowd
}

test_stop_loses_nobody() {
    local pid
    systemctl start echod.socket
    start_crowd 4 65432
    wait_for "a service that was started" is_like MainPID '^[1-9]' $unit
    for _ in 1 2 3; do
        pid=$(main_pid $unit)
        try "stop" systemctl stop $unit
        wait_for "a service that was started by those who wait" is_new_process "$pid"
    done
    end_crowd
    same "Result" success "$(property Result echod.socket)"
}

is_new_process() {
    is_like MainPID '^[1-9]' $unit && ! has MainPID "$1" $unit
}

test_reload_loses_nobody() {
    systemctl start echod.socket
    start_crowd 4 65432
    wait_for "a service that was started" is_like MainPID '^[1-9]' $unit
    for _ in 1 2 3 4; do
        configure "workers = $((RANDOM % 3 + 1));"
        try "reload" systemctl reload-or-restart $unit
    done
    end_crowd
}

# One address, two units that want it: the one that is started gets it.
test_exclusion() {
    for _ in 1 2 3; do
        try "start of the socket" systemctl start echod.socket
        try "echo by the socket" echoes
        same "echod.service" inactive "$(property ActiveState)"
        try "start of the service" systemctl start echod
        try "echo by the service" echoes
        same "echod.socket" inactive "$(property ActiveState echod.socket)"
        same "$unit.service" inactive "$(property ActiveState $unit)"
    done
}

# With a fault in the configuration each connection starts the service again, until that ends.
test_broken_configuration() {
    configure 'prot = 7;'
    systemctl start echod.socket
    refuse "an echo" echoes
    wait_for "the end of the attempts" has ActiveState failed echod.socket
    same "exit status" 6 "$(property ExecMainStatus $unit)"
    configure ''
    systemctl reset-failed echod.socket $unit
    try "start of the socket" systemctl start echod.socket
    try "echo" echoes
}

run_tests "$@"
