#!/bin/bash
# SPDX-License-Identifier: MIT
# The floors of src/: an include points downward, or to a header of its own floor, and never round.
# Reads the #include lines only. ARCHITECTURE.md has the picture.
set -u
export LC_ALL=C

# check TREE: prints what is wrong with the includes of the sources in TREE, fails if anything is
check() {
    # shellcheck disable=SC2016
    (cd "$1" && find . -name '*.[ch]' -type f -printf '%P\n' | sort | xargs -r awk '
        BEGIN {
            floor["base"] = 0; floor["policy"] = 1; floor["net"] = 2
            floor["daemon"] = 3; floor["client"] = 3; floor["."] = 4
            # who may know what; a library whose header only one file may have is "alone"
            only["libconfig.h"] = "^base/conf[a-z_]*[.]c$"; alone["libconfig.h"] = 1
            only["systemd/sd-journal.h"] = "^base/log[.]c$"
            only["systemd/sd-daemon.h"] = "^base/service[.]c$"
            only["jansson.h"] = "^client/record[.]c$"
            only["systemd/sd-event.h"] = "^daemon/loop[.]c$"
        }
        function fail(text) { print text; failed = 1 }
        function directory(path) { return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "." }

        FNR == 1 {
            exists[FILENAME] = 1
            if (!(directory(FILENAME) in floor))
                fail(FILENAME ": no floor of this name")
        }
        /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
            name = $0
            sub(/^[^<"]*[<"]/, "", name)
            sub(/[>"].*/, "", name)
            if ($0 ~ /^[^<"]*"/)
                project(FILENAME, name)
            else
                foreign(FILENAME, name)
        }
        function project(from, to) {
            edges++
            edge_from[edges] = from
            edge_to[edges] = to
        }
        function foreign(from, name) {
            brackets[from, name] = 1
            if (!(name in only))
                return
            if (from !~ only[name])
                fail(from ": <" name "> is not for this file")
            else if (name in alone && user[name] != "" && user[name] != from)
                fail(from ": <" name "> is included by " user[name] " already")
            user[name] = from
        }
        function judge(from, to,    a, b) {
            a = directory(from)
            b = directory(to)
            if (to !~ /^[a-z]+\/[a-z0-9_]+[.]h$/ || !(b in floor))
                fail(from ": \"" to "\" is no header with its floor before it")
            else if (!(to in exists))
                fail(from ": \"" to "\" does not exist")
            else if (floor[b] > floor[a])
                fail(from ": \"" to "\" is on a higher floor")
            else if (floor[b] == floor[a] && b != a)
                fail(from ": \"" to "\" is next door: " a " and " b " do not know each other")
        }
        function ours(    pair, part) {
            for (pair in brackets) {
                split(pair, part, SUBSEP)
                if (part[2] in exists)
                    fail(part[1] ": <" part[2] "> is one of ours: write \"" part[2] "\"")
            }
        }
        # Takes away what includes nothing that is left; what remains runs round.
        function circles(    i, more, open, file) {
            for (i = 1; i <= edges; i++)
                left[i] = 1
            do {
                more = 0
                split("", open)
                for (i in left)
                    open[edge_from[i]] = 1
                for (i in left)
                    if (!(edge_to[i] in open)) {
                        delete left[i]
                        more = 1
                    }
            } while (more)
            for (i in left)
                if (edge_from[i] ~ /[.]h$/)
                    fail(edge_from[i] ": \"" edge_to[i] "\" runs in a circle")
        }
        END {
            for (i = 1; i <= edges; i++)
                judge(edge_from[i], edge_to[i])
            ours()
            circles()
            exit failed
        }')
}

# ---- the check itself can fail ----------------------------------------------

# tree FILE=LINE...: a small tree in $dir; in LINE ";" ends a line
tree() {
    local spec file
    rm -rf "${dir:?}/tree"
    for spec; do
        file=$dir/tree/${spec%%=*}
        mkdir -p "${file%/*}"
        tr ';' '\n' <<<"${spec#*=}" >"$file"
    done
}

good() {
    tree "$@"
    check "$dir/tree" || {
        echo "check-floors: refuses a good tree: $*" >&2
        failed=1
    }
}

bad() {
    tree "$@"
    if check "$dir/tree" >/dev/null; then
        echo "check-floors: accepts a bad tree: $*" >&2
        failed=1
    fi
}

self_test() {
    good 'base/a.h=#pragma once' 'base/a.c=#include "base/a.h";#include <stdio.h>' \
        'base/b.h=#include "base/a.h"' 'net/c.c=#include "base/b.h"' 'echod.c=#include "net/d.h"' \
        'net/d.h=' 'base/conf.c=#include <libconfig.h>' 'base/log.c=#include <systemd/sd-journal.h>' \
        'base/service.c=#include <systemd/sd-daemon.h>' \
        'daemon/loop.c=#include <systemd/sd-event.h>'
    bad 'base/a.c=#include "net/b.h"' 'net/b.h='
    bad 'policy/a.h=  #  include "net/b.h"' 'net/b.h='
    bad 'daemon/a.c=#include "client/b.h"' 'client/b.h='
    bad 'client/a.c=#include "daemon/b.h"' 'daemon/b.h='
    bad 'base/a.h=#include "base/b.h"' 'base/b.h=#include "base/c.h"' 'base/c.h=#include "base/a.h"'
    bad 'base/a.h=#include "base/a.h"'
    bad 'base/a.c=#include "a.h"' 'base/a.h='
    bad 'base/a.c=#include "../net/b.h"' 'net/b.h='
    bad 'base/a.c=#include <net/b.h>' 'net/b.h='
    bad 'base/a.c=#include "base/b.c"' 'base/b.c='
    bad 'base/a.c=#include "base/b.h"'
    bad 'base/a.c=#include "echod.h"' 'echod.h='
    bad 'misc/a.c='
    bad 'base/addr.c=#include <libconfig.h>'
    bad 'base/conf.c=#include <libconfig.h>' 'base/conf_files.c=#include <libconfig.h>'
    bad 'base/conf.h=#include <libconfig.h>'
    bad 'client/check.c=#include <jansson.h>'
    bad 'net/a.c=#include <systemd/sd-journal.h>'
    bad 'daemon/supervisor.c=#include <systemd/sd-daemon.h>'
    bad 'daemon/supervisor.c=#include <systemd/sd-event.h>'
}

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0
self_test
check "${top_srcdir:?}/src" || failed=1
exit "$failed"
