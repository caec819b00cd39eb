# SPDX-License-Identifier: MIT
"""The report in Markdown."""

from runner.cases import CASES
from runner.goals import FLOORS, GOALS, NUMBER, judge
from runner.results import DISTURBED, LOSS_LIMIT

CHARTS = (
    ("latency.svg", "The time a message takes on one connection, for each server", "one"),
    ("cpu.svg", "The CPU time that a message takes on 50 connections, for each server", "50"),
    ("udp_latency.svg", "The time a datagram takes with one peer, for each server", "udp_one"),
    ("udp_cpu.svg", "The CPU time that a datagram takes with 50 peers, for each server", "udp_50"),
)

INTRODUCTION = """\
# echod and its peers

Written by `make bench`: `{command}`

All servers ran in the same run, one after the other for each case, in an order that changed from
repetition to repetition. Numbers are medians of {repetitions} repetitions (of idle connections: at
most three), ratios are medians of the ratios in each repetition. A message is {message_bytes}
bytes, and every byte that came back was compared with the one that was sent. The server had one
CPU, the load another{one_cpu}.
MB and GB are 10⁶ and 10⁹ bytes.
"""

METHOD = """\
## How to read it

- **1 connection**: the client sleeps in recv(2), as clients do; so each message wakes two
  processes. Where *the client never sleeps*, only the server's part is left.
- **50 connections and more**: an answer sends the next message; all servers are as busy as the load
  can make them. ¹ marks where the load had less than a tenth of its CPU left: with one CPU on each
  side, and the kernel's work for a message divided between both, that is to be expected of fast
  servers. Then the rate is the load's as well, and the CPU time for each message is what counts.
  A server that polls instead of sleeping uses up the CPU time that the load leaves it.
- **CPU** is that of all the server's processes, ended ones included, measured by
  {meter}; a burn of known length was measured {deviation:+.1%} off.
- **UDP**: each of the 50 peers has an address of its own (from 127.16.0.0/18) and one datagram under
  way; to the load they are one socket, which sends and receives many at a time, as else its system
  calls would be the limit. In a burst, one peer sends 64 datagrams at once, and the next 64 when all
  are back. What is not back after 0.2 s is **lost**: it is counted, the exchange goes on, and
  neither latency nor rate includes the time in which nothing else was waited for. Who loses more
  than {loss:.0%} is nobody's best peer.
- **policy** is echod with a limit for everything that it can limit and a list of networks that are
  denied, though nobody ever comes up against it: what it costs to look.
- **Short connections** are closed by the client, by FIN, without waiting for the server's; their
  addresses are from 127.16.0.0/18, so that TIME_WAIT does not use up the ports.
- **PSS** is the memory of all the server's processes, what is shared counted once. What the
  **kernel** adds is the growth of slabs, kernel stacks, page tables and TCP's buffers on the whole
  machine: both ends of a connection, and what others did meanwhile.
- **Start** is from exec to READY=1 for echod, to the first connection for the others; **stop** from
  SIGTERM to the end, without connections. In each repetition, the least of three.
- **Others** on the machine took {noise:.0%} of the CPUs that were used in the median measurement,
  and {worst_noise:.0%} in the worst. A measurement in which they took more than {disturbed:.0%} was
  made again, at most {tries} times in all, and the least disturbed one was taken; where they still
  took more, it counts only if that is so in all repetitions, which ² marks.
"""


def number(value):
    """Three digits that mean something."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(heads, rows):
    """The first column is text, the others are numbers."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


# ---- what it ran on, and who took part ----


def _machine(results):
    machine = results.data["machine"]
    rows = [
        ("CPU", f"{machine['cpu']}, {machine['cpus']} of them"),
        ("memory", f"{number(machine['memory_mb'])} MB"),
        ("kernel", machine["kernel"]),
        ("distribution", machine["distribution"]),
        ("network", f"{machine['network']}, TCP with {machine['congestion_control']}"),
        ("descriptors", f"at most {machine['descriptors']} in a process"),
        ("date", machine["date"]),
    ]
    return "## The machine\n\n| | |\n|---|---|\n" + "".join(f"| {a} | {b} |\n" for a, b in rows)


def _servers(results):
    rows = [
        [
            server["name"],
            server["text"],
            ", ".join(server["transports"]).upper(),
            server["missing"] or server["version"] or "–",
        ]
        for server in results.data["servers"]
    ]
    heads = "| server | what it is | speaks | version |\n|---|---|---|---|\n"
    for row in rows:
        heads += "| " + " | ".join(row) + " |\n"
    missing = [server["name"] for server in results.missing()]
    if missing:
        heads += f"\n**Missing**: {', '.join(missing)}; the table says why.\n"
    return "## The servers\n\n" + heads


# ---- goals and floors ----


def _goal_cell(results, goal, echod):
    if goal.only not in ("", echod):
        return "–"
    outcome = judge(results, goal, echod)
    if outcome.measured is None:
        return "not measured"
    mark = "reached" if outcome.reached(goal) else "**missed**"
    return f"{mark}: {number(outcome.measured)}{goal.unit} {outcome.versus}".rstrip()


def _goal_text(goal):
    limit = f"{'≥' if goal.at_least else '≤'} {number(goal.limit)}{goal.unit}"
    if goal.versus != NUMBER:
        limit += f" × {goal.versus if not goal.other_case else 'on ' + goal.other_case}"
    return limit


def goals(results):
    echods = results.names("echod")
    rows = [
        [goal.text, _goal_text(goal), *(_goal_cell(results, goal, name) for name in echods)]
        for goal in GOALS
    ]
    return "## Goals\n\n" + table(["of echod", "goal", *echods], rows)


def floors(results):
    """How far each echod is from the shortest server there can be."""
    rows = []
    for floor, case, value, text in FLOORS:
        at = results.median(floor, case, value)
        if at is None:
            continue
        row = [text, f"{number(at)} ({floor})"]
        for name in results.names("echod"):
            ratio = number(results.ratio(name, floor, case, value))
            row.append(f"{number(results.median(name, case, value))} (× {ratio})")
        rows.append(row)
    heads = ["less is better", "floor", *results.names("echod")]
    return "## The floors\n\n" + table(heads, rows) if rows else ""


# ---- the cases ----


def _row(results, case, server, notes):
    name = server["name"]
    values = [results.median(name, case.name, value) for _, value, _ in case.columns]
    if values[0] is None:
        mark = notes.mark(results.why_none(name, case.name) or "not measured")
        return [_shown(server) + mark, *["–"] * (len(values) + 1)]
    cells = [number(v * scale) for v, (_, _, scale) in zip(values, case.columns)]
    if results.load_was_limit(name, case.name):
        cells[0] += " ¹"
    if (name, case.name) in results.disturbed:
        cells[0] += " ²"
    ratio = number(results.ratio(name, results.reference(), case.name, case.columns[0][1]))
    return [_shown(server), cells[0], ratio, *cells[1:]]


def _shown(server):
    return f"**{server['name']}**" if server["kind"] == "echod" else server["name"]


class Notes:
    """Footnotes of a table: the same reason has the same letter."""

    def __init__(self):
        self.reasons = []

    def mark(self, reason):
        if reason not in self.reasons:
            self.reasons.append(reason)
        return f" ({chr(ord('a') + self.reasons.index(reason))})"

    def text(self):
        return "".join(f"\n({chr(ord('a') + i)}) {why}\n" for i, why in enumerate(self.reasons))


def case_table(results, case):
    notes = Notes()
    kinds = ("echod",) if case.only_echod else ("echod", "peer", "floor")
    servers = results.servers(*kinds, transport=case.transport)
    rows = [_row(results, case, server, notes) for server in servers]
    first, *others = [title for title, _, _ in case.columns]
    heads = ["", first, f"× {results.reference() or 'echod'}", *others]
    return f"## {case.title}\n\n" + table(heads, rows) + notes.text()


def cases(results):
    known = _known(results.data)
    return [case_table(results, case) for case in CASES if case.name in known]


def _known(data):
    """The names of the cases that were run."""
    return {entry["name"] for entry in data["cases"]}


# ---- all of it ----


def markdown(results):
    data = results.data
    same = data["machine"]["server_cpu"] == data["machine"]["load_cpu"]
    noise, worst_noise = results.noise()
    introduction = INTRODUCTION.format(
        command=data["command"],
        repetitions=data["options"]["repeat"],
        message_bytes=data["options"]["message_bytes"],
        one_cpu=" (there is only one: they shared it)" if same else "",
    )
    charts = "".join(f"![{text}]({name})\n" for name, text, case in CHARTS if case in _known(data))
    method = METHOD.format(
        meter=data["meter"]["text"],
        deviation=data["meter"]["deviation"],
        noise=noise,
        worst_noise=worst_noise,
        disturbed=DISTURBED,
        loss=LOSS_LIMIT,
        tries=data["options"]["tries"],
    )
    parts = [introduction, charts, goals(results), floors(results), *cases(results)]
    parts += [method, _machine(results), _servers(results)]
    return "\n".join(parts)
