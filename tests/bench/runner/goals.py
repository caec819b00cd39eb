# SPDX-License-Identifier: MIT
"""The goals that echod is measured by."""

from dataclasses import dataclass

from runner.peers import POLICY

BEST_PEER, ITSELF, NUMBER, REFERENCE = "best peer", "itself", "number", "echod"


@dataclass(frozen=True)
class Goal:
    """
    A value is at most, or at least, the limit: as a number, as a share of the same value of the
    best peer, of a peer by its name or of the first echod, or as a share of echod's own in another
    case. Asked of all that are an echod, or of the one named in only.
    """

    text: str
    case: str
    value: str
    at_least: bool
    limit: float
    versus: str = BEST_PEER
    other_case: str = ""
    unit: str = ""
    scale: float = 1
    only: str = ""



def _policy_costs_little(text, case):
    return Goal(text, case, "per_second", True, 0.98, REFERENCE, only=POLICY)


GOALS = (
    Goal("p50 on 1 connection", "one", "p50_us", False, 0.4),
    Goal("rate on 50 connections", "50", "per_second", True, 1.1),
    Goal("CPU per message on 50 connections", "50", "server_cpu_us_per_message", False, 0.95),
    Goal("rate on 500 connections", "500", "per_second", True, 1.1),
    Goal("CPU per message on 500 connections", "500", "server_cpu_us_per_message", False, 0.95),
    Goal("rate on 10,000 connections", "10000", "per_second", True, 0.85, ITSELF, "50"),
    Goal("bulk: CPU per GB", "bulk", "server_cpu_ms_per_gb", False, 0.7, "libuv"),
    Goal("bulk: throughput", "bulk", "megabytes_per_second", True, 1.0, "libuv"),
    Goal("connect, echo, close: rate, 1 at a time", "short", "per_second", True, 1.5),
    Goal("connect, echo, close: rate, 50 at a time", "short50", "per_second", True, 1.5),
    Goal(
        "10,000 idle connections: more PSS",
        "idle10000",
        "pss_more_kb",
        False,
        3,
        NUMBER,
        unit=" MB",
        scale=1 / 1000,
    ),
    Goal("start", "start", "start_ms", False, 10, NUMBER, unit=" ms"),
    Goal("stop", "start", "stop_ms", False, 10, NUMBER, unit=" ms"),
    Goal("CPU, idle", "quiet", "idle_cpu_percent", False, 0.1, NUMBER, unit=" %"),
    Goal("CPU, a message a second", "quiet", "trickle_cpu_percent", False, 0.5, NUMBER, unit=" %"),
    Goal("UDP: p50 on 1 peer", "udp_one", "p50_us", False, 0.4),
    Goal("UDP: rate on 50 peers", "udp_50", "per_second", True, 1.1),
    Goal("UDP: CPU per datagram on 50 peers", "udp_50", "server_cpu_us_per_datagram", False, 0.85),
    Goal("UDP: rate in bursts of 64", "udp_burst", "per_second", True, 1.5),
    Goal("UDP: lost, 50 peers", "udp_50", "lost_share", False, 0, NUMBER, unit=" %", scale=100),
    Goal("UDP: lost, bursts", "udp_burst", "lost_share", False, 0, NUMBER, unit=" %", scale=100),
    _policy_costs_little("rate with policy, 50 connections", "50"),
    _policy_costs_little("rate with policy, connect, echo, close: 50 at a time", "short50"),
    _policy_costs_little("UDP: rate with policy, 50 peers", "udp_50"),
    _policy_costs_little("UDP: rate with policy, bursts", "udp_burst"),
)


@dataclass(frozen=True)
class Outcome:
    measured: float  # a ratio, or the number itself; None: not measured
    versus: str  # in words

    def reached(self, goal):
        if self.measured is None:
            return None
        return self.measured >= goal.limit if goal.at_least else self.measured <= goal.limit


def judge(results, goal, echod):
    if goal.versus == NUMBER:
        number = results.median(echod, goal.case, goal.value)
        return Outcome(None if number is None else number * goal.scale, "")
    if goal.versus == ITSELF:
        ratio = results.ratio(echod, echod, goal.case, goal.value, goal.other_case)
        return Outcome(ratio, f"× its own on {goal.other_case}")
    peer = goal.versus
    if peer == BEST_PEER:
        peer = results.best_peer(goal.case, goal.value, goal.at_least)
    elif peer == REFERENCE:
        peer = results.reference()
    if peer is None:
        return Outcome(None, "no peer")
    return Outcome(results.ratio(echod, peer, goal.case, goal.value), f"× {peer}'s")


# How far echod is from what the kernel allows: a floor, a case, a value.
FLOORS = (
    ("floor_blocking", "one", "p50_us", "p50 on 1 connection, µs"),
    ("floor_epoll", "one", "p50_us", "p50 on 1 connection, µs"),
    ("floor_blocking", "spin", "p50_us", "p50 on 1 connection, client never sleeps, µs"),
    ("floor_epoll", "50", "server_cpu_us_per_message", "CPU per message on 50 connections, µs"),
    ("floor_epoll", "500", "server_cpu_us_per_message", "CPU per message on 500 connections, µs"),
    ("floor_epoll", "10000", "server_cpu_us_per_message", "CPU per message on 10,000, µs"),
    ("floor_blocking", "bulk", "server_cpu_ms_per_gb", "bulk, CPU ms per GB"),
    ("floor_epoll", "bulk", "server_cpu_ms_per_gb", "bulk, CPU ms per GB"),
    ("floor_epoll", "short", "p50_us", "connect, echo, close: p50, µs"),
    ("floor_epoll", "short50", "server_cpu_us_per_connection", "CPU per short connection, µs"),
    ("floor_udp", "udp_one", "p50_us", "UDP: p50 on 1 peer, µs"),
    ("floor_udp", "udp_spin", "p50_us", "UDP: p50 on 1 peer, which never sleeps, µs"),
    ("floor_udp", "udp_50", "server_cpu_us_per_datagram", "UDP: CPU per datagram, 50 peers, µs"),
    ("floor_udp", "udp_burst", "server_cpu_us_per_datagram", "UDP: CPU per datagram, bursts, µs"),
)
