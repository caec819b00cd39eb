#!/bin/bash
# SPDX-License-Identifier: MIT
# What --json prints has the fields that echo-client(1) lists, and no others, whatever happened.
set -u
export LC_ALL=C

client=${ECHO_CLIENT:?}
page=${top_srcdir:?}/man/echo-client.1
failed=0

fail() {
    echo "check-json: $*" >&2
    failed=1
}

# listed MODE: the fields of the mode, which are the items of a list in its part of the page
listed() {
    sed -n "/^\\.\\\\\" JSON of $1\$/,/^\\.El\$/s/^\\.It Li \\([a-z_0-9]*\\).*/\\1/p" "$page" | sort -u
}

found() { grep -oE '"[a-z_0-9]+":' | tr -d '":' | sort -u; }

# same MODE TEXT: the fields in TEXT are those that are listed
same() {
    local differences
    [ -n "$(listed "$1")" ] || fail "$page lists no fields of $1"
    differences=$(diff <(listed "$1") <(found <<<"$2")) || fail "$1: < listed, > printed: $differences"
    ! command -v python3 >/dev/null || python3 -m json.tool <<<"$2" >/dev/null || fail "$1: no JSON: $2"
}

said=$("$client" check --json unix:/nonexistent/socket 2>&1)
if [ $? -eq 3 ]; then
    # Built without jansson: it says so.
    grep -q jansson <<<"$said" || fail "--json: $said"
    exit "$failed"
fi
same check "$said"
same check "$("$client" --json -n 2 -i 0 unix:/nonexistent/socket 'unix:@no"body' 2>&1)"
same pipe "$("$client" pipe --json unix:/nonexistent/socket 2>&1 </dev/null)"
exit "$failed"
