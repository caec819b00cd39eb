# SPDX-License-Identifier: MIT
"""The machine that it runs on: its description, its CPUs, its limits, its noise."""

import datetime
import os
import platform
import resource
import time
from pathlib import Path

SETTLE_STEPS, SETTLE_STEP_SECONDS, SETTLED_KB = 20, 0.05, 256


def raise_descriptors():
    """To the hard limit, for what is started, too. Returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def choose_cpus():
    """The CPU of the server and the one of the load: the same where there is only one."""
    cpus = sorted(os.sched_getaffinity(0))
    return cpus[0], cpus[-1]


def _line_value(path, key, default="unknown"):
    try:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":" if ":" in line else "=")
            if name.strip() == key:
                return value.strip().strip('"')
    except OSError:
        pass
    return default


def setting(path):
    """A file of /proc/sys, or "unknown"."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"


def describe(server_cpu, load_cpu, network):
    flags = _line_value("/proc/cpuinfo", "flags").split()
    virtual = " (a virtual machine)" if "hypervisor" in flags else ""
    memory = int(_line_value("/proc/meminfo", "MemTotal", "0 kB").split()[0])
    return {
        "cpu": _line_value("/proc/cpuinfo", "model name") + virtual,
        "cpus": os.cpu_count(),
        "server_cpu": server_cpu,
        "load_cpu": load_cpu,
        "memory_mb": memory // 1000,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "distribution": _line_value("/etc/os-release", "PRETTY_NAME"),
        "congestion_control": setting("/proc/sys/net/ipv4/tcp_congestion_control"),
        "network": network,
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
    }


def busy_seconds(cpus):
    """CPU time that these CPUs have spent on anything, in clock ticks' precision."""
    total = 0
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        fields = line.split()
        if fields[0] in {f"cpu{number}" for number in cpus}:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[1:9])
            total += user + nice + system + irq + softirq + steal
    return total / os.sysconf("SC_CLK_TCK")


def settled_kernel_memory_kb():
    """The same, once it does not change any more: what has ended is freed a little later."""
    before = kernel_memory_kb()
    for _ in range(SETTLE_STEPS):
        time.sleep(SETTLE_STEP_SECONDS)
        now = kernel_memory_kb()
        if abs(now - before) < SETTLED_KB:
            return now
        before = now
    return before


def kernel_memory_kb():
    """
    What the kernel holds for processes and sockets: slabs, kernel stacks and page tables, and the
    pages that TCP has charged for its buffers. Of the whole machine, so only differences count,
    and they include the load's end of each connection.
    """
    meminfo = {}
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, value = line.split()[:2]
        meminfo[name.rstrip(":")] = int(value)
    return meminfo["Slab"] + meminfo["KernelStack"] + meminfo["PageTables"] + _tcp_pages() * (
        os.sysconf("SC_PAGE_SIZE") // 1024
    )


def _tcp_pages():
    for line in Path("/proc/net/sockstat").read_text(encoding="ascii").splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1])
    return 0
