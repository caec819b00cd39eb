#!/bin/sh
# SPDX-License-Identifier: MIT
# The clients of the torture test notice what is wrong with a server, and nothing where nothing is.
command -v python3 >/dev/null || exit 77
exec python3 -B "${top_srcdir:?}/tests/torture/check_torment.py" \
    "${top_builddir:?}/tests/torture/torment"
