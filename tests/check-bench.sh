#!/bin/sh
# SPDX-License-Identifier: MIT
# The benchmark runs, each case of it, and notices bytes that are wrong. How fast is not asked here.
set -u

command -v python3 >/dev/null || exit 77
source=${top_srcdir:?}/tests/bench
programs=${top_builddir:?}/tests/bench
dir=$(mktemp -d) || exit 99
liar=
trap '[ -z "$liar" ] || kill "$liar"; rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "check-bench: $*" >&2
    failed=1
}

# Each server of ours that is built; libuv's is if "make bench" has run.
smoke() {
    timeout 100 python3 -B "$source/bench.py" --smoke --no-build --bin "$programs" \
        --echod "echod=${ECHOD:?}" \
        --servers echod,policy,floor_blocking,floor_epoll,floor_udp,libuv \
        2>"$dir/progress" || {
        cat "$dir/progress" >&2
        fail "the smoke run failed"
    }
}

# notices PORT SENTENCE ARG...: the load ends with status 1 and says so
notices() {
    port=$1 sentence=$2
    shift 2
    timeout 20 "$programs/load" --seconds=5 "$@" "127.0.0.1:$port" >"$dir/out" 2>&1
    status=$?
    if [ "$status" -ne 1 ] || ! grep -q "$sentence" "$dir/out"; then
        fail "load $*: status $status instead of 1 and \"$sentence\": $(cat "$dir/out")"
    fi
}

start_liar() {
    mkfifo "$dir/ports"
    python3 -B "$source/liar.py" >"$dir/ports" &
    liar=$!
    {
        read -r changed doubled shortened closed
        read -r udp_changed udp_doubled udp_shortened misdirected pretended lossy
    } <"$dir/ports"
}

lies() {
    for mode in "pingpong" "pingpong --spin" "pingpong --connections=3" "short"; do
        # shellcheck disable=SC2086
        notices "$changed" "wrong bytes" $mode
        # shellcheck disable=SC2086
        notices "$doubled" "more came back" $mode
        # shellcheck disable=SC2086
        notices "$closed" "closed by the server" $mode
    done
    for port in "$changed" "$doubled" "$shortened"; do
        notices "$port" "wrong bytes" bulk
    done
    notices "$closed" "closed by the server\|reset by peer" bulk
}

datagram_lies() {
    for mode in "--connections=3" "--connections=3 --spin" "--connections=3 --burst"; do
        # shellcheck disable=SC2086
        notices "$udp_changed" "wrong bytes" datagrams $mode
        # shellcheck disable=SC2086
        notices "$udp_doubled" "came twice" datagrams $mode
        # shellcheck disable=SC2086
        notices "$udp_shortened" "answer of 63 bytes" datagrams $mode
        # shellcheck disable=SC2086
        notices "$pretended" "an answer came from" datagrams $mode
    done
    notices "$misdirected" "to another peer" datagrams --connections=3
}

# Loss is no lie: it is counted, and the exchange goes on.
loss() {
    timeout 20 "$programs/load" datagrams --seconds=0.5 "127.0.0.1:$lossy" >"$dir/out" 2>&1
    status=$?
    if [ "$status" -ne 0 ] || ! grep -q '"lost": [1-9]' "$dir/out"; then
        fail "load datagrams: status $status, and no loss: $(cat "$dir/out")"
    fi
}

smoke
start_liar
lies
datagram_lies
loss
exit "$failed"
