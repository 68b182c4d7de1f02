"""Servers take turns, so that the machine's drift falls on all of them; rows hold medians of the rounds."""

import statistics
import subprocess
import sys

from load import machine_alone

LARGER_IS_BETTER = {"requests/s", "requests/s a core", "in time, of what can be", "of the time not stopped"}


def take_turns(subjects, rounds, seconds, warm_up=1):
    """`subjects` is {name: a function that measures for so many seconds and returns {unit: value}}; the result
    is {name: {unit: values, one of each round}}. A peer that fails is left out, which standard error tells."""
    results = {name: {} for name in subjects}
    failed = set()
    for turn in range(-1 if warm_up else 0, rounds):
        order = list(subjects) if turn % 2 else list(reversed(subjects))
        with machine_alone():
            for name in order:
                if name in failed:
                    continue
                try:
                    measured = subjects[name](warm_up if turn < 0 else seconds)
                except (RuntimeError, subprocess.SubprocessError) as error:
                    if name.startswith("Swerve"):
                        raise
                    print(f"http: left out: {error}", file=sys.stderr, flush=True)
                    failed.add(name)
                    del results[name]
                    continue
                if turn >= 0:
                    for unit, value in measured.items():
                        results[name].setdefault(unit, []).append(value)
    return results


class Row:
    """One line of the table: ours, the peers', and the ratio to the best of them."""

    def __init__(self, name, unit, results, peers, target=None):
        self.name, self.unit, self.target = name, unit, target
        values = results["Swerve"][unit]
        peers = [peer for peer in peers if peer in results]
        self.ours = statistics.median(values)
        self.peers = {peer: statistics.median(results[peer][unit]) for peer in peers}
        self.ratio = min((self.ratio_to(values, results[peer][unit]) for peer in peers), default=None)

    def ratio_to(self, ours, theirs):
        pairs = zip(ours, theirs)
        if self.unit in LARGER_IS_BETTER:
            return statistics.median(mine / other for mine, other in pairs)
        return statistics.median(other / mine for mine, other in pairs)

    @property
    def ok(self):
        return self.target is None or (self.ratio is not None and self.ratio >= self.target)

    def as_json(self):
        keys = ("name", "unit", "ours", "peers", "ratio", "target", "ok")
        return {key: getattr(self, key) for key in keys}
