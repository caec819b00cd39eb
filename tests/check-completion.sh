#!/bin/bash
# SPDX-License-Identifier: MIT
# Completion knows every mode and every option that --help names, in bash and (where it is) in zsh.
set -u
export LC_ALL=C

client=${ECHO_CLIENT:?}
source=${top_srcdir:?}/completion
failed=0

fail() {
    echo "check-completion: $*" >&2
    failed=1
}

# in_bash WORD...: what is offered for the last word, which may be empty
in_bash() {
    # shellcheck disable=SC2016,SC2317
    bash --norc -c '
        source "$1/echo-client" && shift
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _echo_client "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$source" "$client" "$@" | sort -u
}

# The same in zsh, whose own functions only note what they are given.
in_zsh() {
    # shellcheck disable=SC2016,SC2317
    zsh -f -c '
        source=$1
        shift
        words=("$@")
        CURRENT=$#
        compadd() { local word; for word in "${@[2,-1]}"; do [[ $word == $words[CURRENT]* ]] && print -r -- $word; done }
        _hosts() { }
        _files() { print -l -- *(N) }
        _complete() { source $source/_echo-client }
        _complete' zsh "$source" "$client" "$@" | sort -u
}

long_options_of() { "$client" "$1" --help | grep -oE -- '--[a-z0-9][a-z0-9-]*' | sort -u; }

# same WHAT EXPECTED FOUND
same() {
    [ -n "$2" ] || fail "$1: nothing to expect"
    [ "$2" = "$3" ] || fail "$1: $(diff <(echo "$2") <(echo "$3"))"
}

check_shell() {
    local complete=in_$1 mode
    same "$1: modes" "$modes" "$("$complete" '' | grep -xF "$modes")"
    for mode in $modes; do
        same "$1: $mode" "$(long_options_of "$mode")" "$("$complete" "$mode" --)"
        same "$1: $mode --he" --help "$("$complete" "$mode" --he)"
        "$complete" "$mode" - | grep -qx -- -4 || fail "$1: $mode: -4 is missing"
    done
    same "$1: without a mode" "$(long_options_of check)" "$("$complete" --)"
    same "$1: values" $'v1\nv2' "$("$complete" check --proxy-protocol '')"
    same "$1: value of a number" none "$("$complete" check --timeout '' | grep . || echo none)"
    same "$1: after a flag" none "$("$complete" pipe --verify zzz | grep . || echo none)"
}

modes=$("$client" --help | sed -n '/^MODE:/,/^[^ ]*$/s/^  \([a-z]*\) .*/\1/p' | sort)
check_shell bash
! command -v zsh >/dev/null || check_shell zsh
exit "$failed"
