#!/bin/bash
# SPDX-License-Identifier: MIT
# The man pages: clean, and in step with what --help says.
set -u
export LC_ALL=C

command -v mandoc >/dev/null || exit 77
failed=0

fail() {
    echo "check-man: $*" >&2
    failed=1
}

page_options() { grep -oE 'Fl -[a-z0-9][a-z0-9-]*' "$1" | sed 's/^Fl -/--/' | sort -u; }
help_options() { grep -oE -- '--[a-z0-9][a-z0-9-]*' <<<"$1" | sort -u; }

# help_of PROGRAM: its help, and that of each of its modes, which are listed below "MODE:"
help_of() {
    local said modes mode
    said=$("$1" --help) || return
    echo "$said"
    modes=$(sed -n '/^MODE:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$said")
    for mode in $modes; do
        "$1" "$mode" --help || return
    done
}

# same_options PAGE PROGRAM: every long option stands in both
same_options() {
    local page=${top_srcdir:?}/man/$1 said option
    said=$(help_of "$2") || fail "$2 --help: exit status $?"
    [ -n "$said" ] || fail "$2 --help says nothing"
    while read -r option; do
        fail "$1 lacks $option"
    done < <(comm -23 <(help_options "$said") <(page_options "$page"))
    while read -r option; do
        fail "$1 has $option, which $2 --help does not name"
    done < <(comm -13 <(help_options "$said") <(page_options "$page"))
}

for page in "${top_srcdir:?}"/man/*.[158]; do
    mandoc -T lint -W warning "$page" || fail "$page: see above"
done
same_options echod.8 "${ECHOD:?}"
same_options echo-client.1 "${ECHO_CLIENT:?}"
exit "$failed"
