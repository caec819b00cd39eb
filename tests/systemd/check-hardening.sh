#!/bin/bash
# SPDX-License-Identifier: MIT
# What the units promise, tried from inside: by a program that takes echod's place, and on echod.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

# in_place_of UNIT [ARGUMENT]: the program, with all that the unit forbids; its findings
in_place_of() {
    cp "$BUILT/confined" "$SBIN/confined"
    drop_in "$1.service" '[Service]' Type=oneshot WatchdogSec=0 Restart=no RemainAfterExit=yes \
        ExecReload= ExecStart= "ExecStart=$SBIN/confined ${2-}"
    systemctl start "$1" || true
    journal -u "$1" -o cat | grep -E '^(open|closed): '
}

# all_closed UNIT [ARGUMENT]
all_closed() {
    local findings
    findings=$(in_place_of "$@")
    same "what is open in $1" '' "$(grep '^open' <<<"$findings")"
    at_most "attempts that were made and failed" "$(grep -c '^closed' <<<"$findings")" 25
    same "Result" success "$(property Result "$1")"
}

test_service() {
    all_closed echod
}

test_instance() {
    all_closed echod@any
}

test_activated_service() {
    all_closed echod-activated activated
}

# The program can tell: without the unit's help everything is open.
test_the_test() {
    local findings place
    findings=$("$BUILT/confined" activated)
    for place in / /etc /tmp /var/tmp /dev/shm /dev/mqueue /run /run/lock; do
        like "$place" "^open: making a file in $place\$" "$findings"
    done
    for place in 'making a socket of AF_PACKET' 'ptrace' 'executing /usr/bin/true' \
        'having writable memory that can be executed' 'being another user than a dynamic one' \
        '/proc/self/status says CapEff'; do
        like "$place" "^open: $place" "$findings"
    done
}

# privileges PID: user, capabilities, NoNewPrivs, seccomp of a process
privileges() {
    awk '/^(Uid|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):/ { printf "%s%s ", $1, $2 }' \
        "/proc/$1/status"
}

test_processes() {
    local none=0000000000000000 pid
    systemctl start echod
    for pid in $(main_pid) $(worker_pids); do
        like "privileges of a process" \
            "^Uid:6[1-5][0-9]{3} CapPrm:$none CapEff:$none CapBnd:$none CapAmb:$none NoNewPrivs:1 Seccomp:2 $" \
            "$(privileges "$pid")"
    done
}

# The shipped example for the standard port: one capability, and only for this.
test_port_7() {
    local capability=0000000000000400
    mkdir -p /run/systemd/system/echod.service.d
    cp "$EXAMPLES/port-7.conf" /run/systemd/system/echod.service.d/
    systemctl daemon-reload
    configure 'port = 7;'
    try "start" systemctl start echod
    try "echo" echoes 127.0.0.1:7
    like "privileges" "^Uid:6[1-5][0-9]{3} CapPrm:$capability CapEff:$capability CapBnd:$capability" \
        "$(privileges "$(main_pid)")"
    configure 'host = "";' 'port = 7;'
    try "reload" systemctl reload echod
    try "echo after a reload" echoes 127.0.0.1:7
}

# What systemd-analyze says about the units as they are installed.
test_exposure() {
    try "echod.service" exposure echod.service 12
    try "echod@.service" exposure echod@any.service 12
    try "echod-activated.service" exposure echod-activated.service 2
}

# exposure UNIT TENTHS: at most this much
exposure() {
    systemctl start "$1"
    systemd-analyze security --no-pager --threshold="$2" "$1" | tail -n 1
    return "${PIPESTATUS[0]}"
}

run_tests "$@"
