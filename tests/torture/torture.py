#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disturbs echod at random instants while clients check every byte; see README.md beside this."""

import argparse
import json
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from rounds import report
from rounds.service import Process, Unit
from rounds.session import Session
from rounds.tormentor import Failed, Tormentor

WORKERS = 2


def parse(argv):
    kinds = sorted({*Unit.kinds, *Process.kinds})
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--torment", default="torture/torment", help="the clients' program")
    add("--echod", help="without systemd: this program")
    add("--unit", help="the unit of systemd, which is configured for the targets")
    add("--rounds", type=int, default=20, help="so many disturbances (20)")
    add("--connections", type=int, default=40, help="so many at a time (40)")
    add("--seed", type=int, help="of all that is random here (a new one)")
    add("--kinds", type=lambda text: text.split(","), help="some of " + ",".join(kinds))
    add("--seconds", type=float, default=1e9, help="at most, and then no more rounds")
    add("--unix-anew", action="store_true", help="each start makes the Unix socket anew")
    add("--first-fault", action="store_true", help="end there: what echod said last tells of it")
    add("--mix", help="of habits, see torment.c")
    add("--patience", type=int, help="seconds until a client takes its bytes for lost")
    add("--json", type=Path, help="write the results there as well")
    add("targets", nargs="*", help="ports of 127.0.0.1, paths of Unix sockets (for --unit)")
    options = parser.parse_args(argv)
    if bool(options.echod) == bool(options.unit):
        parser.error("either --echod or --unit is wanted")
    if options.unit and not options.targets:
        parser.error("--unit needs targets")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def process(options, directory):
    """echod as a process, on a port that is free; three in four go there, one to a Unix socket."""
    port, path = free_port(), f"{directory}/socket"
    configuration = directory / "echod.conf"
    configuration.write_text(
        f'host = "127.0.0.1";\nport = {port};\nworkers = {WORKERS};\n'
        f'listeners = ( {{ path = "{path}"; }} );\n',
        encoding="utf-8",
    )
    options.targets = [str(port), str(port), str(port), path]
    return Process(options.echod, configuration, directory / "log", options.seed)


def torture(options, directory):
    service = Unit(options.unit, options.seed) if options.unit else process(options, directory)
    kinds = options.kinds or service.kinds
    unknown = set(kinds) - set(service.kinds)
    if unknown:
        raise Failed(f"{', '.join(unknown)}: not for {service}: {', '.join(service.kinds)}")
    clients = (options.torment, options.targets, options.connections, options.seed)
    try:
        service.start()
        with Tormentor(*clients, options.mix, options.patience) as tormentor:
            session = Session(service, tormentor, kinds, options.seed, options.unix_anew)
            try:
                deadline = time.monotonic() + options.seconds
                session.run(options.rounds, deadline, options.first_fault)
            finally:
                result = report.summary(session, options.connections)
                print(report.text(result), flush=True)
    finally:
        service.stop()
    return result


def main(argv):
    options = parse(argv)
    # So that finally is passed through, and no process stays.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    directory = Path(tempfile.mkdtemp(prefix="echod-torture."))
    print(f"--seed={options.seed}", flush=True)
    try:
        result = torture(options, directory)
    except Failed as error:
        print(f"torture.py: {error}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
