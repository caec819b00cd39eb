#!/bin/bash
# SPDX-License-Identifier: MIT
# Processes that hang: the service manager watches the supervisor, the supervisor the workers.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

test_supervisor_hangs() {
    local pid workers
    drop_in echod.service '[Service]' WatchdogSec=2s TimeoutAbortSec=1s RestartSec=100ms
    systemctl start echod
    pid=$(main_pid)
    workers=$(worker_pids)
    kill -STOP "$pid"
    wait_for "a restart" has NRestarts 1
    wait_for "the new process" has ActiveState active
    # shellcheck disable=SC2086
    refuse "old processes" alive "$pid" $workers
    try "echo" echoes
    like "what systemd says" 'Watchdog timeout' "$(journal -u echod)"
}

test_worker_hangs() {
    local pid hung others
    configure 'workers = 2;'
    drop_in echod.service '[Service]' WatchdogSec=2s
    systemctl start echod
    pid=$(main_pid)
    hung=$(worker_pids | head -n 1)
    others=$(worker_pids | tail -n 1)
    kill -STOP "$hung"
    wait_for "its end" happened worker-died
    refuse "the worker that hung" alive "$hung"
    same "its pid, when it was killed" "$hung" "$(events worker-hung | field ECHOD_WORKER_PID)"
    same "its pid, when it was dead" "$hung" "$(events worker-died | field ECHOD_WORKER_PID)"
    same "why it died" hung "$(events worker-died | field ECHOD_REASON)"
    wait_for "its replacement" has_workers 2
    try "the other worker" alive "$others"
    same "MainPID" "$pid" "$(main_pid)"
    same "NRestarts" 0 "$(property NRestarts)"
    try "echo" echoes
}

has_workers() {
    [ "$(worker_pids | wc -l)" -eq "$1" ]
}

# The status line's figures are as young as the last tick.
test_status_follows() {
    drop_in echod.service '[Service]' WatchdogSec=2s
    systemctl start echod
    exec 3<>/dev/tcp/127.0.0.1/65432
    wait_for "a connection in the status line" is_like StatusText 'connections: 1,'
    exec 3>&-
    wait_for "none in it" is_like StatusText 'connections: 0, so far 1'
}

# An idle daemon wakes for the tick, every ten seconds here, and for nothing else. Three seconds
# see at most one tick: a timer, a ping and an answer for each worker, a status line.
test_idle() {
    local before
    configure 'workers = 2;'
    systemctl start echod
    try "echo" echoes
    wait_for "all to fall asleep" all_asleep
    before=$(wake_ups)
    sleep 3
    at_most "wake-ups in three seconds" 6 $(($(wake_ups) - before))
}

# Of all processes of the service.
wake_ups() {
    local pid
    for pid in $(main_pid) $(worker_pids); do
        cat "/proc/$pid/status"
    done | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum }'
}

all_asleep() {
    local before
    before=$(wake_ups)
    sleep 0.2
    [ "$(wake_ups)" -eq "$before" ]
}

run_tests "$@"
