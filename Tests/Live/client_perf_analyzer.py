"""NVIDIA's perf_analyzer, where SWERVE_PERF_ANALYZER names it: JSON, binary, shared memory."""

import os
import subprocess

from steps import Skipped, expect


def add(steps, server):
    for name, flags in (
            ("binary", []), ("JSON", ["--input-tensor-format", "json", "--output-tensor-format", "json"]),
            ("binary, asynchronous", ["--async"]), ("system shared memory", ["--shared-memory", "system"])):
        steps.run(f"perf_analyzer: {name}", run, server, flags)


def run(server, flags):
    program = os.environ.get("SWERVE_PERF_ANALYZER")
    if not program:
        raise Skipped("SWERVE_PERF_ANALYZER names no program")
    done = subprocess.run(
        [program, "-m", "identity", "-u", f"127.0.0.1:{server.port}", "--service-kind", "triton", "-i", "http",
         "--shape", "INPUT0:16", "--concurrency-range", "2", "--measurement-mode", "count_windows",
         "--measurement-request-count", "50", "-s", "1000", *flags], capture_output=True, text=True, timeout=120)
    expect(done.returncode == 0 and "Throughput" in done.stdout, (done.stdout + done.stderr)[-800:])
