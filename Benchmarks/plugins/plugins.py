"""Measures what plugins cost, and prints a Markdown table. See the script `run`."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

import infer_request
from benchmark import allow_many_connections, machine
from disturbance import cores_of_others
from installation import build_swerve, quietly, say
from load import Load
from processes import Server, family, free_port, put_before_others
from table import markdown
from turns import Row, take_turns

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PACKAGE = os.path.dirname(HERE)
IMAGE = 150_528  # floats: 602 KB
NANOSECONDS, MICROSECONDS, RATE = "ns above a direct call", "µs", "requests/s"


class Programs:
    """What is measured, compiled into `scratch`."""

    def __init__(self, scratch):
        self.scratch = scratch
        for name in ("gcc", "wrk"):
            if not shutil.which(name):
                sys.exit(f"plugins: {name} is missing; on Debian: apt-get install {name}")
        native = os.path.join(HERE, "native")
        header = os.path.join(ROOT, "Sources", "CSwervePlugin", "include")
        reader = os.path.join(native, "reader.c")
        self.reader, self.prototype = os.path.join(scratch, "reader.so"), os.path.join(scratch, "prototype")
        quietly(["gcc", "-O3", "-Wall", "-I", header, "-shared", "-fPIC", reader, "-o", self.reader])
        quietly(["gcc", "-O3", "-Wall", "-I", header, reader, os.path.join(native, "prototype.c"), "-o", self.prototype])

    def build_caller(self):
        swift = os.environ.get("SWIFT", "swift")
        build = [swift, "build", "--package-path", PACKAGE, "-c", "release"]
        say("building the program that calls plugins")
        quietly([*build, "--product", "plugins"])
        shown = subprocess.run([*build, "--show-bin-path"], capture_output=True, text=True, check=True)
        self.caller = os.path.join(shown.stdout.strip(), "plugins")

    def call(self, mode, elements, rounds):
        """Nanoseconds of a call of the reader through PluginHost."""
        done = subprocess.run([self.caller, mode, self.reader, str(elements), str(rounds)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{mode}, {elements} floats: {done.stdout}{done.stderr}")
        return int(done.stdout)

    def prototypes(self, elements, rounds, *mode):
        """Nanoseconds of the prototype's round trip, and of a direct call."""
        command = [self.prototype, str(elements), str(rounds), *mode]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return tuple(map(int, done.stdout.split()))


def calls(programs, quick):
    """A call through the ABI; round trips to a worker."""
    programs.build_caller()
    turns, rounds = (5, 5_000) if quick else (15, 20_000)

    def ours(mode, elements):
        return lambda _: {"ns": programs.call(mode, elements, rounds)}

    def prototype(elements, which):
        return lambda _: {"ns": programs.prototypes(elements, rounds)[which]}

    results = take_turns({"Swerve": ours("in-process", 16), "direct": prototype(16, 1)}, turns, 1)
    differences = [max(a - b, 1) for a, b in zip(results["Swerve"]["ns"], results["direct"]["ns"])]
    yield Row("16 floats through the ABI, in-process", NANOSECONDS,
              {"Swerve": {NANOSECONDS: differences}, "a microsecond": {NANOSECONDS: [1000] * len(differences)}},
              ["a microsecond"], 1.0)
    for elements, name, target in ((16, "16 floats", None), (IMAGE, "602 KB, which the model reads", 1 / 1.3)):
        results = take_turns({
            "Swerve": ours("process", elements), "prototype": prototype(elements, 0),
            "Swerve in-process": ours("in-process", elements)}, turns, 1)
        scaled = {side: {MICROSECONDS: [value / 1000 for value in units["ns"]]} for side, units in results.items()}
        yield Row(f"{name}: to a worker and back", MICROSECONDS, scaled, ["prototype"], target)
        yield Row(f"{name}: to a worker and back", MICROSECONDS, scaled, ["Swerve in-process"])


    def renewed(which):
        return lambda _: {"ns": programs.prototypes(IMAGE, rounds, "new")[which]}

    results = take_turns({"Swerve": renewed(0), "one process": renewed(1)}, turns, 1)
    scaled = {side: {MICROSECONDS: [value / 1000 for value in units["ns"]]} for side, units in results.items()}
    yield Row("602 KB, written and then read, by the prototype", MICROSECONDS, scaled, ["one process"])


class ReaderRequest(infer_request.InferRequest):
    """A request to the reader, whose answer is the sum."""

    def check(self, answer, json_bytes, url):
        if self.form == "binary":
            got = infer_request.struct.unpack("<f", answer[int(json_bytes):])[0]
        else:
            got = json.loads(answer)["outputs"][0]["data"][0]
        expected = sum(self.values)
        if abs(got - expected) > 1e-3 * max(1, sum(map(abs, self.values)) / 100):
            raise ValueError(f"{url}: the answer is wrong: {answer[:200]!r}")


def throughput(programs, quick):
    """The same plugin and load, in the server's process and in a worker."""
    turns, seconds = (4, 2) if quick else (10, 4)
    swerve = os.environ.get("SWERVE_BIN") or build_swerve()
    infer_request.SHAPES.update({"small": [1, 16], "image": [1, IMAGE]})
    models = os.path.join(programs.scratch, "models")
    for name in ("small", "image"):
        os.makedirs(os.path.join(models, name, "1"))
        shutil.copy(programs.reader, os.path.join(models, name, "1", "plugin.so"))

    def start(name, isolation):
        port = free_port()
        command = [swerve, "serve", "--models", models, "--port", str(port), "--isolation", isolation]
        return Server(name, port, command, programs.scratch, "/v2/health/ready")

    with ExitStack() as stack:
        isolated = stack.enter_context(start("Swerve", "process"))
        here = stack.enter_context(start("in-process", "in-process"))
        for model, form, name in (("image", "binary", "602 KB, binary"), ("image", "json", "602 KB, as JSON"),
                                  ("small", "json", "16 floats, JSON")):
            request = ReaderRequest(model, form)
            for server in (isolated, here):
                request.answer_from(server.port)
            load = Load(request, programs.scratch, None)
            results = take_turns({
                "Swerve": lambda seconds: load.many(isolated, 64, seconds),
                "in-process": lambda seconds: load.many(here, 64, seconds)}, turns, seconds)
            yield Row(f"{name}, 64 clients, in a worker", RATE, results, ["in-process"], 0.8)
            yield Row(f"{name}, 64 clients, in a worker", "CPU µs/request", results, ["in-process"])


def recovery(programs, quick):
    """How long a fault is felt: until the request that met it has its answer, and until the next has a good one."""
    rounds = 3 if quick else 9
    swerve = os.environ.get("SWERVE_BIN") or build_swerve()
    folder = os.path.join(programs.scratch, "faulty", "small")
    os.makedirs(os.path.join(folder, "1"))
    shutil.copy(programs.reader, os.path.join(folder, "1", "plugin.so"))
    isolation = {"mode": "process", "timeout_seconds": 1, "memory_bytes": 500_000_000, "crashes": 1000}
    with open(os.path.join(folder, "model.json"), "w", encoding="utf-8") as file:
        json.dump({"isolation": isolation}, file)
    port = free_port()
    command = [swerve, "serve", "--models", os.path.dirname(folder), "--port", str(port)]
    with Server("Swerve", port, command, programs.scratch, "/v2/health/ready") as server:
        for name, fault in FAULTS.items():
            times = {"Swerve": {"ms to its answer": [], "ms to the next good one": []}}
            for _ in range(rounds):
                wait_for_answer(server)
                begin = time.monotonic()
                status = fault(server)
                met = time.monotonic()
                wait_for_answer(server)
                if status not in (200, 503):
                    raise RuntimeError(f"{name}: answered with {status}")
                times["Swerve"]["ms to its answer"].append((met - begin) * 1000)
                times["Swerve"]["ms to the next good one"].append((time.monotonic() - begin) * 1000)
            for unit in times["Swerve"]:
                yield Row(f"{name}, timeout 1 s", unit, times, [])


def ask(server, first):
    body = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 16], "data": [first] + [1] * 15}]})
    url = f"http://127.0.0.1:{server.port}/v2/models/small/infer"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body.encode()), timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        error.read()
        return error.code


def wait_for_answer(server):
    end = time.monotonic() + 30
    while ask(server, 1) != 200:
        if time.monotonic() > end:
            raise RuntimeError("the worker did not come back")


def signalled(number):
    def fault(server):
        worker, = [pid for pid in family(server.process.pid) if pid != server.process.pid]
        os.kill(worker, number)
        return ask(server, 1)

    return fault


FAULTS = {
    "kill -9": signalled(signal.SIGKILL), "kill -STOP": signalled(signal.SIGSTOP),
    "crash": lambda server: ask(server, -1003), "infinite loop": lambda server: ask(server, -1001),
    "allocation without end, limit 500 MB": lambda server: ask(server, -1002)}
SECTIONS = {"calls": calls, "throughput": throughput, "recovery": recovery}


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/plugins/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under 5 minutes, builds aside")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to FILE")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="measure this section; may be repeated")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped too
    allow_many_connections()

    rows = []
    with tempfile.TemporaryDirectory(prefix="swerve-benchmark-") as scratch:
        programs = Programs(scratch)
        put_before_others()
        begin = time.monotonic()
        for section in options.only or SECTIONS:
            for row in SECTIONS[section](programs, options.quick):
                rows.append(row)
                say(f"{time.monotonic() - begin:.0f} s: {row.name}: {row.unit}: {row.ours:.4g} against {row.peers}")
        minutes = (time.monotonic() - begin) / 60

    print(f"{machine()}. Measured in {minutes:.1f} minutes{', --quick' if options.quick else ''};"
          f" meanwhile other processes used {cores_of_others():.1f} cores.\n")
    print(markdown(rows))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": [row.as_json() for row in rows]}, file, indent=1)


if __name__ == "__main__":
    main()
