#!/bin/bash
# SPDX-License-Identifier: MIT
# Holds the events of src/base/event.c against systemd/echod.catalog, both ways, and against the
# tables of echod(8): an event that nobody explains is as wrong as an explanation of none.
set -u
export LC_ALL=C

events=${top_srcdir:?}/src/base/event.c
catalog=$top_srcdir/systemd/echod.catalog
page=$top_srcdir/man/echod.8
failed=0

fail() {
    echo "check-catalog: $*" >&2
    failed=1
}

event_ids() { grep -oE '"[0-9a-f]{32}"' "$events" | tr -d '"'; }
event_names() { grep -oE '\{"[a-z-]+"' "$events" | tr -d '{"'; }
field_names() { grep -oE '"ECHOD_[A-Z_]+"' "$events" | tr -d '"'; }
entry_ids() { sed -n 's/^-- //p' "$catalog"; }

# unique WHAT: fails for lines of standard input that come twice, or when there are none
unique() {
    local lines twice
    lines=$(cat)
    [ -n "$lines" ] || fail "$1: none found"
    twice=$(sort <<<"$lines" | uniq -d)
    [ -z "$twice" ] || fail "$1: twice:" "$twice"
}

# missing WHAT: fails for lines of standard input that are there
missing() {
    local line
    while IFS= read -r line; do
        fail "$1: $line"
    done
}

# What each entry has to have; prints the ids of those that lack it.
incomplete_entries() {
    awk '
        function finish() { if (id != "" && (seen != 4 || text == 0)) print id }
        /^-- /                                       { finish(); id = $2; seen = text = body = 0 }
        !body && /^(Subject|Support|Documentation): ./ { seen++ }
        !body && /^Defined-By: echod$/                { seen++ }
        /^$/                                         { body = 1 }
        body && /./                                  { text++ }
        END                                          { finish() }
    ' "$catalog"
}

# journalctl's own reader, where there is one
check_format() {
    local root
    command -v journalctl >/dev/null || return 0
    root=$(mktemp -d) || exit 99
    mkdir -p "$root/usr/lib/systemd/catalog" "$root/var/lib/systemd/catalog"
    cp "$catalog" "$root/usr/lib/systemd/catalog/"
    journalctl --root="$root" --update-catalog ||
        fail "journalctl does not accept echod.catalog"
    missing "journalctl does not find" < <(comm -13 \
        <(journalctl --root="$root" --list-catalog | cut -d' ' -f1 | sort) <(entry_ids | sort))
    rm -rf "$root"
}

unique "ids in event.c" < <(event_ids)
unique "names in event.c" < <(event_names)
unique "fields in event.c" < <(field_names)
unique "entries in echod.catalog" < <(entry_ids)
missing "no entry in echod.catalog for" < <(comm -23 <(event_ids | sort) <(entry_ids | sort))
missing "no event in event.c for the entry" < <(comm -13 <(event_ids | sort) <(entry_ids | sort))
missing "incomplete entry" < <(incomplete_entries)
missing "unknown field in echod.catalog" < <(comm -13 <(field_names | sort) \
    <(grep -oE '@[^@ ]+@' "$catalog" | tr -d @ | sort -u))
missing "event not in echod.8" < <(comm -23 <(event_names | sort) \
    <(sed -nE 's/^\.It Cm ([a-z-]+)( .*)?$/\1/p' "$page" | sort -u))
missing "field not in echod.8" < <(comm -23 <(field_names | sort) \
    <(sed -nE 's/^\.It Va ([A-Z_]+)( .*)?$/\1/p' "$page" | sort -u))
missing "field of echod.8 not in event.c" < <(comm -13 <(field_names | sort) \
    <(sed -nE 's/^\.It Va ([A-Z_]+)( .*)?$/\1/p' "$page" | sort -u))
check_format
exit "$failed"
