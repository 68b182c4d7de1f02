"""From the start of the process to ready, and the memory that it has then and after many requests."""

import time
from contextlib import ExitStack

from load import machine_alone
from turns import Row

START, MEMORY = "ms", "MB in RAM"
CONNECTIONS = 64


def start_and_memory(deployed, quick):
    starts = {"Swerve": deployed.swerve, "Triton": deployed.triton}
    yield from start(starts, 3 if quick else 10)
    yield from memory(deployed, starts, 200_000 if quick else 1_000_000)


def start(starts, rounds):
    results = {name: {START: []} for name in starts}
    for turn in range(-1, rounds):  # the first start, which fills the page cache, is left out
        with machine_alone():
            for name, begin in starts.items():
                with begin() as server:
                    if turn >= 0:
                        results[name][START].append(server.seconds_to_ready * 1000)
    yield Row("start to ready, 4 models", START, results, ["Triton"], 1)


def memory(deployed, starts, requests):
    with ExitStack() as stack:
        running = {name: stack.enter_context(begin()) for name, begin in starts.items()}
        time.sleep(2)
        results = {name: {MEMORY: [megabytes(server)]} for name, server in running.items()}
        yield Row("idle, 2 seconds after the start", MEMORY, results, ["Triton"], 1)
        early = send(deployed, running["Swerve"], requests // 10)
        results = {}
        for name, server in running.items():
            send(deployed, server, requests - (requests // 10 if name == "Swerve" else 0))
            results[name] = {MEMORY: [megabytes(server)]}
        yield Row(f"after {requests:,} requests", MEMORY, results, ["Triton"], 1)
        before = f"Swerve after {requests // 10:,}"
        results[before] = {MEMORY: [early]}
        yield Row(f"after {requests:,} requests, beside its own", MEMORY, results, [before], 0.95)


def send(deployed, server, requests):
    """The memory after at least so many requests."""
    left = requests
    with machine_alone():
        while left > 0:
            measured = deployed.copy(server, CONNECTIONS, 1 if left < 100_000 else 4)
            left -= measured["requests"]
    return megabytes(server)


def megabytes(server):
    return server.resident_bytes() / 1e6
