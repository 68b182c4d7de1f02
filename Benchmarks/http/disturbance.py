"""How much of the machine other work used during the measurements: what tells a good run from a bad one."""

import os
import resource
import time
from contextlib import contextmanager

TICKS = os.sysconf("SC_CLK_TCK")
total = {"seconds": 0.0, "used by others": 0.0}


def busy_seconds():
    """The time all cores spent on anything since the machine started."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _, _, interrupt, soft_interrupt, steal, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + interrupt + soft_interrupt + steal) / TICKS


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def watched(server):
    """Around a measurement of `server` whose load generator starts and ends within."""
    def used():
        return busy_seconds() - children_seconds() - server.cpu_seconds()

    begin, before = time.monotonic(), used()
    yield
    total["seconds"] += time.monotonic() - begin
    total["used by others"] += used() - before


def cores_of_others():
    """The cores that other processes used on average."""
    return max(0.0, total["used by others"] / total["seconds"]) if total["seconds"] else 0.0
