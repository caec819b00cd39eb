#!/bin/bash
# SPDX-License-Identifier: MIT
# The gap that clients see, measured in a sandbox (make gap). GAPFLAGS are options of gap.py.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

# The unit of echod, with another program: the same settings, and nothing to do.
write_empty() {
    local from
    from=$(systemctl show -P FragmentPath echod)
    cp "$BUILT/../torture/empty" "$SBIN/test-empty"
    sed -e "s|^ExecStart=.*|ExecStart=$SBIN/test-empty|" -e '/^ExecReload=/d' -e '/^Conflicts=/d' \
        -e 's|^RuntimeDirectory=.*|RuntimeDirectory=test-empty|' -e 's|^WatchdogSec=.*||' \
        "$from" >/run/systemd/system/test-empty.service
    systemctl daemon-reload
}

test_gap() {
    configure 'workers = 2;'
    write_empty
    # shellcheck disable=SC2086
    try "measurement" python3 -B "$top_srcdir/tests/torture/gap.py" \
        --torment "$BUILT/../torture/torment" --empty test-empty ${GAPFLAGS-} 65432
}

run_tests "$@"
