"""Runs exported cases through the runner and tells the results by operator."""

import argparse
import collections
import json
import os
import select
import subprocess
import time

from export import KINDS, export


class Runner:
    """The runner's process: takes folders on its input and answers each with one line.

    A case that ends the process, or takes too long, is known by being the one without an answer.
    """

    def __init__(self, command, seconds):
        self.command, self.seconds, self.process = command, seconds, None

    def run(self, folder):
        if self.process is None:
            self.process = subprocess.Popen(
                [self.command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.pending = b""
        self.process.stdin.write(folder.encode() + b"\n")
        self.process.stdin.flush()
        deadline = time.monotonic() + self.seconds
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return self.lost("failed", f"no answer within {self.seconds} s")
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            if not part:
                return self.lost("failed", "the process ended")
            self.pending += part
        line, self.pending = self.pending.split(b"\n", 1)
        verdict, _, reason = line.decode(errors="replace").partition(" ")
        return verdict, reason

    def lost(self, verdict, reason):
        self.process.kill()
        code = self.process.wait()
        self.process = None
        return verdict, f"{reason} (status {code})"


def operator_of(case):
    """The operator that a case is about: the one its model has, or the one its name tells."""
    own = [name for name in case["operators"] if name not in ("Constant", "Identity")]
    return own[0] if len(own) == 1 else "(models of several operators)"


def tables(index, results):
    verdicts = ("passed", "failed", "unsupported")
    count = collections.Counter(verdict for verdict, _ in results.values())
    total = sum(count.values())
    kinds = [
        f"| {kind} | " + " | ".join(
            str(sum(v == verdict and n.startswith(kind + "__") for n, (v, _) in results.items()))
            for verdict in verdicts) + " |" for kind in KINDS]
    by_operator = collections.defaultdict(collections.Counter)
    for case in index["cases"]:
        if case["name"] in results:
            by_operator[operator_of(case)][results[case["name"]][0]] += 1
    rows = [
        f"| {name} | " + " | ".join(str(by_operator[name][v]) for v in verdicts) + " |"
        for name in sorted(by_operator)]
    head = "| {} | passed | failed | unsupported |\n|---|---|---|---|"
    share = 100 * count["passed"] / max(total, 1)
    left_out = ", ".join(f"{n} with {kind}" for kind, n in sorted(index["uncarried"].items()))
    return "\n".join([
        "# ONNX conformance", "",
        f"The backend test data of onnx {index['release']}. Written by `scripts/onnx-conformance --write`; "
        "do not edit.", "",
        f"**{count['passed']} of {total} cases pass ({share:.1f} %)**, {count['failed']} fail, "
        f"{count['unsupported']} are refused by name. Not counted are cases whose inputs or outputs the "
        f"Open Inference Protocol cannot carry: {left_out or 'none'}.", "",
        head.format("kind"), *kinds, "", head.format("operator"), *rows, ""])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True)
    parser.add_argument("--cases", required=True)
    parser.add_argument("--release")
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    folder = os.path.join(arguments.cases, arguments.release or "newest")
    if os.path.exists(os.path.join(folder, "index.json")):
        with open(os.path.join(folder, "index.json")) as file:
            index = json.load(file)
    else:
        index = export(folder, arguments.release)
    runner = Runner(arguments.runner, arguments.seconds)
    results = {}
    for case in index["cases"]:
        if arguments.only in case["name"]:
            results[case["name"]] = runner.run(os.path.join(folder, case["name"]))
    text = tables(index, results)
    print(text)
    for name, (verdict, reason) in results.items():
        if verdict == "failed" or arguments.verbose and verdict != "passed":
            print(f"{verdict} {name}: {reason}")
    if arguments.write and not arguments.only and not arguments.release:
        with open("docs/onnx-conformance.md", "w") as file:
            file.write(text)
    return any(verdict == "failed" for verdict, _ in results.values())


if __name__ == "__main__":
    raise SystemExit(main())
