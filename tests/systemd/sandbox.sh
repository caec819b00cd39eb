#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command beside a real systemd and journald, on a machine that has better things to do:
#
#   sandbox.sh [--show DIRECTORY]... COMMAND [ARGUMENT...]
#
# systemd is PID 1 of namespaces of its own (pid, mount, network, ipc, uts, cgroup). Its root is a
# copy-on-write view of this machine's root file system, with /dev, /proc, /run and /sys new, and
# nothing of what this machine has enabled; a DIRECTORY is there, too, read-only, wherever it is
# mounted. COMMAND is a service in there, and when it ends, systemd shuts down. Nothing is left: all
# mounts belong to the namespaces, all processes are under PID 1, and the cgroup is removed.
#
# What COMMAND says comes on standard output, at the end. The exit status is COMMAND's;
# 125 when there could be no sandbox, with the reason on standard error. SANDBOX_SECONDS are the
# longest that it may take.
set -eu

# Longer than any test should take; then everything in the sandbox is killed.
limit=${SANDBOX_SECONDS:-300}
# What reaches beyond namespaces is withheld from everybody in there.
bounding=-sys_module,-sys_rawio,-sys_time,-syslog,-mac_admin,-mac_override,-wake_alarm,-audit_read

fail() {
    echo "sandbox: $*" >&2
    exit 125
}

# ---- outside: a mount namespace, a cgroup ---------------------------------------

find_systemd() {
    for systemd in /usr/lib/systemd/systemd /lib/systemd/systemd; do
        [ ! -x "$systemd" ] || return 0
    done
    fail "systemd is not installed"
}

check_machine() {
    local tool
    [ "$(id -u)" -eq 0 ] || fail "needs root"
    for tool in unshare setpriv mount pivot_root; do
        command -v "$tool" >/dev/null || fail "$tool is missing"
    done
    unshare --mount --pid --fork true || fail "no namespaces are to be had"
}

# The sandbox's cgroup, in the one that this process is in, by a mount of our own: the machine's may
# be anywhere. What a run that was killed left there is empty, and goes.
make_cgroup() {
    local ours old
    mkdir "$work/cgroup"
    mount -t cgroup2 cgroup2 "$work/cgroup" || fail "there is no cgroup2"
    ours=$work/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    for old in "$ours"/echod-sandbox.*; do
        [ -d "/proc/${old##*.}" ] || remove_directories "$old"
    done
    mkdir "$ours/echod-sandbox.$$" || fail "cannot make a cgroup"
    cgroup=$ours/echod-sandbox.$$
}

remove_directories() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

# Everything in the sandbox is dead: the kernel lets go of its cgroups within moments.
remove_cgroup() {
    local tries=200
    while [ -n "$cgroup" ] && [ -d "$cgroup" ]; do
        remove_directories "$cgroup"
        [ $((tries -= 1)) -gt 0 ] || fail "left behind: the cgroup ${cgroup#"$work/cgroup"}"
        [ ! -d "$cgroup" ] || sleep 0.05
    done
}

# Whatever ends this script, its own namespaces end with it; the cgroup is what needs a hand.
clean_up() {
    trap '' INT TERM HUP
    [ -z "$boot" ] || kill -KILL "$boot" 2>/dev/null || true
    [ -z "$boot" ] || wait "$boot" 2>/dev/null || true
    remove_cgroup
}

outside() {
    local status=0
    export work=/mnt systemd
    boot='' cgroup=''
    mount -t tmpfs -o mode=755 sandbox "$work" || fail "nothing can be mounted"
    touch "$work/output" "$work/booted"
    find_systemd
    trap clean_up EXIT
    trap 'exit 143' INT TERM HUP
    make_cgroup
    # Whoever is killed takes its child along, down to PID 1, and with it all that it started.
    setpriv --pdeathsig KILL timeout --foreground --signal=KILL "$limit" \
        setpriv --pdeathsig KILL bash "$0" --boot "$cgroup" "$@" </dev/null >"$work/log" 2>&1 &
    boot=$!
    wait "$boot" || status=$?
    boot=''
    cat "$work/output"
    if [ ! -s "$work/booted" ]; then
        cat "$work/log" >&2
        fail "systemd did not start"
    fi
    [ "$status" -ne 137 ] || echo "sandbox: killed, perhaps after $limit s" >&2
    exit "$status"
}

# boot CGROUP COMMAND...: the cgroup first, so that it is the root of the namespace
boot() {
    echo 0 >"$1/cgroup.procs"
    shift
    exec unshare --pid --fork --kill-child --mount --net --ipc --uts --cgroup \
        bash "$0" --inside "$@"
}

# ---- inside: PID 1, before it becomes systemd -------------------------------------

mount_root() {
    mkdir "$work/upper" "$work/scratch" "$root"
    mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" sandbox "$root"
    mount -t tmpfs -o mode=755,nosuid,nodev run "$root/run"
    mkdir -m 1777 "$root/run/lock"
    mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
}

# Read-only where it is the whole machine's.
mount_proc() {
    local file
    mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
    for file in sys sysrq-trigger irq bus; do
        [ -e "$root/proc/$file" ] || continue
        mount --bind "$root/proc/$file" "$root/proc/$file"
        mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/$file"
    done
}

mount_dev() {
    local name major minor
    mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
    while read -r name major minor; do
        mknod "$root/dev/$name" c "$major" "$minor"
        chmod 666 "$root/dev/$name"
    done <<<$'null 1 3\nzero 1 5\nfull 1 7\nrandom 1 8\nurandom 1 9\ntty 5 0'
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s pts/ptmx "$root/dev/ptmx"
    mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
    mount -t devpts -o newinstance,nosuid,noexec,mode=620,ptmxmode=666 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
    mount -t mqueue -o nosuid,nodev,noexec mqueue "$root/dev/mqueue"
}

# show DIRECTORY: it, as it is, read-only and in its place
show() {
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    mount -o remount,bind,ro "$root$1"
}

# mask DIRECTORY NAME...: links to /dev/null, which switch off what has this name
mask() {
    local directory=$root$1 name
    shift
    mkdir -p "$directory"
    for name; do
        ln -sfn /dev/null "$directory/$name"
    done
}

# A machine of its own: another identity, no disks, nothing enabled or generated, and no cleaning of
# /tmp, where a DIRECTORY may be.
settle() {
    local etc=$root/etc file
    : >"$etc/fstab"
    echo sandbox >"$etc/hostname"
    tr -d - </proc/sys/kernel/random/uuid >"$etc/machine-id"
    rm -rf "$etc"/systemd/system/*.wants "$etc"/systemd/system/*.requires
    mask /etc/tmpfiles.d tmp.conf
    for file in "$root"/{usr/,}lib/systemd/system-generators/*; do
        mask /etc/systemd/system-generators "${file##*/}"
    done
    mask /etc/systemd/system systemd-udevd.service systemd-udev-trigger.service \
        systemd-sysctl.service systemd-modules-load.service systemd-journald-audit.socket \
        systemd-binfmt.service systemd-timesyncd.service proc-sys-fs-binfmt_misc.automount \
        dev-hugepages.mount sys-kernel-{config,debug,tracing}.mount
    mkdir -p "$etc/systemd/journald.conf.d"
    printf '[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\n' \
        >"$etc/systemd/journald.conf.d/zz-sandbox.conf"
}

# The service that systemd starts, and with whose end, and exit status, it ends itself.
write_service() {
    local file
    mkdir -p "$root/run/sandbox" "$root/run/systemd/system"
    printf 'echo yes >/run/sandbox/booted\nexec %s\n' "$(printf '%q ' "$@")" \
        >"$root/run/sandbox/command"
    cat >"$root/run/systemd/system/sandbox.service" <<END
[Unit]
Description=The command of the sandbox
SuccessAction=exit
FailureAction=exit

[Service]
ExecStart=/bin/bash /run/sandbox/command
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
StandardOutput=append:/run/sandbox/output
StandardError=append:/run/sandbox/output
# What COMMAND leaves running does not hold up the end.
TimeoutStopSec=5s
END
    for file in output booted; do
        : >"$root/run/sandbox/$file"
        mount --bind "$work/$file" "$root/run/sandbox/$file"
    done
}

inside() {
    root=$work/root
    mount --make-rprivate /
    mount_root
    mount_proc
    mount_dev
    while [ "${1-}" = --show ]; do
        show "$2"
        shift 2
    done
    settle
    write_service "$@"
    echo sandbox >/proc/sys/kernel/hostname
    cd "$root"
    pivot_root . mnt
    umount -l /mnt
    mount --make-rshared /
    exec env -i container=sandbox \
        setpriv --bounding-set="$bounding" --inh-caps=-all \
        "$systemd" --system --unit=sandbox.service --show-status=no
}

# ---- which of these this process is ----------------------------------------------

case ${1-} in
    --outside | --boot | --inside)
        "${1#--}" "${@:2}"
        ;;
    "") fail "no command given" ;;
    *)
        check_machine
        exec unshare --mount --propagation private bash "$(readlink -f "$0")" --outside "$@"
        ;;
esac
