#!/bin/bash
# SPDX-License-Identifier: MIT
# echod@NAME.service: several configurations on one machine.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

test_instances() {
    local pid
    mkdir -p /etc/echod
    echo 'port = 7001;' >/etc/echod/a.conf
    echo 'port = 7002;' >/etc/echod/b.conf
    try "start of all three" systemctl start echod echod@a echod@b
    try "echo" echoes 127.0.0.1:65432 127.0.0.1:7001 127.0.0.1:7002
    like "status line" '127\.0\.0\.1:7002' "$(property StatusText echod@b)"

    pid=$(main_pid echod@a)
    echo 'port = 7003;' >/etc/echod/b.conf
    try "reload of one" systemctl reload echod@b
    try "echo" echoes 127.0.0.1:65432 127.0.0.1:7001 127.0.0.1:7003
    refuse "echo on the old port" echoes 127.0.0.1:7002

    try "stop of one" systemctl stop echod@b
    try "echo by the others" echoes 127.0.0.1:65432 127.0.0.1:7001
    same "MainPID of an instance that nobody touched" "$pid" "$(main_pid echod@a)"
    same "journal of one" 1 "$(events started echod@a | wc -l)"
}

# An instance has its own file, with its own drop-ins, or none.
test_its_own_file() {
    configure 'port = 7009;'
    mkdir -p /etc/echod/a.conf.d
    echo 'port = 7001;' >/etc/echod/a.conf
    echo 'port = 7002;' >/etc/echod/a.conf.d/port.conf
    echo 'listeners = ( { path = "/run/echod-a/socket"; } );' >/etc/echod/a.conf.d/socket.conf
    try "start" systemctl start echod@a
    try "echo" echoes 127.0.0.1:7002 unix:/run/echod-a/socket

    refuse "start without a file" systemctl start echod@none
    same "exit status" 6 "$(property ExecMainStatus echod@none)"
    same "NRestarts" 0 "$(property NRestarts echod@none)"
}

test_reload_of_a_broken_file() {
    mkdir -p /etc/echod
    echo 'port = 7001;' >/etc/echod/a.conf
    systemctl start echod@a
    echo 'prot = 7002;' >/etc/echod/a.conf
    refuse "reload of a broken file" systemctl reload echod@a
    like "status line" 'the last reload failed: .*/etc/echod/a\.conf:1' "$(property StatusText echod@a)"
    try "echo" echoes 127.0.0.1:7001
}

run_tests "$@"
