"""One core's worth of time on a machine that has more: by a control group's quota, and by being held to a core."""

import os
import time
from contextlib import ExitStack, contextmanager

from installation import say
from turns import Row, take_turns

RATE, PER_CORE, CPU = "requests/s", "requests/s a core", "CPU µs/request"
SLOW, RUNS = "ms, p99", "of the time not stopped"
HELD, FREE = "Swerve held to a core", "Swerve on all cores"
ROOTS = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup"]
PERIOD = 100_000  # microseconds


def one_core(deployed, quick):
    if os.cpu_count() < 2:
        return say("SKIPPED: a quota of one core shows nothing on a machine that has one")
    rounds, seconds = (3, 2) if quick else (5, 4)
    with ExitStack() as stack:
        group = stack.enter_context(quota_of_one_core())
        if group is None:
            return say("SKIPPED: no control group with a processor quota may be made here")
        yield from small(deployed, group, rounds, seconds)
        yield from network(deployed, group, rounds, seconds)


def small(deployed, group, rounds, seconds):
    """16 floats, which a loop answers by itself."""
    starts = [*ours(deployed, group), lambda: deployed.triton(inside(group))]
    results = measure(starts, group, deployed.copy, rounds, seconds)
    name = "16 floats, quota of 1 core, 64 connections"
    yield Row(name, RATE, results, ["Triton"], 2)
    yield Row(name, PER_CORE, results, [FREE], 0.95)
    yield Row(name, CPU, results, [FREE], 0.95)
    yield Row(name, CPU, results, [HELD])
    yield Row(name, SLOW, results, [HELD], 0.5)
    yield Row(name, SLOW, results, ["Triton"], 1)
    yield Row(name, RUNS, results, ["Triton"], 1)


def network(deployed, group, rounds, seconds):
    """A network, which a worker runs beside the loop."""
    results = measure(ours(deployed, group), group, deployed.network.many, rounds, seconds)
    name = "a small network, quota of 1 core, 64 connections"
    yield Row(name, RATE, results, [HELD], 0.8)
    yield Row(name, PER_CORE, results, [FREE], 0.95)
    yield Row(name, CPU, results, [FREE], 0.95)
    yield Row(name, CPU, results, [HELD])
    yield Row(name, SLOW, results, [HELD], 0.5)
    yield Row(name, RUNS, results, [HELD], 0.95)


def ours(deployed, group):
    return [
        lambda: deployed.swerve(within=inside(group)),
        lambda: deployed.swerve(HELD, within=["taskset", "--cpu-list", "0"]),
        lambda: deployed.swerve(FREE)]


def measure(starts, group, send, rounds, seconds):
    """`send` is told a server, connections and seconds."""
    with ExitStack() as stack:
        running = [stack.enter_context(start()) for start in starts]
        subjects = {
            server.name: lambda seconds, server=server: watched_group(send, server, group, seconds) for server in running}
        return take_turns(subjects, rounds, seconds)


def watched_group(send, server, group, seconds):
    """What wrk tells, and for how much of the time the group was not stopped because its quota was used up."""
    begin, before = time.monotonic(), stopped_seconds(group)
    measured = send(server, 64, seconds)
    stopped = (stopped_seconds(group) - before) / (time.monotonic() - begin)
    cores = os.cpu_count() if server.name == FREE else 1
    return {**measured, PER_CORE: measured[RATE] / cores, RUNS: 1 - stopped}


def stopped_seconds(group):
    with open(os.path.join(group, "cpu.stat"), encoding="utf-8") as file:
        values = dict(line.split() for line in file)
    # Nanoseconds in version 1, microseconds in version 2.
    return int(values["throttled_time"]) / 1e9 if "throttled_time" in values else int(values["throttled_usec"]) / 1e6


def inside(group):
    """A command that runs another in the control group."""
    return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', group]


@contextmanager
def quota_of_one_core():
    """A control group, of version 1 or 2, with one core's worth of time; None where none can be made."""
    made = None
    for root in ROOTS:
        group = os.path.join(root, f"swerve-benchmark-{os.getpid()}")
        try:
            os.mkdir(group)
            made = group
            limit(group)
            break
        except OSError:
            if made:
                os.rmdir(made)
                made = None
    try:
        yield made
    finally:
        if made:
            os.rmdir(made)


def limit(group):
    """Beside the quota it gets the weight that `put_before_others` gives to servers outside, which it takes from this."""
    if os.path.exists(os.path.join(group, "cpu.max")):
        settings = {"cpu.max": f"{PERIOD} {PERIOD}", "cpu.weight": "2847"}
    else:
        settings = {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": PERIOD, "cpu.shares": "29154"}
    for name, value in settings.items():
        with open(os.path.join(group, name), "w", encoding="utf-8") as file:
            file.write(str(value))
