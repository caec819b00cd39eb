#!/bin/bash
# SPDX-License-Identifier: MIT
# What journald has of it: fields for programs, explanations for people, and never too much.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

number='[0-9]+'
address='127\.0\.0\.1'

# recorded EVENT NAME=PATTERN...: its last entry has these fields, beside those that all have
recorded() {
    local entry name pattern
    entry=$(events "$1" | tail -n 1)
    [ -n "$entry" ] || fail "$1: not in the journal"
    for pattern in MESSAGE=. MESSAGE_ID='[0-9a-f]{32}' PRIORITY='[3-6]' SYSLOG_IDENTIFIER=echod \
        CODE_FILE='.*\.c' CODE_LINE="$number" CODE_FUNC=. "${@:2}"; do
        name=${pattern%%=*}
        [[ $entry =~ \"$name\":\"([^\"]*) ]] || fail "$1: no $name: $entry"
        [[ ${BASH_REMATCH[1]} =~ ^(${pattern#*=}) ]] ||
            fail "$1: $name is \"${BASH_REMATCH[1]}\", not like \"${pattern#*=}\""
    done
}

test_fields() {
    configure 'workers = 1;' 'limits: { connections = 1; };'
    systemctl start echod
    recorded listening ECHOD_LISTENER="$address:65432$"
    recorded started ECHOD_WORKERS='1$'

    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say hello
    refuse "a connection too many" echoes
    recorded connection-refused ECHOD_PEER_ADDR="$address$" ECHOD_PEER_PORT="$number$" \
        ECHOD_LISTENER="$address:65432$" ECHOD_WORKER="$number$" \
        ECHOD_REASON='limits\.connections$'
    same "counted connections" 1 "$(counted ECHOD_CONNECTIONS)"
    recorded counters ECHOD_CONNECTIONS='1$' ECHOD_CONNECTIONS_TOTAL='2$' ECHOD_REFUSED='1$' \
        ECHOD_DENIED='0$' ECHOD_OVER_RATE='0$' ECHOD_OVER_SOURCE='0$' ECHOD_OVER_TOTAL='1$' \
        ECHOD_BYTES='6$' ECHOD_WORKERS='1$'

    configure 'workers = 1;' 'access: { deny = [ "127.0.0.1" ]; };'
    systemctl reload echod
    refuse "a connection that is denied" echoes
    same "denied connections" 1 "$(counted ECHOD_DENIED)"
    recorded counters ECHOD_CONNECTIONS_TOTAL='3$' ECHOD_REFUSED='2$'
    try "an echo for who was let in before" say hello

    kill -KILL "$(worker_pids)"
    wait_for "the death of the worker" happened worker-died
    recorded worker-died ECHOD_WORKER="$number$" ECHOD_WORKER_PID="$number$" \
        ECHOD_CONNECTIONS='1$' ECHOD_REASON='.*signal 9'
    wait_for "its replacement" happened worker-started
    recorded worker-started ECHOD_WORKER="$number$" ECHOD_WORKER_PID="$number$"

    configure 'port = 7001;'
    systemctl reload echod
    recorded reloading
    recorded reloaded ECHOD_DURATION_USEC="$number$" ECHOD_WORKERS="$number$"
    recorded listener-closed ECHOD_LISTENER="$address:65432$"
    configure 'port = 70000;'
    systemctl reload echod
    recorded config-error
    recorded reload-failed ECHOD_REASON='.*/etc/echod\.conf:1'

    systemctl stop echod
    recorded stopping ECHOD_CONNECTIONS='0$'
    recorded stopped
}

# Each message of echod has its explanation, and fields are filled in.
test_explanations() {
    local text
    systemctl start echod
    configure 'port = 7001;'
    systemctl reload echod
    systemctl stop echod
    text=$(journal -x -u echod SYSLOG_IDENTIFIER=echod)
    like "the explanation of a start" 'echod listens on 127\.0\.0\.1:65432' "$text"
    like "the explanation of a reload" 'Those that were open before were handed over' "$text"
    same "messages and explanations" "$(journal -u echod SYSLOG_IDENTIFIER=echod -o cat | wc -l)" \
        "$(grep -c 'Defined-By: echod' <<<"$text")"
}

test_each_connection() {
    configure 'log: { connections = "all"; };' 'idle_timeout = 1;'
    systemctl start echod
    try "an echo of 1000 bytes" echo-client --quiet --size 1000
    wait_for "its end in the journal" happened connection-ended
    recorded connection-ended ECHOD_PEER_ADDR="$address$" ECHOD_PEER_PORT="$number$" \
        ECHOD_LISTENER="$address:65432$" ECHOD_BYTES='1000$' ECHOD_DURATION_USEC="$number$" \
        ECHOD_REASON='finished$'

    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say hello
    wait_for "the end of a silent one" ended_by idle
    recorded connection-ended ECHOD_BYTES='6$' ECHOD_DURATION_USEC="$number$"

    configure 'log: { connections = "all"; };'
    systemctl reload echod
    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say hello
    systemctl stop echod
    recorded connection-ended ECHOD_REASON='stopped$'
}

ended_by() {
    events connection-ended | field ECHOD_REASON | grep -qx "$1"
}

# Ten thousand connections that are refused are ten messages and a count; journald, whose limit for
# a service is 10,000 messages in 30 s, has nothing to leave out.
test_flood() {
    local took
    configure 'limits: { connections = 1; };'
    systemctl start echod
    exec 3<>/dev/tcp/127.0.0.1/65432
    try "an echo" say before
    took=$(milliseconds flood 10000) || fail "flood"
    echo "  10000 connections in $took ms"
    same "refused connections" 10000 "$(counted ECHOD_REFUSED)"
    wait_for "an account of all of them in the journal" told 10000
    at_most "messages about refused connections" 40 "$(events connection-refused | wc -l)"
    at_most "all messages" 100 "$(journal -u echod -o cat | wc -l)"
    try "the connection goes on" say after
}

flood() {
    "$BUILT/crowd" flood "$1" 65432 >&2
}

# told COUNT: so many are in the journal, by messages of their own or by being counted in others
told() {
    local sum count
    sum=$(events connection-refused | grep -vc ECHOD_FOLDED)
    for count in $(journal -u echod -o json | field ECHOD_FOLDED); do
        sum=$((sum + count))
    done
    [ "$sum" -eq "$1" ]
}

run_tests "$@"
