#!/bin/bash
# SPDX-License-Identifier: MIT
# Nothing is lost without systemd, either; and an echod that loses something is caught.
set -u

command -v python3 >/dev/null || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0

# torture PROGRAM ARGUMENT...
torture() {
    timeout 120 python3 -B "${top_srcdir:?}/tests/torture/torture.py" \
        --torment "${top_builddir:?}/tests/torture/torment" --echod "$@" >"$dir/out" 2>&1
}

# expect STATUS WHAT PROGRAM ARGUMENT...
expect() {
    local wanted=$1 what=$2 status=0
    shift 2
    torture "$@" || status=$?
    [ "$status" -ne "$wanted" ] || return 0
    echo "check-torture: $what: status $status instead of $wanted:" >&2
    cat "$dir/out" >&2
    failed=1
}

# shellcheck disable=SC2086
expect 0 "echod" "${ECHOD:?}" ${TORTUREFLAGS:---rounds 12 --connections 50}
expect 1 "an echod that forgets what it owes" "$top_builddir/tests/torture/forgetful" \
    --kinds kill-worker --mix slow,bulk --rounds 3 --connections 20
grep -qE '"kind": "(lost|reordered)"' "$dir/out" || {
    echo "check-torture: what is lost is not called so" >&2
    failed=1
}
exit "$failed"
