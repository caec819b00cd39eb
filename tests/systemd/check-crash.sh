#!/bin/bash
# SPDX-License-Identifier: MIT
# What comes back by itself, what is left behind, and what must not be tried again and again.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

none_alive() {
    ! alive "$@"
}

# kill_supervisor PID...: kills it; its workers are gone and it is back, on the same port
kill_supervisor() {
    local pid
    pid=$(main_pid)
    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say before
    kill -KILL "$pid"
    wait_for "the end of its workers" none_alive "$@"
    wait_for "a restart" has NRestarts 1
    wait_for "the new process" has ActiveState active
    refuse "the old process again" has MainPID "$pid"
    try "echo" echoes
}

test_supervisor_is_killed() {
    systemctl start echod
    # shellcheck disable=SC2046
    kill_supervisor $(worker_pids)
}

# Also where the service manager does not look after them, and one of them cannot.
test_workers_end_by_themselves() {
    local workers
    configure 'workers = 3;'
    drop_in echod.service '[Service]' KillMode=process
    systemctl start echod
    workers=$(worker_pids)
    kill -STOP "$(tail -n 1 <<<"$workers")"
    # shellcheck disable=SC2086
    kill_supervisor $workers
}

test_worker_is_killed() {
    local pid worker
    configure 'workers = 1;'
    systemctl start echod
    pid=$(main_pid)
    worker=$(worker_pids)
    kill -KILL "$worker"
    # Nobody is refused meanwhile: the socket is still there.
    try "echo" echoes
    same "MainPID" "$pid" "$(main_pid)"
    same "pid of the worker that died" "$worker" "$(events worker-died | field ECHOD_WORKER_PID)"
    like "why it died" 'signal 9' "$(events worker-died | field ECHOD_REASON)"
}

# refuse_to_start STATUS: the service fails with this exit status and is not started again
refuse_to_start() {
    refuse "start" systemctl start echod
    same "exit status" "$1" "$(property ExecMainStatus)"
    same "ActiveState" failed "$(property ActiveState)"
    same "NRestarts" 0 "$(property NRestarts)"
}

test_fault_in_the_configuration() {
    configure 'port = 70000;'
    refuse_to_start 6
    like "what was wrong" '/etc/echod\.conf:1.*70000' "$(events config-error | field MESSAGE)"
}

test_wrong_usage() {
    drop_in echod.service '[Service]' ExecStart= "ExecStart=$SBIN/echod --no-such-option"
    refuse_to_start 2
}

test_no_permission() {
    configure 'port = 7;'
    refuse_to_start 4
}

# What may become better by itself is tried again: an address that another process has.
test_port_in_use() {
    drop_in echod.service '[Service]' RestartSec=200ms StartLimitBurst=1000
    systemd-run --quiet --unit=test-squatter "$SBIN/echod" --config /dev/null
    wait_for "another process on the port" echoes
    refuse "start" systemctl start echod
    wait_for "another try" is_like NRestarts '^[1-9]'
    systemctl stop test-squatter
    wait_for "the port" has ActiveState active
    try "echo" echoes
}

run_tests "$@"
