#!/bin/bash
# SPDX-License-Identifier: MIT
# Two echod behind a real HAProxy, each in a network of its own: the clients' addresses arrive, a
# denied client is kept out, the health checks pass; and when one of the two is stopped under load,
# what it serves ends in order, and whoever connects from then on is served by the other.
#
#     client 192.0.2.10-.13 --- 192.0.2.1 HAProxy --- 198.51.100.2 echod a
#                                                 \-- 198.51.100.6 echod b
set -u
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

for program in haproxy ip ss socat unshare python3; do
    command -v "$program" >/dev/null || { echo "check-haproxy: no $program" >&2; exit 77; }
done
if [ $# -eq 0 ]; then
    unshare --net --pid --fork --mount true 2>/dev/null || exit 77
    dir=$(mktemp -d) || exit 99
    trap 'rm -rf "$dir"' EXIT
    # What is started in there ends with it, and its networks go with its mounts.
    timeout 120 unshare --net --pid --fork --kill-child --mount-proc "$0" "$dir"
    exit $?
fi
dir=$1
failed=0

fail() {
    echo "check-haproxy: $*" >&2
    failed=1
}

# What cannot go on without: the logs say why.
die() {
    fail "$*"
    tail -n 30 "$dir"/*.log 2>/dev/null >&2
    exit 1
}

# await WHAT COMMAND...: until it is so
await() {
    local what=$1 tries=1000
    shift
    until "$@"; do
        ((tries-- > 0)) || die "no $what"
        sleep 0.02
    done
}

# join NAME ADDRESS OUR_ADDRESS: a network of its own with a link to it
join() {
    if ! ip netns add "$1" || ! ip link add name "$1" type veth peer name eth0 netns "$1" ||
        ! ip address add "$3" dev "$1" || ! ip link set dev "$1" up ||
        ! ip -n "$1" address add "$2" dev eth0 || ! ip -n "$1" link set eth0 up; then
        die "no network $1"
    fi
}

# serve NAME ADDRESS: an echod that takes PROXY headers, and lets the clients in, not the proxy
serve() {
    cat >"$dir/$1.conf" <<EOF
host = "$2"; port = 7; workers = 2; drain_timeout = 60;
proxy_protocol = [ "198.51.100.1", "198.51.100.5" ];
access: { allow = [ "192.0.2.0/24" ]; deny = [ "192.0.2.13" ]; };
log: { target = "stderr"; connections = "all"; };
EOF
    ip netns exec "$1" "${ECHOD:?}" --config "$dir/$1.conf" 2>"$dir/$1.log" &
    await "echod $1" grep -q 'Ready on' "$dir/$1.log"
}

# shellcheck disable=SC2317 # await calls it, and those below
listens_no_more() { ! ip netns exec "$1" ss -Hltn | grep -q .; }

# health PROXY/SERVER: "UP L4OK" and the like
health() {
    echo "show stat" | socat -t 5 - "UNIX:$dir/haproxy.sock" 2>/dev/null |
        awk -F, -v name="$1" '$1 "/" $2 == name { print $18, $37 }'
}
is_up() { [[ $(health "$1") == UP*OK ]]; }
# shellcheck disable=SC2317
is_down() { [[ $(health "$1") == DOWN* ]]; }

# The checks of version 1 are a header and no more; those of version 2 want an echo.
start_haproxy() {
    cat >"$dir/haproxy.cfg" <<EOF
global
    stats socket $dir/haproxy.sock
    log stdout format raw local0 notice
defaults
    mode tcp
    log global
    balance roundrobin
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch 1
    default-server inter 200ms fall 2 rise 1
listen v1
    bind 192.0.2.1:7001
    server a 198.51.100.2:7 send-proxy check check-send-proxy
    server b 198.51.100.6:7 send-proxy check check-send-proxy
listen v2
    bind 192.0.2.1:7002
    option tcp-check
    tcp-check connect send-proxy
    tcp-check send check
    tcp-check expect string check
    server a 198.51.100.2:7 send-proxy-v2 proxy-v2-options crc32c check
    server b 198.51.100.6:7 send-proxy-v2 proxy-v2-options crc32c check
listen only_a
    bind 192.0.2.1:7003
    server a 198.51.100.2:7 send-proxy
listen only_b
    bind 192.0.2.1:7004
    server b 198.51.100.6:7 send-proxy-v2
EOF
    haproxy -db -f "$dir/haproxy.cfg" >"$dir/haproxy.log" 2>&1 &
    for server in v1/a v1/b v2/a v2/b; do
        await "health of $server" is_up "$server"
    done
}

# says LINE: the load has said it
# shellcheck disable=SC2317
says() { grep -qx "$1" "$dir/client.log"; }

# names SERVER ADDRESS: its log names this client
names() { grep -q "Connection from $2:[0-9]* ended (finished)" "$dir/$1.log"; }

mount -t tmpfs none /run || exit 99 # where ip(8) keeps the names of networks
ip link set lo up
join client 192.0.2.10/24 192.0.2.1/24
for address in 11 12 13; do
    ip -n client address add 192.0.2.$address/24 dev eth0
done
join a 198.51.100.2/30 198.51.100.1/30
join b 198.51.100.6/30 198.51.100.5/30
serve a 198.51.100.2
a=$!
serve b 198.51.100.6
start_haproxy

mkfifo "$dir/orders"
ip netns exec client python3 -B "${top_srcdir:?}/tests/haproxy_load.py" \
    <"$dir/orders" >"$dir/client.log" 2>&1 &
client=$!
exec 3>"$dir/orders"
await "load" says ready

# ip-netns(8) and its echod are one process.
kill -TERM "$a"
await "end of listening" listens_no_more a
echo stopped >&3
wait "$a" || fail "the stopped echod ended with status $?"
echo ended >&3
for proxy in v1 v2; do
    await "notice of the stop in $proxy" is_down "$proxy/a"
    is_up "$proxy/b" || fail "the other echod is not up in $proxy: $(health "$proxy/b")"
done
exec 3>&-
wait "$client" || fail "the load failed: $(cat "$dir/client.log")"

for server in a b; do
    for address in 192.0.2.11 192.0.2.12; do
        names "$server" "$address" || fail "no connection from $address in the log of $server"
    done
    # The checks' own connections are the proxy's, and they are let in.
    grep -q 'Refused a connection from 198' "$dir/$server.log" &&
        fail "$server refused the proxy: $(grep -m1 Refused "$dir/$server.log")"
done
grep -q 'Refused a connection from 192.0.2.13:[0-9]*: access.deny' "$dir/a.log" ||
    fail "the denied client is not in the log"
cat "$dir/client.log"
exit "$failed"
