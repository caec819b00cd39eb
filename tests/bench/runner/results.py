# SPDX-License-Identifier: MIT
"""What was measured, and the questions that the report asks about it."""

from statistics import median

DISTURBED = 0.1  # of the CPUs that are used, taken by others
LOSS_LIMIT = 0.01  # of the datagrams: who loses more is no peer to be compared to
LOAD_LIMIT = 0.9  # of a CPU: from here on the load may be what is measured


def _disturbed(sample):
    return sample.get("other_cpu_share", 0) > DISTURBED


class Results:
    """Reads the dictionary that results.json holds."""

    def __init__(self, data):
        self.data = data
        self.by_place = {}
        for sample in data["samples"]:
            self.by_place.setdefault((sample["server"], sample["case"]), []).append(sample)
        self.disturbed = {
            place for place, samples in self.by_place.items() if all(map(_disturbed, samples))
        }

    def _samples(self, server, case):
        """Those that nobody disturbed, if there are any."""
        place = server, case
        samples = self.by_place.get(place, [])
        return samples if place in self.disturbed else [s for s in samples if not _disturbed(s)]

    # ---- servers ----

    def servers(self, *kinds, transport=None):
        """Those that took part, or those of them that speak a transport."""
        return [
            s
            for s in self.data["servers"]
            if not s["missing"]
            and s["kind"] in kinds
            and (transport is None or transport in s["transports"])
        ]

    def names(self, *kinds):
        return [server["name"] for server in self.servers(*kinds)]

    def reference(self):
        """The echod that the others are compared to, or None."""
        return next(iter(self.names("echod")), None)

    def missing(self):
        return [server for server in self.data["servers"] if server["missing"]]

    def why_none(self, server, case):
        """Why there is no value, or None."""
        for kind in ("skipped", "failed"):
            for entry in self.data[kind]:
                if (entry["server"], entry["case"]) == (server, case):
                    return entry["why"]
        return None

    # ---- values ----

    def median(self, server, case, value):
        """Over the repetitions, or None."""
        values = [sample[value] for sample in self._samples(server, case)]
        return median(values) if values else None

    def ratio(self, server, other, case, value, other_case=None):
        """
        The median of the ratios in each repetition, so that what drifts slowly does not matter; if
        no repetition has both, the ratio of the medians.
        """
        others = {s["repetition"]: s for s in self._samples(other, other_case or case)}
        ratios = [
            sample[value] / others[sample["repetition"]][value]
            for sample in self._samples(server, case)
            if others.get(sample["repetition"], {}).get(value)
        ]
        if ratios:
            return median(ratios)
        this = self.median(server, case, value)
        that = self.median(other, other_case or case, value)
        return this / that if this is not None and that else None

    def best_peer(self, case, value, more_is_better):
        """The name of the peer with the best median, or None."""
        medians = {
            name: number
            for name in self.names("peer")
            if (number := self.median(name, case, value)) is not None
            and not self._loses(name, case)
        }
        choose = max if more_is_better else min
        return choose(medians, key=medians.get) if medians else None

    # ---- doubts ----

    def _loses(self, server, case):
        shares = [sample.get("lost_share", 0) for sample in self._samples(server, case)]
        return median(shares) > LOSS_LIMIT

    def load_was_limit(self, server, case):
        """Whether the load had next to no CPU time left, without being told to poll."""
        samples = self._samples(server, case)
        if not samples or "load_cpu_share" not in samples[0] or samples[0].get("spin"):
            return False
        return median(s["load_cpu_share"] for s in samples) >= LOAD_LIMIT

    def noise(self):
        """The share of the two CPUs that others took: in the median run, and in the worst."""
        shares = [s["other_cpu_share"] for s in self.data["samples"] if "other_cpu_share" in s]
        return (median(shares), max(shares)) if shares else (0, 0)
