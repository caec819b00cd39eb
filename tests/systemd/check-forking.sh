#!/bin/bash
# SPDX-License-Identifier: MIT
# echod --daemon, as a Type=forking service with PIDFile=: for those without sd_notify(3).
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

pid_file=/run/echod.pid

write_unit() {
    cat >/run/systemd/system/test-forking.service <<END
[Service]
Type=forking
PIDFile=$pid_file
ExecStart=$SBIN/echod --daemon --user nobody
ExecReload=kill -HUP \$MAINPID
Restart=on-failure
RestartSec=100ms
END
    systemctl daemon-reload
}

test_start_and_stop() {
    local pid
    write_unit
    try "start" systemctl start test-forking
    try "echo as soon as start returns" echoes
    pid=$(main_pid test-forking)
    same "pid file" "$pid" "$(cat $pid_file)"
    same "user of the workers" 65534 \
        "$(awk '/^Uid/ { print $2 }' "/proc/$(worker_pids test-forking | head -n 1)/status")"
    same "ActiveState" active "$(property ActiveState test-forking)"

    exec 3<>/dev/tcp/127.0.0.1/65432
    configure 'port = 7001;'
    try "reload" systemctl reload test-forking
    wait_for "the new port" echoes 127.0.0.1:7001
    try "the connection goes on" say after
    same "MainPID" "$pid" "$(main_pid test-forking)"
    exec 3>&-

    try "stop" systemctl stop test-forking
    same "Result" success "$(property Result test-forking)"
    same "exit status" 0 "$(property ExecMainStatus test-forking)"
    refuse "a pid file that is left" test -e $pid_file
}

test_second_instance() {
    write_unit
    systemctl start test-forking
    configure 'port = 7001;'
    refuse "a second daemon with the same pid file" "$SBIN/echod" --daemon
    try "echo by the first one" echoes
    same "pid file" "$(main_pid test-forking)" "$(cat $pid_file)"
}

test_start_failure() {
    write_unit
    configure 'host = "192.0.2.1";'
    drop_in test-forking.service '[Service]' Restart=no
    refuse "start at an address that nobody has" systemctl start test-forking
    same "ActiveState" failed "$(property ActiveState test-forking)"
    like "the cause, on standard error" 'Cannot listen on 192\.0\.2\.1' "$(journal -u test-forking)"
    refuse "a pid file that is left" test -e $pid_file
}

# A pid file that nobody holds any more is no obstacle.
test_crash() {
    local pid
    write_unit
    systemctl start test-forking
    pid=$(main_pid test-forking)
    kill -KILL "$pid"
    wait_for "a restart" is_like NRestarts '^[1-9]' test-forking
    wait_for "the new process" has ActiveState active test-forking
    refuse "the old process again" has MainPID "$pid" test-forking
    try "echo" echoes
}

run_tests "$@"
