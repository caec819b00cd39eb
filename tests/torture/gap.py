#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
How long do clients hear nothing while echod is restarted, reloaded, killed? Runs where systemd has
the units (gap.sh sees to that) and prints a table in Markdown.
"""

import argparse
import statistics
import sys
import time

from rounds.service import Unit, wait_for
from rounds.tormentor import Failed, Tormentor

# What is done, and how it is called in the table.
KINDS = {
    "nothing": "nothing, for 100 ms",
    "reload": "`systemctl reload`",
    "restart": "`systemctl restart`",
    "upgrade": "upgrade (SIGUSR2)",
    "kill-worker": "`kill -9` of one worker",
    "kill-all": "`kill -9` of all processes",
}


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--torment", required=True, help="the clients' program")
    add("--unit", default="echod", help="the unit (echod)")
    add("--empty", help="a unit with the same settings whose service, empty.c, does nothing")
    add("--connections", type=int, default=1000, help="so many (1000)")
    add("--probes", type=int, default=20, help="of them send every millisecond (20)")
    add("--repeat", type=int, default=20, help="repetitions of each (20)")
    add("--kinds", type=lambda text: text.split(","), default=list(KINDS),
        help="some of " + ",".join(KINDS))
    add("--seed", type=int, default=1)
    add("targets", nargs="+", help="ports of 127.0.0.1, paths of Unix sockets")
    options = parser.parse_args(argv)
    for kind in options.kinds:
        if kind not in KINDS:
            parser.error(f"{kind} is none of {', '.join(KINDS)}")
    return options


def empty_gaps(unit, repeat):
    """From the end of each process to the beginning of the next, in milliseconds."""
    unit.start()
    for _ in range(repeat):
        unit.restart(True)
    unit.stop()
    times = [line.split() for line in unit.journal() if line.startswith(("up ", "down "))]
    return [
        (int(up[1]) - int(down[1])) / 1000
        for down, up in zip(times, times[1:])
        if (down[0], up[0]) == ("down", "up")
    ]


def one_gap(unit, tormentor, kind):
    """What each of the probes has waited at the most, in milliseconds."""
    wait_for("a service that is active", unit.is_well)
    wait_for("clients that stay", lambda: tormentor.settle() >= tormentor.connections)
    tormentor.mark()
    if kind == "nothing":
        time.sleep(0.1)  # This is what is measured.
    else:
        unit.disturb(kind, True)
    wait_for("a service that is active", unit.is_well)
    tormentor.settle()
    return [usec / 1000 for usec in tormentor.mark()["waits_usec"]]


def gaps(options, unit):
    """By kind: the waits of all repetitions."""
    mix = f"probe={options.probes},quiet={options.connections - options.probes}"
    clients = (options.torment, options.targets, options.connections, options.seed, mix)
    unit.start()
    with Tormentor(*clients) as tormentor:
        found = {kind: [] for kind in options.kinds}
        for _ in range(options.repeat):
            for kind in options.kinds:
                found[kind] += one_gap(unit, tormentor, kind)
        tormentor.end()
        if tormentor.faults:
            raise Failed(f"{len(tormentor.faults)} faults, as {tormentor.faults[0]}")
    return found


def row(name, waits):
    waits = sorted(waits)
    p99 = waits[min(len(waits) - 1, len(waits) * 99 // 100)]
    return f"| {name} | {statistics.median(waits):.1f} | {p99:.1f} | {waits[-1]:.1f} |"


def table(options, found, empty):
    lines = [
        f"{options.connections} connections, of which {options.probes} send 32 bytes every "
        f"millisecond and are measured; {options.repeat} times each; ms.",
        "",
        "| what happens | longest wait of a client: median | p99 | maximum |",
        "|---|---:|---:|---:|",
        *(row(KINDS[kind], waits) for kind, waits in found.items()),
    ]
    if empty:
        lines.append(row("for comparison: restart of an empty service, same settings", empty))
    if empty and found.get("restart"):
        ratio = statistics.median(found["restart"]) / statistics.median(empty)
        lines += ["", f"A restart takes {ratio:.2f} times as long as that of the empty service."]
    return "\n".join(lines)


def main(argv):
    options = parse(argv)
    try:
        empty = empty_gaps(Unit(options.empty, 0), options.repeat) if options.empty else []
        print(table(options, gaps(options, Unit(options.unit, options.seed)), empty))
    except Failed as error:
        print(f"gap.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
