"""Measures Swerve's kernels and their peers in turns; Benchmarks/kernels/run calls it.

A time is the shortest of many: what others do on the machine can only add to it. All sides measure in the
same run, a slice of time each, round after round.
"""
import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import time

import peers
import tables
import torch


class Ours:
    """Our side: a process that is told a case a line and answers with its shortest time."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def measure(self, case, threads, milliseconds):
        request = dict(case, threads=threads, milliseconds=milliseconds)
        self.process.stdin.write(json.dumps(request) + "\n")
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the benchmark's program ended at {case}")
        return json.loads(line)


def shortest(run, milliseconds):
    """The shortest of as many runs as fit the time, in seconds."""
    best = float("inf")
    end = time.perf_counter() + milliseconds / 1000
    while True:
        start = time.perf_counter()
        run()
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end:
            return best


def measure(case, threads, ours, rounds, milliseconds):
    torch.set_num_threads(threads)
    runs = {}
    for name, make in peers.PEERS[case["kind"]].items():
        run = make(case, threads) if name in case.get("peers", [name]) else None
        if run is not None:
            run()
            runs[name] = run
    ceiling = dict(kind="peak")
    if case["kind"] == "values":
        ceiling = dict(kind="copy", byteCount=ours.measure(case, threads, 0)["byteCount"])
    times = {}
    peak = 0
    for _ in range(rounds):
        if threads > 1 and runs:
            time.sleep(0.05)  # The peers' threads spin for a while before they sleep.
        answer = ours.measure(ceiling, threads, milliseconds / 5)
        peak = max(peak, answer["operations"] / answer["seconds"])
        if "our float32" in case.get("peers", []):
            float32 = ours.measure(dict(case, kind="gemm", layers=1), threads, milliseconds)
            times["our float32"] = min(times.get("our float32", math.inf), float32["seconds"])
        answer = ours.measure(case, threads, milliseconds)
        times["ours"] = min(times.get("ours", math.inf), answer["seconds"])
        for name, run in runs.items():
            times[name] = min(times.get(name, math.inf), shortest(run, milliseconds))
    return row(case, threads, times, answer, peak)


# How many multiplications of short numbers a core does in the time of one of float32.
SPEED_OF_SHORT = {"VNNI": 4, "BF16": 2, "bytes": 2, "16-bit": 2}


def row(case, threads, times, answer, peak):
    """What a case came to, as Benchmarks/README.md has it."""
    rates = {name: answer["operations"] / seconds / 1e9 for name, seconds in times.items()}
    ours = rates.pop("ours")
    ratio = ours / max(rates.values())
    judged = ours / rates[case["judge"]] if "judge" in case else ratio
    moved = answer["byteCount"] / times["ours"]
    short = SPEED_OF_SHORT.get(answer["method"].split(" ")[0], 1) if "float32" not in case["kind"] else 1
    if case["kind"] == "int8 conv":
        short = SPEED_OF_SHORT["VNNI" if answer["cpu"] == "avx512" else "bytes"]
    return {
        "name": f'{case["kind"]} {case["name"]}, {threads} thread{"s" * (threads > 1)}',
        "unit": "10⁹ values/s" if case["kind"] == "values" else "GFLOP/s",
        "ours": ours, "peers": rates, "ratio": ratio, "target": case["target"],
        "ok": judged >= case["target"], "microseconds": times["ours"] * 1e6,
        "share of peak": moved / peak if case["kind"] == "values" else answer["operations"] / times["ours"] / peak / short,
        "peak": peak / 1e9 * short, "method": answer["method"], "cpu": answer["cpu"], "kind": case["kind"],
        "case": case["name"], "threads": threads, "m": case.get("m", 0),
    }


def variants(case):
    """A product is measured with different weights in turn, as a network has them, and with hot ones."""
    if case["kind"] != "gemm":
        return [case]
    size = case["k"] * case["n"] * 4
    if size > 64 << 20:
        # More than any cache holds: it comes from memory each time.
        return [dict(case, layers=1)]
    turns = max(2, min(20, (96 << 20) // size))
    return [
        dict(case, layers=turns, name=case["name"] + " in turn"),
        dict(case, layers=1, name=case["name"] + " hot"),
    ]


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/kernels/run", description=__doc__)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", metavar="FILE", help="write the rows to this file too")
    parser.add_argument("--update", metavar="FILE", help="replace the tables between this file's two marks")
    parser.add_argument("--only", metavar="PATTERN", default="", help="only cases whose name this matches")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, 1,2 unless given")
    parser.add_argument("--also", metavar="FILE", action="append", default=[],
                        help="rows of another run's --json, for a table that is measured in pieces")
    arguments = parser.parse_args()
    rounds, milliseconds = (3, 10) if arguments.quick else (8, 40)

    cases = json.loads((pathlib.Path(__file__).parent / "cases.json").read_text())
    cases = [variant for case in cases for variant in variants(case)]
    pattern = re.compile(arguments.only)
    cases = [case for case in cases if pattern.search(f'{case["kind"]} {case["name"]}')]
    ours = Ours(arguments.program)
    rows = [row for path in arguments.also for row in json.loads(pathlib.Path(path).read_text())["rows"]]
    with torch.inference_mode():
        for threads in map(int, arguments.threads.split(",")):
            if threads > (os.cpu_count() or 1):
                continue
            for case in cases:
                rows.append(measure(case, threads, ours, rounds, milliseconds))
                print(f'{rows[-1]["name"]}: {rows[-1]["ratio"]:.2f}', flush=True)
    document = "\n".join(tables.document(rows))
    print("\n" + document)
    if arguments.update:
        tables.update(pathlib.Path(arguments.update), document)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"rows": rows}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
