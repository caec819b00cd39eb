#!/bin/bash
# SPDX-License-Identifier: MIT
# Nothing is lost, whatever happens to the service: the short form. "make torture" is the long one,
# with the options of tests/torture/torture.py in TORTUREFLAGS.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

unix=/run/echod/torture

# torture ARGUMENT...: the unit and its targets; three in four clients use TCP
torture() {
    # shellcheck disable=SC2086
    python3 -B "$top_srcdir/tests/torture/torture.py" --torment "$BUILT/../torture/torment" \
        ${TORTUREFLAGS:---rounds 14 --connections 60} "$@" 65432 65432 65432 "$unix"
}

test_service() {
    configure 'workers = 2;' "listeners = ( { path = \"$unix\"; } );"
    try "torture" torture --unit echod --unix-anew
}

test_activated_service() {
    configure 'workers = 2;'
    drop_in echod.socket '[Socket]' "ListenStream=$unix"
    systemctl start echod.socket
    try "torture" torture --unit echod-activated
}

command -v python3 >/dev/null || skip "python3 is missing"
run_tests "$@"
