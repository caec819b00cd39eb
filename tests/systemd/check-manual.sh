#!/bin/bash
# SPDX-License-Identifier: MIT
# Types what echod(8) tells people to type, section by section of WAYS TO RUN, and takes it at its
# word: every command works.
# shellcheck source=/dev/null
. "${top_srcdir:?}/tests/systemd/scenario.sh"

# commands_of SECTION: its lines that begin with a prompt, with this build's directories
commands_of() {
    awk -v section=".Ss $1" '
        /^\.S[sh]/ { sub(/\\&/, ""); inside = $0 == section }
        inside && (/^[#$] / || more) {
            more = sub(/\\e$/, "")
            sub(/^[#$] /, "")
            printf "%s%s", $0, more ? "" : "\n"
        }' "$top_srcdir/man/echod.8" |
        sed -e "s|/usr/share/doc/echod/examples|$EXAMPLES|" -e "s|/usr/sbin/echod|$SBIN/echod|"
}

# Those that stay in the foreground get a background, and a client may be too early for them.
type_in() {
    case $1 in
        echod | systemd-socket-activate*) systemd-run --quiet --collect bash -c "exec $1" ;;
        echo-client*) wait_for "$1" bash -c "$1 --quiet" ;;
        *) try "$1" bash -c "$1" >/dev/null ;;
    esac
}

# section NAME COUNT: all its commands work, and there are as many as there should be
section() {
    local commands=() command
    mapfile -t commands < <(commands_of "$1")
    same "commands in \"$1\"" "$2" "${#commands[@]}"
    for command in "${commands[@]}"; do
        type_in "$command"
    done
}

test_in_the_foreground() {
    section "In the foreground" 1
    wait_for "echo" echoes
    systemctl stop 'run-*.service'
}

test_as_a_service() {
    section "As a service of systemd" 11
    try "echo on port 7" echoes 127.0.0.1:7
}

test_by_socket_activation() {
    section "By socket activation" 11
    try "echo" echoes 127.0.0.1:65432 unix:/run/echod/echod.sock
}

test_several() {
    section "Several on one machine" 5
    try "echo" echoes 127.0.0.1:7001
}

test_in_the_background() {
    section "In the background, without systemd" 3
    wait_for "its end" test ! -e /run/echod.pid
}

test_by_inetd() {
    section "By inetd" 2
    systemctl stop 'run-*.service'
}

run_tests "$@"
