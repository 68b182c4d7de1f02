"""Runs `swerve serve` for as long as a check needs it, and looks at its process from outside."""

import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Server:
    """A server on a free port of the loopback addresses."""

    def __init__(self, *flags, host="127.0.0.1", models=ROOT / "models", log=None):
        program = os.environ.get("SWERVE_PROGRAM", str(ROOT / ".build/release/swerve"))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SWERVE_")}
        self.process = subprocess.Popen(
            [program, "serve", "--models", str(models), "--host", host, "--port", "0", *flags],
            stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            env=environment, text=True)
        self.pid = self.process.pid
        # A thread reads, so that the server never waits for a full pipe.
        self.lines = queue.Queue()
        threading.Thread(target=self._read_lines, daemon=True).start()
        self.port = int(re.search(r":(\d+)\b(?!.*:\d)", self._next_line()).group(1))
        self._next_line()

    def _read_lines(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def _next_line(self):
        line = self.lines.get(timeout=60)
        if not line:
            raise RuntimeError(f"the server ended with {self.process.wait()} before it was ready")
        return line

    def is_alive(self):
        return self.process.poll() is None

    def get_status(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status
        except OSError as error:
            return getattr(error, "code", None)

    def stop(self, seconds=20):
        """Asks it to end; its exit code, or None if it had to be killed."""
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.is_alive():
            self.process.kill()
            self.process.wait()

    # What /proc says.

    def resident_bytes(self):
        return self._status("VmRSS") * 1024

    def threads(self):
        return self._status("Threads")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _status(self, name):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise RuntimeError(f"/proc/{self.pid}/status has no {name}")


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return condition()
