"""Measures whole models, ours and the peers', in turns; Benchmarks/models/run calls it.

A time is the shortest of many: what others do on the machine can only add to it. Every side is a process of
its own; all of them measure in the same run, a slice of time each, round after round. Outputs are compared
before anything is measured.
"""
import argparse
import json
import math
import os
import pathlib
import re
import sys
import tempfile
import time

import numpy

import models
import scenarios
from sides import Side

DATATYPES = {"float32": "FP32", "int64": "INT64", "int32": "INT32", "uint8": "UINT8"}
#: Peers' threads spin for a while before they sleep.
REST = 0.1


def write_inputs(inputs, folder):
    described = []
    for index, (name, value) in enumerate(inputs.items()):
        value = numpy.asarray(value, order="C")
        file = folder / f"input.{index}"
        value.tofile(file)
        described.append({
            "name": name, "datatype": DATATYPES[str(value.dtype)], "dtype": str(value.dtype),
            "shape": list(value.shape), "file": str(file)})
    return described


def difference(ours, theirs):
    """The greatest difference of two files of outputs, relative to the largest value; None if they cannot be compared."""
    if not (os.path.exists(ours) and os.path.exists(theirs)):
        return None
    a, b = (numpy.fromfile(path, numpy.float32) for path in (ours, theirs))
    if a.size != b.size:
        return None
    scale = float(numpy.abs(b).max()) if b.size else 0
    return float(numpy.abs(a - b).max()) / scale if scale > 0 else 0.0


class Measurement:
    """One scenario with one number of threads."""

    def __init__(self, scenario, threads, commands, folder, loads):
        self.scenario, self.threads = scenario, threads
        self.sides, self.loaded, self.errors = {}, {}, {}
        inputs = write_inputs(scenario.inputs, folder)
        for name, command in commands.items():
            if name != "ours" and name not in scenario.peers:
                continue
            side = Side(command)
            answer = side.ask(
                action="load", path=str(scenario.model), threads=threads, inputs=inputs, loads=loads,
                outputs=str(folder / name), precision=scenario.precision)
            if "error" in answer:
                self.errors[name] = answer["error"]
                side.close()
            else:
                self.sides[name], self.loaded[name] = side, answer
        self.check(folder)
        self.times = {name: math.inf for name in self.sides}

    def check(self, folder):
        """Our first output agrees with each peer's output of that name."""
        if "ours" not in self.sides:
            return
        self.difference = 0.0
        for name in self.sides:
            for place, output in enumerate(self.loaded[name]["names"]):
                if name == "ours" or output not in self.loaded["ours"]["names"]:
                    continue
                own = self.loaded["ours"]["names"].index(output)
                found = difference(f"{folder}/ours.{own}", f"{folder}/{name}.{place}")
                if found is not None and "label" not in output:
                    self.difference = max(self.difference, found)
        if self.difference > self.scenario.tolerance:
            self.errors["ours"] = f"outputs differ by {self.difference:.2g}"

    def round(self, milliseconds, cpu):
        for name, side in self.sides.items():
            if self.threads > 1:
                time.sleep(REST)
            answer = side.ask(action="run", milliseconds=milliseconds, cpu=cpu)
            if "error" in answer:
                self.errors[name] = answer["error"]
            self.times[name] = min(self.times[name], answer.get("seconds", math.inf))

    def close(self):
        for side in self.sides.values():
            side.close()

    def row(self):
        one = self.scenario
        times = {name: seconds * 1000 for name, seconds in self.times.items() if seconds < math.inf}
        ours = times.pop("ours", None)
        ratio = min(times.values()) / ours if ours and times else None
        return {
            "name": f"{one.name}, batch {one.batch}, {self.threads} thread{'s' * (self.threads > 1)}",
            "model": one.name, "batch": one.batch, "threads": self.threads, "precision": one.precision,
            "unit": "ms", "ours": ours, "peers": times, "ratio": ratio, "target": one.target,
            "ok": ratio is not None and ratio >= one.target and "ours" not in self.errors,
            "errors": self.errors, "difference": getattr(self, "difference", None),
            "load": {name: answer["load"] * 1000 for name, answer in self.loaded.items()},
            "peak": {name: answer["peak"] / 1e6 for name, answer in self.loaded.items()},
        }


def figure(value, digits=3):
    if value is None:
        return "–"
    return f"{value:.{max(0, digits - 1 - int(math.floor(math.log10(value))))}f}" if value > 0 else "0"


def speed_table(rows):
    names = sorted({name for row in rows for name in row["peers"]})
    yield "| model | precision | batch | threads | ours ms | " + " | ".join(names) + " | ratio | target | |"
    yield "|---|---|---:|---:|---:|" + "---:|" * len(names) + "---:|---:|---|"
    for row in rows:
        peers = " | ".join(figure(row["peers"].get(name)) for name in names)
        state = row["errors"].get("ours") or ("ok" if row["ok"] else "below")
        yield (
            f'| {row["model"]} | {row["precision"]} | {row["batch"]} | {row["threads"]} | {figure(row["ours"])} '
            f'| {peers} | {figure(row["ratio"])} | {row["target"]} | {state} |')


def load_table(rows):
    yield "| model | load ms: ours | onnxruntime | openvino | ours to onnxruntime | peak MB: ours | onnxruntime | openvino |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        if row["batch"] != 1 or row["threads"] != 1:
            continue
        load, peak = row["load"], row["peak"]
        share = load["ours"] / load["onnxruntime"] if {"ours", "onnxruntime"} <= load.keys() else None
        yield (
            f'| {row["model"]} | {figure(load.get("ours"))} | {figure(load.get("onnxruntime"))} '
            f'| {figure(load.get("openvino"))} | {figure(share, 2)} | {figure(peak.get("ours"))} '
            f'| {figure(peak.get("onnxruntime"))} | {figure(peak.get("openvino"))} |')


def means(rows):
    for precision in ("f32", "int8", "bf16"):
        ratios = [row["ratio"] for row in rows if row["precision"] == precision and row["ratio"]]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            yield f"{precision}: geometric mean {mean:.2f}, lowest {min(ratios):.2f}, of {len(ratios)} rows"


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/models/run", description=__doc__)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", metavar="FILE", help="write the rows to this file too")
    parser.add_argument("--table", metavar="FILE", help="write the tables to this file too")
    parser.add_argument("--only", metavar="PATTERN", default="", help="only scenarios whose name this matches")
    parser.add_argument(
        "--cpu-time", action="store_true", help="measure the processes' CPU time: for one thread, on a busy machine")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, 1,2 unless given")
    parser.add_argument(
        "--models", metavar="DIR", default=os.environ.get("SWERVE_MODELS", ""), help="real models, DIR/NAME/model.onnx")
    parser.add_argument("--made", metavar="DIR", help="keep the models that are made in this folder")
    arguments = parser.parse_args()
    rounds, milliseconds = (4, 60) if arguments.quick else (10, 200)

    sides = str(pathlib.Path(__file__).parent / "sides.py")
    commands = {
        "ours": [arguments.program],
        "onnxruntime": [sys.executable, sides, "onnxruntime"],
        "openvino": [sys.executable, sides, "openvino"],
    }
    pattern = re.compile(arguments.only)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        made = models.make(pathlib.Path(arguments.made or folder) / "models", pathlib.Path(arguments.models))
        for scenario in scenarios.scenarios(pathlib.Path(arguments.models), made):
            if not pattern.search(f"{scenario.name}, batch {scenario.batch}"):
                continue
            for threads in map(int, arguments.threads.split(",")):
                if threads > (os.cpu_count() or 1):
                    continue
                one = Measurement(scenario, threads, commands, pathlib.Path(folder), 2 if arguments.quick else 5)
                for _ in range(rounds):
                    one.round(milliseconds, arguments.cpu_time)
                one.close()
                rows.append(one.row())
                row = rows[-1]
                print(
                    f'{row["name"]}: {figure(row["ours"])} ms, '
                    + ", ".join(f"{name} {figure(value)}" for name, value in row["peers"].items())
                    + f', ratio {figure(row["ratio"])} {row["errors"] or ""}', flush=True)
    text = "\n".join([*speed_table(rows), "", *means(rows), "", *load_table(rows)])
    print("\n" + text)
    if arguments.table:
        pathlib.Path(arguments.table).write_text(text + "\n")
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"rows": rows}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
