"""The two load generators: wrk for many connections, a client of ours in C for one."""

import fcntl
import os
import re
import subprocess
from contextlib import contextmanager

from disturbance import watched

HERE = os.path.dirname(os.path.abspath(__file__))


@contextmanager
def machine_alone():
    """Holds the file that SWERVE_BENCH_LOCK names, so that measurements of several runs do not overlap."""
    path = os.environ.get("SWERVE_BENCH_LOCK")
    if not path:
        yield
        return
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Load:
    """One request against servers; `folder` takes its files."""

    def __init__(self, request, folder, latency_client):
        self.request, self.latency_client = request, latency_client
        name = f"{request.model}-{request.form}{'-gzip' if request.packed else ''}"
        self.body_path, self.whole_path = (os.path.join(folder, f"{name}.{end}") for end in ("body", "request"))
        for path, content in ((self.body_path, request.body), (self.whole_path, request.whole)):
            with open(path, "wb") as file:
                file.write(content)

    def many(self, server, connections, seconds):
        """wrk: {requests/s; CPU µs/request; ms, p99; requests}."""
        command = [
            "wrk", f"-t{min(2, connections)}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
            "-s", os.path.join(HERE, "post.lua"), f"http://127.0.0.1:{server.port}{self.request.path}", "--",
            self.body_path, *(f"{name}={value}" for name, value in self.request.headers.items())]
        with watched(server):
            before = server.cpu_seconds()
            output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 120).stdout
            cpu = server.cpu_seconds() - before
        numbers = re.search(r"^RESULT (\d+) (\d+) (\d+) (\d+)$", output, re.M).groups()
        count, microseconds, errors, slow = map(int, numbers)
        allowed = 0 if server.name.startswith("Swerve") else count // 1000
        if errors > allowed or not count:
            raise RuntimeError(f"{server.name}, {connections} connections: {errors} errors, {count} answers\n{output}")
        return {
            "requests/s": count / microseconds * 1e6, "CPU µs/request": cpu / count * 1e6, "ms, p99": slow / 1000,
            "requests": count}

    def one(self, server, seconds, least_count):
        """One connection: {µs, p50; CPU µs/request}."""
        command = [self.latency_client, str(server.port), self.whole_path, str(seconds), str(least_count)]
        with watched(server):
            before = server.cpu_seconds()
            answer = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 300)
            cpu = server.cpu_seconds() - before
        if answer.returncode:
            raise RuntimeError(f"{server.name}: {answer.stderr}")
        count, _, median, _ = map(float, answer.stdout.split())
        return {"µs, p50": median, "CPU µs/request": cpu / count * 1e6}
