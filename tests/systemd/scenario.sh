#!/bin/bash
# SPDX-License-Identifier: MIT
# What the scenarios share; each sources it, defines functions test_..., and ends with run_tests.
#
# Out here, run_tests has the whole file run once more in a sandbox. In there it installs the build
# and calls one test after the other, each on a clean machine: nothing runs, nothing is configured.
# A test ends with the first thing that is not as it should be, and the journal since its beginning
# is shown. The last line counts the tests as the check library does.
set -u
export LC_ALL=C

here=${top_srcdir:?}/tests/systemd
BUILT=${top_builddir:?}/tests/systemd

# ---- outside --------------------------------------------------------------------

skip() {
    echo "$0: skipped: $*" >&2
    exit 77
}

# Whether systemd looks for units, and echod for its configuration, where they get installed.
installed_for_systemd() {
    local files
    files=$(tar -tf "$BUILT/installed.tar") || return 1
    grep -qxE '\./(usr/)?lib/systemd/system/echod\.service' <<<"$files" &&
        grep -qx './etc/echod.conf' <<<"$files"
}

run_in_sandbox() {
    local status=0
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    installed_for_systemd || skip "this build is not for where systemd looks"
    "$here/sandbox.sh" --show "$top_srcdir" --show "$top_builddir" \
        env top_srcdir="$top_srcdir" top_builddir="$top_builddir" in_sandbox=yes \
        TORTUREFLAGS="${TORTUREFLAGS-}" GAPFLAGS="${GAPFLAGS-}" \
        bash "$(readlink -f "$0")" "$@" || status=$?
    [ "$status" -ne 125 ] || skip "there is no sandbox to be had"
    exit "$status"
}

# ---- inside: the machine ----------------------------------------------------------

install_build() {
    tar -xf "$BUILT/installed.tar" -C / --keep-directory-symlink
    SBIN=$(dirname "$(command -v echod)") # for tests, as examples
    export SBIN EXAMPLES
    EXAMPLES=$(dirname "$(tar -tf "$BUILT/installed.tar" | grep '/examples/port-7\.conf$')")
    EXAMPLES=${EXAMPLES#.}
    systemctl daemon-reload
    journalctl --update-catalog
}

# Takes away what a test left, and what the real machine may have.
clean_machine() {
    # shellcheck disable=SC2046
    systemctl stop 'echod*' $(cd /run/systemd/system && echo test-*) 2>/dev/null
    rm -rf /etc/echod.conf /etc/echod.conf.d /etc/echod /etc/systemd/system/echod* \
        /run/systemd/system/echod* /run/systemd/system/test-*
    systemctl daemon-reload
    systemctl reset-failed
    began=@$EPOCHREALTIME
}

# drop_in UNIT LINE...: lines for a unit, in force at its next start
drop_in() {
    mkdir -p "/run/systemd/system/$1.d"
    printf '%s\n' "${@:2}" >>"/run/systemd/system/$1.d/test.conf"
    systemctl daemon-reload
}

# configure LINE...: what is in /etc/echod.conf
configure() {
    printf '%s\n' "$@" >/etc/echod.conf
}

# ---- inside: what is to be seen ---------------------------------------------------

# property NAME [UNIT]
property() {
    systemctl show -P "$1" "${2:-echod}"
}

main_pid() {
    property MainPID "$@"
}

# worker_pids [UNIT]: all processes of the unit but the supervisor
worker_pids() {
    grep -vx "$(main_pid "$@")" "/sys/fs/cgroup$(property ControlGroup "$@")/cgroup.procs"
}

# alive PID...: at least one of these processes is there
alive() {
    kill -0 "$@" 2>/dev/null
}

# journal ARGUMENT...: of this test alone
journal() {
    journalctl --sync
    journalctl --quiet --since "$began" "$@"
}

# events NAME [UNIT]: the journal's entries of this kind as JSON, one a line
events() {
    journal -u "${2:-echod}" -o json "ECHOD_EVENT=$1"
}

# field NAME: the values that entries on standard input have for it
field() {
    sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'
}

# happened NAME [UNIT]: there is at least one of them
happened() {
    [ -n "$(events "$@")" ]
}

# counted FIELD [UNIT]: what echod answers to SIGUSR1
counted() {
    local before
    before=$(events counters "${2:-echod}" | wc -l)
    systemctl kill -s USR1 --kill-whom=main "${2:-echod}"
    wait_for "the counters" counted_since "$before" "${2:-echod}"
    events counters "${2:-echod}" | tail -n 1 | field "$1"
}

counted_since() {
    [ "$(events counters "$2" | wc -l)" -gt "$1" ]
}

connections_are() {
    [ "$(counted ECHOD_CONNECTIONS "${2:-echod}")" -eq "$1" ]
}

# ---- inside: tests ----------------------------------------------------------------

# Ends a test.
fail() {
    echo "  FAILED: $*"
    systemctl --no-pager --full status 'echod*' | sed 's/^/    /'
    journal --no-pager -o short-precise -n 100 | sed 's/^/    /'
    exit 1
}

# try WHAT COMMAND...: has to succeed
try() {
    "${@:2}" || fail "$1"
}

# refuse WHAT COMMAND...: has to fail
refuse() {
    ! "${@:2}" || fail "$1"
}

# same WHAT WANTED FOUND
same() {
    [ "$2" = "$3" ] || fail "$1: \"$3\" instead of \"$2\""
}

# like WHAT PATTERN FOUND: the pattern is one of grep -E
like() {
    grep -qE -- "$2" <<<"$3" || fail "$1: \"$3\" is not like \"$2\""
}

# at_most WHAT LIMIT FOUND: numbers
at_most() {
    [ "$3" -le "$2" ] || fail "$1: $3 is more than $2"
}

# wait_for WHAT COMMAND...: has to succeed within a time that is long even on a busy machine
wait_for() {
    local end=$((SECONDS + 30))
    until "${@:2}"; do
        [ "$SECONDS" -lt "$end" ] || fail "waited in vain: $1"
        sleep 0.02
    done
}

# has NAME VALUE [UNIT]: the property is this; is_like NAME PATTERN [UNIT]: or like this
has() {
    [ "$(property "$1" "${@:3}")" = "$2" ]
}

is_like() {
    property "$1" "${@:3}" | grep -qE -- "$2"
}

# echoes [TARGET...]: each of them gives back what it is sent
echoes() {
    local target
    for target in "${@:-127.0.0.1:65432}"; do
        echo-client --quiet "$target" || return 1
    done
}

# say WORD: through the connection that is descriptor 3, and back
say() {
    local answer=''
    echo "$1" >&3 && read -rt 10 -u 3 answer && [ "$answer" = "$1" ]
}

# milliseconds COMMAND...: how long it takes; it has to succeed
milliseconds() {
    local begin=${EPOCHREALTIME/./}
    "$@" || return 1
    echo $(((${EPOCHREALTIME/./} - begin) / 1000))
}

run_test() {
    local begin=${EPOCHREALTIME/./}
    clean_machine
    echo "$1"
    ("$1") || return 1
    echo "  ok, $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
}

# run_tests [TEST...]: these, or all
run_tests() {
    local test tests=0 failed=0
    [ "${in_sandbox-}" = yes ] || run_in_sandbox "$@"
    install_build
    [ $# -gt 0 ] || mapfile -t tests_here < <(compgen -A function test_)
    for test in "${@:-${tests_here[@]}}"; do
        tests=$((tests + 1))
        run_test "$test" || failed=$((failed + 1))
    done
    clean_machine
    echo "$((100 * (tests - failed) / tests))%: Checks: $tests, Failures: $failed, Errors: 0"
    [ "$failed" -eq 0 ]
}
