#!/bin/sh
# SPDX-License-Identifier: MIT
# What systemd itself says about the expanded units: no complaint, and little exposure.
set -u

command -v systemd-analyze >/dev/null || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "check-units: $*" >&2
    failed=1
}

# The units as installed, but with the program that was just built: "verify" wants it to be there.
prepare() {
    for unit in echod.service echod@.service echod.socket echod-activated.service; do
        sed "s|=/[^ ]*/echod\\>|=${ECHOD:?}|" "${top_builddir:?}/systemd/$unit" >"$dir/$unit" ||
            exit 99
        ! grep -n '@[a-z]*@' "$dir/$unit" || fail "$unit: not expanded"
    done
}

verify() {
    said=$(cd "$dir" && systemd-analyze verify --man=no ./*.service ./*.socket 2>&1) ||
        fail "systemd-analyze verify failed"
    [ -z "$said" ] || fail "systemd-analyze verify: $said"
}

# exposure UNIT TENTHS: at most this much
exposure() {
    systemd-analyze security --no-pager --offline=true --threshold="$2" "$dir/$1" >"$dir/out" 2>&1 ||
        fail "$1: too exposed"
    tail -n 1 "$dir/out"
}

prepare
verify
exposure echod.service 12
exposure echod@.service 12
exposure echod-activated.service 2
exit "$failed"
