# SPDX-License-Identifier: MIT
"""One run of the benchmark: repetitions, cases, servers."""

import sys
from contextlib import ExitStack

from runner.cases import FRESH, OWN, SHARED, why_not
from runner.servers import Failed, Server


class Session:
    """
    entrants are pairs of a peer and its program. What is found is in samples, skipped and failed,
    as lists of dictionaries.
    """

    def __init__(self, bench, entrants, cases, descriptors):
        self.bench, self.entrants, self.cases = bench, entrants, cases
        self.descriptors = descriptors
        self.samples, self.failed = [], []
        self.skipped = [
            {"server": peer.name, "case": case.name, "why": why}
            for case in cases
            for peer, _ in entrants
            if (why := why_not(case, peer, descriptors))
        ]

    def run(self, repetitions):
        for repetition in range(repetitions):
            # Another order each time: who is measured after whom should not matter.
            turn = repetition * 5 % len(self.entrants)
            order = self.entrants[turn:] + self.entrants[:turn]
            self._run_shared(repetition, order)
            self._run_others(repetition, order)

    # ---- servers that all cases of a repetition use ----

    def _run_shared(self, repetition, order):
        cases = [case for case in self.cases if case.server == SHARED]
        with ExitStack() as stack:
            servers = {}
            for case in cases:
                for peer, _ in order:
                    self._measure(
                        repetition, case, peer, lambda p: self._shared(servers, stack, p)
                    )

    def _shared(self, servers, stack, peer):
        """The one that runs; a new one, where it has failed or there is none yet."""
        server = servers.get(peer.name)
        if server is None or not server.is_well():
            server = servers[peer.name] = stack.enter_context(self.bench.new_server(peer))
            server.start()
        return server

    # ---- servers that live for a case ----

    def _run_others(self, repetition, order):
        for case in self.cases:
            if repetition >= case.most:
                continue
            for peer, _ in order:
                if case.server == OWN:
                    self._measure(repetition, case, peer, lambda p: p)
                elif case.server == FRESH:
                    with ExitStack() as stack:
                        self._measure(
                            repetition, case, peer, lambda p: self._shared({}, stack, p)
                        )

    # ---- one measurement ----

    def _measure(self, repetition, case, peer, server_of):
        if why_not(case, peer, self.descriptors):
            return
        place = {"repetition": repetition, "case": case.name, "server": peer.name}
        print(f"{repetition + 1}: {case.title}: {peer.name}", file=sys.stderr)
        server = None
        try:
            server = server_of(peer)
            self.samples.append({**place, **case.run(self.bench, server, case)})
        except Failed as failure:
            print(f"    failed: {failure}", file=sys.stderr)
            self.failed.append({**place, "why": str(failure)})
            if isinstance(server, Server):
                server.kill()  # Who knows in what state it is.
