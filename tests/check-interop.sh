#!/bin/bash
# SPDX-License-Identifier: MIT
# echo-client against echod and other people's echo servers. Where they have limits of their own, it
# says which. All run in namespaces of their own: on port 7, which inetds insist on, and on addresses
# that are not 127.0.0.0/8, which OpenBSD's inetd does not answer by datagrams.
set -u
export LC_ALL=C

client=${ECHO_CLIENT:?}
failed=0

fail() {
    echo "check-interop: $*" >&2
    failed=1
}

# Again as the first process of a PID namespace: when it ends, everything ends.
if [ -z "${ECHOD_INTEROP-}" ]; then
    for server in xinetd inetd ncat socat ip; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$server" >/dev/null ||
            { echo "check-interop: skipped, as $server is missing"; exit 77; }
    done
    dir=$(mktemp -d) || exit 99
    trap 'rm -rf "$dir"' EXIT
    # In a user namespace xinetd cannot change its groups, and serves nobody.
    unshare --net --pid --fork --mount-proc true ||
        { echo "check-interop: skipped, only root may make the namespaces"; exit 77; }
    ECHOD_INTEROP=$dir PATH=$PATH:/usr/sbin:/sbin timeout 100 \
        unshare --net --pid --fork --mount-proc --kill-child "$0"
    exit
fi
dir=$ECHOD_INTEROP

# ---- servers --------------------------------------------------------------------

xinetd=192.0.2.1 inetd=192.0.2.2 ncat=192.0.2.3 socat=192.0.2.4 echod=192.0.2.5

# xinetd_service ID SOCKET_TYPE PROTOCOL WAIT
xinetd_service() {
    cat <<END
service echo
{
    type = INTERNAL
    id = $1
    socket_type = $2
    protocol = $3
    wait = $4
    user = root
    bind = $xinetd
}
END
}

start_xinetd() {
    { xinetd_service echo-stream stream tcp no; xinetd_service echo-dgram dgram udp yes; } \
        >"$dir/xinetd.conf"
    xinetd -dontfork -f "$dir/xinetd.conf" -pidfile "$dir/xinetd.pid" >"$dir/xinetd.log" 2>&1 &
}

start_inetd() {
    printf '%s:echo stream tcp nowait root internal\n%s:echo dgram udp wait root internal\n' \
        "$inetd" "$inetd" >"$dir/inetd.conf"
    inetd -i "$dir/inetd.conf" >"$dir/inetd.log" 2>&1 &
}

start_echod() {
    printf 'host = "%s"; port = 7;\n' "$echod" >"$dir/echod.conf"
    "${ECHOD:?}" --config "$dir/echod.conf" >"$dir/echod.log" 2>&1 &
}

start() {
    ip link set lo up
    for address in "$xinetd" "$inetd" "$ncat" "$socat" "$echod"; do
        ip address add "$address/24" dev lo || exit 99
    done
    start_xinetd
    start_inetd
    ncat -l -k "$ncat" 7 --exec /bin/cat >"$dir/ncat.log" 2>&1 &
    socat "TCP-LISTEN:7,bind=$socat,fork,reuseaddr" PIPE >"$dir/socat.log" 2>&1 &
    start_echod
    for address in "$xinetd" "$inetd" "$ncat" "$socat" "$echod"; do
        for _ in {1..200}; do
            "$client" -q -t 1 "$address:7" 2>/dev/null && continue 2
            sleep 0.05 # until the next look: there is nothing to wait on
        done
        fail "no server on $address: $(cat "$dir"/*.log)"
    done
}

# ---- what is asked of them --------------------------------------------------------

# tells STATUS PATTERN MODE ARG...: the client ends with this status, and says this
tells() {
    local status=$1 sentence=$2 said found
    shift 2
    said=$("$client" "$@" 2>&1)
    found=$?
    if [ "$found" -ne "$status" ] || ! grep -qE "$sentence" <<<"$said"; then
        fail "$*: $found, not $status and \"$sentence\": $said"
    fi
}

says() { tells "$1" "$2" check "${@:3}"; }
pings() { tells "$1" "$2" ping -c 3 -W 1 "${@:3}"; }

# pipes TARGET BYTES [ARG...]: so many bytes go through, and come back unharmed
pipes() {
    local target=$1 bytes=$2
    shift 2
    head -c "$bytes" /dev/urandom >"$dir/in"
    "$client" pipe --verify "$@" "$target" <"$dir/in" >"$dir/out" 2>"$dir/error" ||
        fail "pipe of $bytes bytes to $target: $? $(cat "$dir/error")"
    cmp "$dir/in" "$dir/out" || fail "pipe of $bytes bytes to $target"
}

# well_or_named PATTERN COMMAND...: it ends well, or says why not. Returns whether it ended well.
well_or_named() {
    local pattern=$1 status
    shift
    "$@" >"$dir/out" 2>&1 </dev/null
    status=$?
    [ "$status" -ne 0 ] || return 0
    if [ "$status" -ne 2 ] || ! grep -qaE "$pattern" "$dir/out"; then
        fail "$*: $status, and not \"$pattern\": $(tail -c 500 "$dir/out")"
    fi
    return 1
}

# shellcheck disable=SC2317 # called by way of well_or_named
pipe_zeros() {
    head -c "$1" /dev/zero | "$client" pipe -t 1 "$2" >/dev/null
    return "${PIPESTATUS[1]}"
}

streams() {
    for address in "$xinetd" "$inetd" "$echod"; do
        says 0 "returned 12 bytes" "$address:7"
        says 0 "returned 1.0 MiB" -s 1M "$address:7"
        says 0 "5 of 5 probes" -n 5 -i 0 "$address:7"
        pipes "$address:7" 1000
        pipes "$address:7" 10M
    done
}

# What writes all before it reads blocks itself, sooner or later or, with luck, never. Less than a
# pipe holds is well in any case.
blocking_streams() {
    local named="a server that cannot read while it writes"
    for address in "$ncat" "$socat"; do
        says 0 "returned 12 bytes" "$address:7"
        says 0 "returned 10.0 KiB" -s 10K "$address:7"
        well_or_named "$named" "$client" check -t 2 -s 64M "$address:7"
        well_or_named "$named|half-closed" pipe_zeros 10M "$address:7"
    done
    pipes "$socat:7" 10K
}

# ncat forgets what it owes when the client is done, unless cat(1) is very quick.
half_close() {
    for _ in {1..20}; do
        well_or_named "half-closed" pipe_zeros 1000 "$ncat:7" || return
    done
    fail "ncat has always sent what it owed after a half-close"
}

datagrams() {
    for address in "$xinetd" "$inetd"; do
        says 0 "returned 12 bytes" "udp://$address:7"
        says 0 "returned 2.0 KiB" -s 2048 "udp://$address:7"
    done
    says 0 "5 of 5 probes" -n 5 -i 0 "udp://$inetd:7"
    # What comes while xinetd is about to answer another, it throws away: so not one upon the other.
    says 0 "3 of 3 probes" -n 3 -i 0.2 "udp://$xinetd:7"
    says 2 "2048 of 2049 bytes \\(the limit of xinetd\\)" -s 2049 "udp://$xinetd:7"
    says 0 "returned 4.0 KiB" -s 4096 "udp://$inetd:7"
    says 2 "4096 of 4097 bytes \\(the limit of OpenBSD's inetd\\)" -s 4097 "udp://$inetd:7"
    says 2 "connection refused" "udp://$socat:7"
}

ping_streams() {
    local all="3 sent, 3 received, 0 lost"
    for address in "$xinetd" "$inetd" "$ncat" "$socat" "$echod"; do
        pings 0 "$all" -i 0.01 "$address:7"
        pings 0 "$all" -i 0.01 --connect "$address:7"
        pings 0 "$all" -i 0.01 -s 4096 "$address:7"
    done
}

# As of datagrams(): xinetd wants one after the other.
ping_datagrams() {
    local all="3 sent, 3 received, 0 lost"
    pings 0 "$all" -i 0.2 -s 2048 "udp://$xinetd:7"
    pings 1 "cut to 2048 of 2049 bytes \(the limit of xinetd\)" -i 0.2 -s 2049 "udp://$xinetd:7"
    pings 0 "$all" -i 0.01 -s 4096 "udp://$inetd:7"
    pings 1 "cut to 4096 of 4097 bytes \(the limit of OpenBSD's inetd\)" -i 0.01 -s 4097 \
        "udp://$inetd:7"
    pings 1 "Connection refused" -i 0.01 "udp://$socat:7"
}

start
streams
blocking_streams
half_close
datagrams
ping_streams
ping_datagrams
exit "$failed"
