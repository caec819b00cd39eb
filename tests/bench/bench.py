#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs echod against its peers and writes tables and charts; see README.md beside this file."""

import argparse
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from runner import cases, chart, goals, machine, network, peers, report
from runner.meter import Meters
from runner.programs import Missing, Programs
from runner.results import Results
from runner.servers import Server
from runner.session import Session

HERE = Path(__file__).resolve().parent
ECHOD_CONNECTIONS, ECHOD_SPARE = 20000, 64


class Bench:
    """What all measurements need."""

    def __init__(self, options, directory):
        self.smoke, self.seconds, self.tries = options.smoke, options.seconds, options.tries
        self.launcher, self.load = str(options.bin / "launch"), str(options.bin / "load")
        self.nice = options.nice
        self.server_cpu, self.load_cpu = machine.choose_cpus()
        self.directory, self.count = directory, 0
        self.programs = {}
        self.meters = None

    def launch(self, cpu, *more):
        """The first words of a command that runs on a CPU."""
        nice = [f"--nice={self.nice}"] if self.nice else []
        return [self.launcher, f"--cpu={cpu}", *nice, *more, "--"]

    def new_directory(self, name):
        self.count += 1
        return self.directory / f"{name}.{self.count}"

    def new_server(self, peer, metered=True):
        meter = self.meters.new() if metered else None
        return Server(self, peer, self.programs[peer.name], meter)


# ---- the command line ----


def _echod(text):
    """NAME=PATH[:key=value,...]"""
    name, equals, rest = text.partition("=")
    path, _, settings = rest.partition(":")
    pairs = [setting.partition("=") for setting in settings.split(",") if setting]
    if not name or not equals or not path or not all(equals for _, equals, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text}: NAME=PATH[:key=value,...] is wanted")
    return name, os.path.abspath(path), {key: value for key, _, value in pairs}


def _names(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names

    return parse


def parse(argv):
    servers = ["echod", peers.POLICY, *(peer.name for peer in peers.PEERS + peers.FLOORS)]
    case_names = [case.name for case in cases.CASES]
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--bin", type=Path, default=HERE, help="where make has built load, launch and the floors")
    add("--echod", type=_echod, action="append", metavar="NAME=PATH[:key=value,...]", default=[],
        help="an echod, with settings of its own; the first is the one that peers are compared to, "
        "and takes part once more as " + peers.POLICY + ", with all limits and an access list")
    add("--servers", type=_names(servers), default=servers, help="some of " + ",".join(servers))
    add("--cases", type=_names(case_names), default=case_names,
        help="some of " + ",".join(case_names))
    add("--seconds", type=float, help="each measurement lasts (0.7)")
    add("--repeat", type=int, help="repetitions (5)")
    add("--tries", type=int, default=2, help="so often a measurement that others disturb (2)")
    add("--nice", type=int, help="of servers and load; -20 keeps others out, as root")
    add("--results", type=Path, help="directory for the report; without it, it is printed only")
    add("--smoke", action="store_true", help="everything once and short: does it run? No results")
    add("--no-build", action="store_true", help="only peers that are built already")
    add("--host-network", action="store_true", help="no network namespace")
    add("--report", type=Path, metavar="RESULTS.json", help="only write the report again")
    options = parser.parse_args(argv)
    options.bin = options.bin.resolve()
    options.seconds = options.seconds or (0.05 if options.smoke else 0.7)
    options.repeat = options.repeat or (1 if options.smoke else 5)
    options.tries = 1 if options.smoke else options.tries
    return options


# ---- who takes part ----


def _wanted(options, descriptors):
    connections = min(ECHOD_CONNECTIONS, descriptors - ECHOD_SPARE)
    wanted = [
        peers.echod(name, path, settings, connections)
        for name, path, settings in options.echod
        if "echod" in options.servers
    ]
    if options.echod and peers.POLICY in options.servers:
        wanted.insert(1, peers.with_policy(*options.echod[0][1:], connections))
    return wanted + [peer for peer in peers.PEERS + peers.FLOORS if peer.name in options.servers]


def _find(programs, wanted):
    """Pairs of a peer and its program, and what to say in the report of each, missing or not."""
    entrants, servers = [], []
    for peer in wanted:
        entry = {key: getattr(peer, key) for key in ("name", "kind", "text", "transports")}
        entry["missing"] = ""
        try:
            entrants.append((peer, programs.find(peer.program)))
            entry["version"] = programs.version(peer)
        except Missing as missing:
            entry["missing"] = f"missing: {missing}"
            print(f"{peer.name} is {entry['missing']}", file=sys.stderr)
        servers.append(entry)
    return entrants, servers


# ---- the run ----


def measure(options, argv, directory):
    """Returns the results as a dictionary."""
    descriptors = machine.raise_descriptors()
    programs = Programs(options.bin, options.bin / "built", not options.no_build)
    entrants, servers = _find(programs, _wanted(options, descriptors))
    where = "the machine's own" if options.host_network else network.enter()
    bench = Bench(options, directory)
    bench.programs = {peer.name: program for peer, program in entrants}
    os.sched_setaffinity(0, {bench.load_cpu})
    bench.meters = Meters(bench.launcher)
    chosen = cases.choose(options.cases, options.smoke)
    session = Session(bench, entrants, chosen, descriptors)
    if entrants:
        session.run(options.repeat)
    return {
        "machine": machine.describe(bench.server_cpu, bench.load_cpu, where),
        "command": shlex.join(["bench.py", *argv]),
        "options": {
            "seconds": options.seconds,
            "repeat": options.repeat,
            "tries": options.tries,
            "message_bytes": cases.MESSAGE_BYTES,
        },
        "meter": {"text": bench.meters.text, "deviation": bench.meters.deviation},
        "servers": servers,
        "cases": [
            {"name": case.name, "transport": case.transport, "connections": case.connections}
            for case in chosen
        ],
        "skipped": session.skipped,
        "failed": session.failed,
        "samples": session.samples,
    }


def writable(directory):
    """It, or if it is not (a read-only source tree), one here."""
    if os.access(directory if directory.exists() else directory.parent, os.W_OK):
        return directory
    return Path("bench-results")


def write(directory, data):
    results = Results(data)
    directory = writable(directory)
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, indent=1) + "\n"
    (directory / "results.json").write_text(text, encoding="utf-8")
    (directory / "README.md").write_text(report.markdown(results), encoding="utf-8")
    for name, svg in chart.charts(results):
        (directory / name).write_text(svg, encoding="utf-8")
    print(f"written: {directory}/README.md", file=sys.stderr)


def verdict(options, data):
    """The exit status: whether it ran, never how fast."""
    kinds = {server["name"]: server["kind"] for server in data["servers"]}
    bad = [f for f in data["failed"] if options.smoke or kinds[f["server"]] == "echod"]
    bad += [s for s in data["servers"] if s["missing"] and s["kind"] != "peer"]
    for entry in bad:
        print(f"bench.py: {entry}", file=sys.stderr)
    if not data["samples"]:
        print("bench.py: nothing was measured", file=sys.stderr)
    return 1 if bad or not data["samples"] else 0


def main(argv):
    options = parse(argv)
    # So that with blocks and finally are passed through, and no process stays.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    if options.report:
        data = json.loads(options.report.read_text(encoding="utf-8"))
        write(options.results or options.report.parent, data)
        return 0
    directory = Path(tempfile.mkdtemp(prefix="echod-bench."))
    try:
        data = measure(options, argv, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.results and not options.smoke:
        write(options.results, data)
    if options.smoke:
        print(f"{len(data['samples'])} measurements, {len(data['failed'])} failed")
    else:
        print(report.markdown(Results(data)))
    return verdict(options, data)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
