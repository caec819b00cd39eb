# SPDX-License-Identifier: MIT
"""What is measured: a table of cases, and how each is run on a server."""

import os
import socket
import time
from dataclasses import dataclass, replace

from runner.load import Load
from runner.machine import busy_seconds, settled_kernel_memory_kb
from runner.results import DISTURBED
from runner.servers import Failed

MESSAGE_BYTES = 64
WARMUP_SHARE = 0.2  # of the time that is measured
SHARED, FRESH, OWN = "shared", "fresh", "own"
STARTS = 3
SPARE_DESCRIPTORS = 100
SMOKE_CONNECTIONS = 100


@dataclass(frozen=True)
class Case:
    """
    run(bench, server, case) returns the values. Servers are SHARED by the cases that say so; FRESH
    is one that has done nothing yet, OWN are those that the case starts itself. What takes long
    and varies little is not repeated more often than most times. columns are what the report
    shows: a title, the name of a value, and what to multiply it by. Of UDP, connections are
    datagrams under way, each from a peer of its own or, in a burst, all from one.
    """

    name: str
    title: str
    run: object
    columns: tuple
    connections: int = 1
    transport: str = "tcp"
    burst: bool = False
    spin: bool = False
    server: str = SHARED
    only_echod: bool = False
    most: int = 1000  # repetitions


# ---- traffic ----


def _measured(bench, server, mode, *args):
    """The quietest of a few runs, if the first is disturbed by what else runs on the machine."""
    runs = []
    while len(runs) < bench.tries and all(run["other_cpu_share"] > DISTURBED for run in runs):
        runs.append(_measured_once(bench, server, mode, *args))
    return {**min(runs, key=lambda run: run["other_cpu_share"]), "tries": len(runs)}


def _measured_once(bench, server, mode, *args):
    """One run of the load; the server's CPU is looked at while nothing is under way."""
    cpus = {bench.server_cpu, bench.load_cpu}
    times = ("-d", bench.seconds, "-w", bench.seconds * WARMUP_SHARE)
    with Load(bench, server, mode, "--sync", *times, *args) as load:
        load.expect("ready")
        cpu, busy = server.quiet_cpu_seconds(), busy_seconds(cpus)
        load.go()
        values = load.result(bench.seconds)
        busy = busy_seconds(cpus) - busy
        values["server_pss_kb"] = server.meter.pss_kb()
        cpu = server.quiet_cpu_seconds() - cpu
        load.finish()
    server.quiet_cpu_seconds()  # So that what it still has to do does not disturb the next.
    seconds = values["seconds"]
    values["server_cpu_seconds"] = cpu
    values["server_cpu_share"] = cpu / seconds
    others = busy / seconds - values["server_cpu_share"] - values["load_cpu_share"]
    values["other_cpu_share"] = max(0.0, others / len(cpus))
    return values


def run_pingpong(bench, server, case):
    args = ["-c", case.connections, "-s", MESSAGE_BYTES] + (["--spin"] if case.spin else [])
    values = _measured(bench, server, "pingpong", *args)
    values["server_cpu_us_per_message"] = values["server_cpu_seconds"] * 1e6 / values["count"]
    return values


def run_datagrams(bench, server, case):
    args = ["-c", case.connections, "-s", MESSAGE_BYTES]
    args += ["--spin"] * case.spin + ["--burst"] * case.burst
    values = _measured(bench, server, "datagrams", *args)
    if not values.get("count"):
        raise Failed(f"{server.peer.name}: no datagram came back in time")
    values["lost_share"] = values["lost"] / (values["lost"] + values["count"])
    values["server_cpu_us_per_datagram"] = values["server_cpu_seconds"] * 1e6 / values["count"]
    return values


def run_short(bench, server, case):
    args = ("-c", case.connections, "-s", MESSAGE_BYTES)
    values = _measured(bench, server, "short", *args)
    values["server_cpu_us_per_connection"] = values["server_cpu_seconds"] * 1e6 / values["count"]
    return values


def run_bulk(bench, server, case):
    values = _measured(bench, server, "bulk", "-c", case.connections)
    values["server_cpu_ms_per_gb"] = values["server_cpu_seconds"] * 1e12 / values["bytes"]
    return values


# ---- what it takes to be there ----


def run_idle(bench, server, case):
    args = ("-c", case.connections, "-s", MESSAGE_BYTES)
    with Load(bench, server, "idle", "--sync", *args) as load:
        # The load is there already: what it shares with the server, libc, counts half before, too.
        load.expect("ready")
        pss, kernel = server.meter.pss_kb(), settled_kernel_memory_kb()
        load.go()
        values = load.result()
        server.quiet_cpu_seconds()
        values["pss_before_kb"] = pss
        values["pss_more_kb"] = server.meter.pss_kb() - pss
        values["kernel_more_kb"] = settled_kernel_memory_kb() - kernel
        load.finish()
    server.quiet_cpu_seconds()
    return values


def run_start_stop(bench, peer, _case):
    """The least disturbed of a few, of servers that are not metered."""
    starts, stops = [], []
    for _ in range(STARTS):
        with bench.new_server(peer, metered=False) as server:
            starts.append(server.start() * 1e3)
            stops.append(server.stop() * 1e3)
    return {"start_ms": min(starts), "stop_ms": min(stops)}


def run_quiet(bench, server, _case):
    """The CPU that a server takes while nobody sends, and while one peer sends once a second."""
    idle_seconds, messages = (0.1, 1) if bench.smoke else (2, 3)
    pause_seconds = 0.1 if bench.smoke else 1
    cpu = server.quiet_cpu_seconds()
    time.sleep(idle_seconds)
    idle = (server.meter.cpu_seconds() - cpu) / idle_seconds
    try:
        with socket.create_connection(("127.0.0.1", server.place.port), 5) as peer:
            cpu = server.quiet_cpu_seconds()
            for _ in range(messages):
                _echo_once(peer)
                time.sleep(pause_seconds)
            trickle = (server.meter.cpu_seconds() - cpu) / (messages * pause_seconds)
    except OSError as error:
        raise Failed(f"{server.peer.name}: {error}") from error
    return {"idle_cpu_percent": idle * 100, "trickle_cpu_percent": trickle * 100}


def _echo_once(peer):
    message = os.urandom(MESSAGE_BYTES)
    peer.sendall(message)
    if peer.recv(MESSAGE_BYTES, socket.MSG_WAITALL) != message:
        raise Failed("wrong bytes")


_SHARES = (("server CPU %", "server_cpu_share", 100), ("load CPU %", "load_cpu_share", 100))
_TIMES = (("p50 µs", "p50_us", 1), ("p99 µs", "p99_us", 1), ("p99.9 µs", "p999_us", 1))
_PSS = (("PSS MB", "server_pss_kb", 1 / 1000),)
_CPU_PER_MESSAGE = (("CPU µs/message", "server_cpu_us_per_message", 1),)
_CPU_PER_DATAGRAM = (("CPU µs/datagram", "server_cpu_us_per_datagram", 1),)
_CPU_PER_CONNECTION = (("CPU µs/connection", "server_cpu_us_per_connection", 1),)
_MESSAGES = (("messages/s", "per_second", 1), *_TIMES, *_CPU_PER_MESSAGE, *_SHARES, *_PSS)
_DATAGRAMS = (
    ("datagrams/s", "per_second", 1),
    ("lost %", "lost_share", 100),
    *_TIMES,
    *_CPU_PER_DATAGRAM,
    *_SHARES,
)
_CONNECTIONS = (("connections/s", "per_second", 1), *_TIMES, *_CPU_PER_CONNECTION, *_SHARES)
_BULK = (("MB/s", "megabytes_per_second", 1), ("CPU ms/GB", "server_cpu_ms_per_gb", 1), *_SHARES)
_IDLE = (
    ("more PSS MB", "pss_more_kb", 1 / 1000),
    ("PSS before MB", "pss_before_kb", 1 / 1000),
    ("kernel, both ends, MB", "kernel_more_kb", 1 / 1000),
    ("opened in s", "opened_in_seconds", 1),
)
_START = (("start ms", "start_ms", 1), ("stop ms", "stop_ms", 1))
_QUIET = (
    ("CPU % without connections", "idle_cpu_percent", 1),
    ("CPU % with a message per second", "trickle_cpu_percent", 1),
)


def _udp(name, title, datagrams=1, **more):
    return Case(name, title, run_datagrams, _DATAGRAMS, datagrams, transport="udp", **more)


CASES = (
    Case("one", "1 connection", run_pingpong, _MESSAGES),
    Case("spin", "1 connection, the client never sleeps", run_pingpong, _MESSAGES, spin=True),
    Case("50", "50 connections", run_pingpong, _MESSAGES, 50),
    Case("500", "500 connections", run_pingpong, _MESSAGES, 500),
    Case("10000", "10,000 connections", run_pingpong, _MESSAGES, 10000),
    Case("bulk", "Bulk on 1 connection", run_bulk, _BULK),
    Case("short", "Connect, one message, close: 1 at a time", run_short, _CONNECTIONS),
    Case("short50", "Connect, one message, close: 50 at a time", run_short, _CONNECTIONS, 50),
    Case("idle1000", "1,000 idle connections", run_idle, _IDLE, 1000, server=FRESH, most=1),
    Case("idle10000", "10,000 idle connections", run_idle, _IDLE, 10000, server=FRESH, most=2),
    _udp("udp_one", "UDP: 1 peer"),
    _udp("udp_spin", "UDP: 1 peer, which never sleeps", spin=True),
    _udp("udp_50", "UDP: 50 peers", 50),
    _udp("udp_burst", "UDP: bursts of 64 datagrams from 1 peer", 64, burst=True),
    Case("start", "Start and stop", run_start_stop, _START, server=OWN),
    Case("quiet", "Little to do", run_quiet, _QUIET, server=FRESH, only_echod=True),
)


def choose(names, smoke):
    """The cases of these names; for a smoke test, with fewer connections."""
    most = SMOKE_CONNECTIONS if smoke else max(case.connections for case in CASES)
    return [
        replace(case, connections=min(case.connections, most))
        for case in CASES
        if case.name in names
    ]


def why_not(case, peer, descriptors):
    """Why a peer does not take part, or None."""
    if case.transport not in peer.transports:
        return f"no {case.transport.upper()}"
    if case.only_echod and peer.kind != "echod":
        return "asked of echod only"
    if case.name in peer.cannot:
        return peer.cannot[case.name]
    if peer.most and case.connections > peer.most:
        return peer.why
    if case.connections + SPARE_DESCRIPTORS > descriptors:
        return f"the limit on descriptors is {descriptors}"
    return None
