"""Measures Swerve's kernels and their peers in turns; Benchmarks/kernels/run calls it.

A time is the shortest of many: what others do on the machine can only add to it. All sides measure in the
same run, a slice of time each, round after round.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import time

import peers
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
        run = make(case, threads)
        if run is not None:
            run()
            runs[name] = run
    times = {name: float("inf") for name in ["ours", *runs]}
    peak = 0
    for _ in range(rounds):
        if threads > 1:
            time.sleep(0.1)  # The peers' threads spin for a while before they sleep.
        answer = ours.measure(dict(kind="peak"), threads, milliseconds / 5)
        peak = max(peak, answer["operations"] / answer["seconds"])
        answer = ours.measure(case, threads, milliseconds)
        times["ours"] = min(times["ours"], answer["seconds"])
        for name, run in runs.items():
            times[name] = min(times[name], shortest(run, milliseconds))
            if threads > 1:
                time.sleep(0.1)
    return row(case, threads, times, answer, peak)


def row(case, threads, times, answer, peak):
    """What a case came to, as Benchmarks/README.md has it."""
    rates = {name: answer["operations"] / seconds / 1e9 for name, seconds in times.items()}
    ours = rates.pop("ours")
    ratio = ours / max(rates.values())
    return {
        "name": f'{case["kind"]} {case["name"]}, {threads} thread{"s" * (threads > 1)}', "unit": "GFLOP/s",
        "ours": ours, "peers": rates, "ratio": ratio, "target": case["target"],
        "ok": ratio >= case["target"], "microseconds": times["ours"] * 1e6,
        "peak": peak / 1e9, "method": answer["method"], "cpu": answer["cpu"], "case": case["name"],
        "threads": threads,
    }


def variants(case):
    """A product is measured with different weights in turn, as a network has them, and with hot ones."""
    if case["kind"] != "gemm":
        return [case]
    size = case["k"] * case["n"] * 4
    turns = max(2, min(20, 256 * 1024 * 1024 // size))
    return [
        dict(case, layers=turns, name=case["name"] + " in turn"),
        dict(case, layers=1, name=case["name"] + " hot"),
    ]


def table(rows):
    names = sorted({name for one in rows for name in one["peers"]})
    yield "| case | method | µs | GFLOP/s | of peak | " + " | ".join(names) + " | ratio | target | |"
    yield "|---|---|---:|---:|---:|" + "---:|" * len(names) + "---:|---:|---|"
    for one in rows:
        figures = " | ".join(f'{one["peers"][n]:.0f}' if n in one["peers"] else "–" for n in names)
        yield (
            f'| {one["name"]} | {one["method"]} | {one["microseconds"]:.0f} | {one["ours"]:.0f} '
            f'| {100 * one["ours"] / one["peak"]:.0f} % | {figures} | {one["ratio"]:.2f} | {one["target"]} '
            f'| {"ok" if one["ok"] else "below"} |')


def scaling(rows):
    """How much faster two threads are than one."""
    single = {one["case"]: one for one in rows if one["threads"] == 1}
    for one in rows:
        if one["threads"] == 2 and one["case"] in single:
            base = single[one["case"]]
            yield f'| {one["case"]} | {base["microseconds"] / one["microseconds"]:.2f} |'


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/kernels/run", description=__doc__)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", metavar="FILE", help="write the rows to this file too")
    parser.add_argument("--only", metavar="PATTERN", default="", help="only cases whose name this matches")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, 1,2 unless given")
    arguments = parser.parse_args()
    rounds, milliseconds = (3, 15) if arguments.quick else (8, 60)

    cases = json.loads((pathlib.Path(__file__).parent / "cases.json").read_text())
    cases = [variant for case in cases for variant in variants(case)]
    pattern = re.compile(arguments.only)
    cases = [case for case in cases if pattern.search(f'{case["kind"]} {case["name"]}')]
    ours = Ours(arguments.program)
    rows = []
    with torch.inference_mode():
        for threads in map(int, arguments.threads.split(",")):
            if threads > (os.cpu_count() or 1):
                continue
            for case in cases:
                rows.append(measure(case, threads, ours, rounds, milliseconds))
                print(f'{rows[-1]["name"]}: {rows[-1]["ratio"]:.2f}', flush=True)
    print("\n" + "\n".join(table(rows)))
    lines = list(scaling(rows))
    if lines:
        print("\n| case | 2 threads to 1 |\n|---|---:|\n" + "\n".join(lines))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"rows": rows}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
