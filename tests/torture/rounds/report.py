# SPDX-License-Identifier: MIT
"""What came out, for people and for programs."""

import json
import statistics

from rounds.tormentor import WRONG

MOST_FAULTS, MOST_LINES = 10, 40


def summary(session, connections):
    """A dictionary of all that is worth keeping."""
    faults = [fault for chain in session.chains for fault in chain.faults]
    kinds = [kind for chain in session.chains for kind in chain.kinds]
    end = session.end or {}
    return {
        "service": str(session.service),
        "disturbances": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "connections": connections,
        "opened": end.get("opened"),
        "finished": end.get("finished"),
        "messages": end.get("messages"),
        "bytes": end.get("bytes"),
        **{kind: end.get(kind) for kind in WRONG},
        "broken_young": sum(chain.young for chain in session.chains),
        "broken_within_step": sum(chain.within_step for chain in session.chains),
        "broken_at_door": sum(chain.at_door for chain in session.chains),
        "most_stored": session.most_stored,
        "faults": faults,
        "journal": session.service.journal() if faults else [],
        "wait_ms": _waits(session.waits),
    }


def _waits(waits):
    """By kind: what the median client waited at the most, and the longest wait, over the rounds."""
    result = {}
    for name in sorted({name for name, _ in waits}):
        found = [wait for other, wait in waits if other == name and wait]
        if found:
            result[name] = {
                "rounds": len(found),
                "median": statistics.median(statistics.median(wait) for wait in found) / 1000,
                "longest": max(max(wait) for wait in found) / 1000,
            }
    return result


def text(result):
    """Markdown; and where there are faults, some of them, and what the service said last."""
    done = ", ".join(f"{count} {kind}" for kind, count in result["disturbances"].items())
    gigabytes = (result["bytes"] or 0) / 1e9
    lines = [
        f"{result['service']}: {sum(result['disturbances'].values())} disturbances ({done}), "
        f"{result['connections']} clients, {result['opened']} connections, "
        f"{result['messages']} messages, {gigabytes:.1f} GB; at most {result['most_stored']} "
        "descriptors in the store",
        "",
        "| lost | doubled | reordered | corrupted | broken or silent | young at a crash | within a "
        "step of a killed worker (Unix) | not let in, as a start made the Unix socket anew |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
        f"| {result['lost']} | {result['doubled']} | {result['reordered']} | {result['corrupted']} "
        f"| {sum(fault['kind'] not in WRONG for fault in result['faults'])} "
        f"| {result['broken_young']} | {result['broken_within_step']} "
        f"| {result['broken_at_door']} |",
        "",
        "| disturbance | rounds | a client's longest wait: median, ms | the longest, ms |",
        "|---|---:|---:|---:|",
    ]
    for name, wait in result["wait_ms"].items():
        lines.append(
            f"| {name} | {wait['rounds']} | {wait['median']:.1f} | {wait['longest']:.1f} |"
        )
    lines += ["", *(json.dumps(fault) for fault in result["faults"][:MOST_FAULTS])]
    lines += result["journal"][-MOST_LINES:]
    return "\n".join(lines).rstrip()
