# SPDX-License-Identifier: MIT
"""What is allowed to go wrong, and when."""

# What has killed a process without asking.
CRASHES = ("kill-worker", "kill-all")
# After what there is another start.
STARTS = ("restart", "kill-all")
# A connection is safe from a crash when it is older than escrow_after (1 s), and a moment:
# RECORD_GROWN_USEC in record.h.
YOUNG_USEC = 2_000_000


class Chain:
    """Disturbances, each begun before the effects of the one before were over; then quiet."""

    def __init__(self, kinds, begun_usec, unix_anew=False):
        self.kinds, self.begun_usec, self.unix_anew = kinds, begun_usec, unix_anew
        self.killed_workers = 0
        self.young, self.within_step, self.at_door, self.faults = 0, 0, 0, []

    @property
    def name(self):
        return self.kinds[0] if len(self.kinds) == 1 else "several"

    def judge(self, fault):
        """Files a fault that it has caused: what is not excused is in faults."""
        if self._is_young(fault):
            self.young += 1
        elif self._is_within_step(fault):
            self.within_step += 1
        elif self._is_at_door(fault):
            self.at_door += 1
        else:
            self.faults.append({**fault, "during": self.kinds})

    def _is_young(self, fault):
        """Nobody but the worker that was killed had a copy of the connection."""
        accepted_usec = fault["usec"] - fault["age_usec"]
        return (
            fault["kind"] == "broken"
            and any(kind in CRASHES for kind in self.kinds)
            and accepted_usec > self.begun_usec - YOUNG_USEC
        )

    def _is_at_door(self, fault):
        """The unit's RuntimeDirectory= is made anew by a start, and so is the socket in it."""
        return (
            self.unix_anew
            and fault["kind"] in ("refused", "broken")
            and fault["target"].startswith("/")
            and fault["age_usec"] == 0
            and any(kind in STARTS for kind in self.kinds)
        )

    def _is_within_step(self, fault):
        """
        Of a Unix socket the kernel does not tell how far its bytes came. One may have been in the
        hand of each worker that was killed.
        """
        return (
            fault["kind"] == "broken"
            and fault["target"].startswith("/")
            and self.within_step < self.killed_workers
        )
