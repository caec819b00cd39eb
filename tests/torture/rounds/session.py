# SPDX-License-Identifier: MIT
"""The rounds of a run, one after the other."""

import random
import time

from rounds.judge import Chain
from rounds.service import wait_for

# How many in a row are begun without waiting for the one before: mostly one.
CHAIN_LENGTHS = (1, 1, 1, 1, 1, 1, 2, 2, 3, 4)
GROWN_SHARE = 0.75
MOST_PAUSE_SECONDS, MOST_CHAIN_PAUSE_SECONDS = 0.4, 0.15


class Session:
    """Disturbs a service and has each fault of the clients judged."""

    def __init__(self, service, tormentor, kinds, seed, unix_anew=False):
        self.service, self.tormentor = service, tormentor
        self.kinds, self.random = kinds, random.Random(seed)
        self.unix_anew = unix_anew
        self.chains, self.waits, self.seen = [], [], 0
        self.end, self.most_stored = None, 0

    def run(self, rounds, deadline, to_first_fault=False):
        """So many disturbances, or what time allows. How many there were."""
        done = 0
        self._settle()
        while done < rounds and time.monotonic() < deadline:
            if to_first_fault and any(chain.faults for chain in self.chains):
                break
            length = min(self.random.choice(CHAIN_LENGTHS), rounds - done)
            self._chain([self.random.choice(self.kinds) for _ in range(length)])
            done += length
        self.end = self.tormentor.end()
        self._judge()
        return done

    def _settle(self):
        """The service is there, nobody waits for it any more, and most clients are worth a crash."""
        wait_for("a service that is active", self.service.is_well)
        grown = self.tormentor.connections * GROWN_SHARE
        wait_for("clients that stay", lambda: self.tormentor.settle() >= grown)

    def _chain(self, kinds):
        time.sleep(self.random.uniform(0, MOST_PAUSE_SECONDS))
        before = self.tormentor.mark()
        self._judge()  # What came in the meantime.
        chain = Chain(kinds, before["usec"], self.unix_anew)
        self.chains.append(chain)
        for kind in kinds:
            chain.killed_workers += self.service.disturb(kind, len(kinds) == 1)
            if len(kinds) > 1:
                time.sleep(self.random.uniform(0, MOST_CHAIN_PAUSE_SECONDS))
        self.tormentor.settle()
        self.most_stored = max(self.most_stored, self.service.stored())
        self.waits.append((chain.name, self.tormentor.mark()["waits_usec"]))
        self._judge()
        self._settle()

    def _judge(self):
        """Faults up to here were caused by what was done last."""
        faults = self.tormentor.faults[self.seen :]
        self.seen += len(faults)
        if faults and not self.chains:
            self.chains.append(Chain(["nothing"], 0))
        for fault in faults:
            self.chains[-1].judge(fault)
