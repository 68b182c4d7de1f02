"""What counting costs: the server beside a copy of itself whose counters and histograms return at once."""

import os
import re
import shutil
import subprocess
import threading
import urllib.request
from contextlib import ExitStack, contextmanager

from installation import say
from turns import Row, take_turns

CPU, RATE = "CPU µs/request", "requests/s"
RETURN = b"\xc3"
# Counter.add and Histogram.observe, as the compiler names them.
FUNCTIONS = ["$s9Telemetry7CounterC3addyys6UInt64VF", "$s9Telemetry9HistogramC7observeyySdF"]
SILENT = "Swerve that counts nothing"
SCRAPED = "Swerve, scraped twice a second"


def metrics_cost(deployed, quick):
    rounds, seconds = (8, 2) if quick else (20, 2)
    program = deployed.program_with_symbols
    silent = without_counting(program)
    if not silent:
        return
    with ExitStack() as stack:
        counting = stack.enter_context(deployed.swerve(program=program))
        silenced = stack.enter_context(deployed.swerve(SILENT, program=silent))
        subjects = {
            "Swerve": lambda seconds: deployed.copy(counting, 64, seconds),
            SILENT: lambda seconds: deployed.copy(silenced, 64, seconds),
            SCRAPED: lambda seconds: scraped(deployed, counting, seconds),
        }
        results = take_turns(subjects, rounds, seconds)
        if requests_counted(counting) == 0 or requests_counted(silenced) != 0:
            raise RuntimeError("the copy that should count nothing counts, or the server does not")
    name = "metrics, 64 connections"
    yield Row(name, CPU, results, [SILENT], 0.98)
    yield Row(name, RATE, results, [SILENT], 0.98)
    yield Row(f"{name}, not scraped", CPU, results, [SCRAPED])


def without_counting(program):
    """A copy beside the server with a return as the first instruction of what counts; None where it cannot be made."""
    places = offsets(program)
    if os.uname().machine != "x86_64" or len(places) != len(FUNCTIONS):
        say("SKIPPED: the cost of metrics: it needs x86-64, readelf and a server with its symbols")
        return None
    copy = f"{program}-silent"
    shutil.copy(program, copy)
    with open(copy, "r+b") as file:
        for place in places:
            file.seek(place)
            file.write(RETURN)
    return copy


def offsets(program):
    """Where in the file the functions begin."""
    def lines(*flags):
        return subprocess.run(
            ["readelf", "--wide", *flags, program], capture_output=True, text=True, check=True).stdout.splitlines()

    addresses = {}
    for line in lines("--symbols"):
        fields = line.split()
        if len(fields) == 8 and fields[7] in FUNCTIONS:
            addresses[fields[7]] = int(fields[1], 16)
    segments = [
        [int(number, 16) for number in line.split()[1:5]] for line in lines("--program-headers")
        if line.split()[:1] == ["LOAD"]]
    return [
        address - begin + offset for address in addresses.values() for offset, begin, _, size in segments
        if begin <= address < begin + size]


def requests_counted(server):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as page:
        values = re.findall(r"^swerve_requests_total\{.*\} (\S+)$", page.read().decode(), re.M)
    return sum(map(float, values))


def scraped(deployed, server, seconds):
    with scraping(server):
        return deployed.copy(server, 64, seconds)


@contextmanager
def scraping(server):
    """Reads the page twice a second, thirty times as often as Prometheus does by default."""
    ended = threading.Event()

    def run():
        while not ended.wait(0.5):
            requests_counted(server)

    reader = threading.Thread(target=run)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()
