# SPDX-License-Identifier: MIT
"""What a server and all its processes take: CPU time and memory.

The CPU time comes from a control group (version 2, no controller is needed) where one can be made:
the kernel adds up there in nanoseconds what every process in it takes, those that have ended, too,
whether or not anybody waited for them. Otherwise it is added up over the tree of processes: the
CPU-time clock of each that lives, and what each has inherited from children that it waited for
(in clock ticks); a child that ended unwaited is then missing. validate() tries either with a
burn that is known.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

GROUP_PREFIX = "echod-bench"
GONE_SECONDS = 5


# ---- the tree of processes ----


def _stat_fields(pid):
    """The fields of /proc/PID/stat from the third on, or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def _started(pid):
    """When, in whatever unit; tells a process from a later one with the same number. Or None."""
    fields = _stat_fields(pid)
    return fields[19] if fields else None


def _children():
    """Of each process: its children."""
    children = {}
    for name in os.listdir("/proc"):
        fields = _stat_fields(name) if name.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    return children


def tree(root):
    """root and all its descendants."""
    children, found, left = _children(), [], [root]
    while left:
        pid = left.pop()
        found.append(pid)
        left += children.get(pid, [])
    return found


def _pss_kb(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1])
    except OSError:
        pass  # It has ended.
    return 0


def _kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class TreeMeter:
    """Of the process that is given to follow(), and its descendants."""

    text = "the CPU-time clocks of the processes, and what they inherited from ended children"
    join = []  # arguments for launch

    def __init__(self):
        self.root = None
        self.seen = {}  # pid: when it started

    def follow(self, pid):
        self.root = pid

    def pids(self):
        found = tree(self.root) if self.root else []
        self.seen.update((pid, _started(pid)) for pid in found)
        return found

    def cpu_seconds(self):
        return sum(self._process_seconds(pid) for pid in self.pids())

    @staticmethod
    def _process_seconds(pid):
        fields = _stat_fields(pid)
        try:
            own = time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)
        except OSError:
            return 0.0
        inherited = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK") if fields else 0
        return own + inherited

    def pss_kb(self):
        return sum(map(_pss_kb, self.pids()))

    def close(self):
        """Ends what is left, also of those whose parent has ended."""
        self.pids()
        _kill(pid for pid, started in self.seen.items() if started and _started(pid) == started)


class GroupMeter:
    """Of the processes in a control group of their own."""

    text = "a control group for each server (cpu.stat)"

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.join = [f"--cgroup={path / 'cgroup.procs'}"]

    def follow(self, pid):
        pass  # It joins by itself.

    def pids(self):
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]

    def cpu_seconds(self):
        for line in (self.path / "cpu.stat").read_text(encoding="ascii").splitlines():
            name, value = line.split()
            if name == "usage_usec":
                return int(value) / 1e6
        raise OSError("no usage_usec in cpu.stat")

    def pss_kb(self):
        return sum(map(_pss_kb, self.pids()))

    def close(self):
        """Ends what is left; the group can be removed when that has really gone."""
        give_up = time.monotonic() + GONE_SECONDS
        while True:
            _kill(self.pids())
            try:
                self.path.rmdir()
                return
            except OSError:
                if time.monotonic() > give_up:
                    raise
            time.sleep(0.001)


# ---- which of them ----


def _group_directory():
    """Where this process may make control groups, or None."""
    own = "/"
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        if line.startswith("0::"):
            own = line[3:]
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, kind = line.split()[:3]
        if kind == "cgroup2":
            directory = Path(mount + own)
            return directory if os.access(directory, os.W_OK) else None
    return None


class Meters:
    """Makes them, all of one kind."""

    def __init__(self, launcher):
        self.launcher, self.count = launcher, 0
        self.directory = _group_directory()
        try:
            self.deviation = self._validate()
        except OSError:  # The launch, or the group, is refused.
            if self.directory is None:
                raise
            self.directory = None
            self.deviation = self._validate()

    def new(self):
        self.count += 1
        if self.directory is None:
            return TreeMeter()
        return GroupMeter(self.directory / f"{GROUP_PREFIX}.{os.getpid()}.{self.count}")

    @property
    def text(self):
        return TreeMeter.text if self.directory is None else GroupMeter.text

    def _validate(self):
        """Two processes, one of which has ended, say what they burnt: by how much we are off."""
        meter = self.new()
        try:
            argv = [self.launcher, *meter.join, "--", sys.executable, "-S", "-c", BURN]
            with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as burn:
                meter.follow(burn.pid)
                burnt = float(burn.stdout.readline() or "nan")
                if burnt != burnt:
                    raise OSError("the burn did not run")
                return meter.cpu_seconds() / burnt - 1
        finally:
            meter.close()


# 0.1 s in a child and in the process itself, which then waits; both with what their start took.
BURN = """
import os, sys, time
def burn(until):
    while time.process_time() < until: os.getppid()
pid = os.fork()
if pid == 0:
    burn(0.1)
    os._exit(0)
child = os.wait4(pid, 0)[2]
burn(time.process_time() + 0.1)
print(child.ru_utime + child.ru_stime + time.process_time(), flush=True)
sys.stdin.read()
"""
