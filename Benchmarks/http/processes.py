"""Starting servers, stopping them, and the CPU time they took."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def put_before_others(pid="self"):
    """Where the system shares its time by session, other sessions get less of it meanwhile, if we may say so."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="utf-8") as file:
            file.write("-15")
    except OSError:
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fields_of(pid):
    """/proc/PID/stat from the third field on; None for a process that has gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def family(pid):
    """The process and all below it, as {pid: fields}."""
    every = {int(name): fields_of(name) for name in os.listdir("/proc") if name.isdigit()}
    found, waiting = {}, [pid]
    while waiting:
        parent = waiting.pop()
        if every.get(parent):
            found[parent] = every[parent]
        waiting += [child for child, fields in every.items() if fields and int(fields[1]) == parent]
    return found


class Server:
    """A server that runs and is ready. Used with `with`, which stops it."""

    def __init__(self, name, port, command, folder, ready):
        self.name, self.port = name, port
        self.log = os.path.join(folder, f"{name.replace(' ', '-')}.log")
        begin = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
        put_before_others(self.process.pid)
        try:
            self.wait_until_ready(ready)
            self.seconds_to_ready = time.monotonic() - begin
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self, path):
        end = time.monotonic() + 60
        while not self.answers(path):
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"{self.name} does not answer {path}; its log ends:\n{log.read()[-2000:]}")
            time.sleep(0.002)

    def answers(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def cpu_seconds(self):
        """User and system time of the process and its children until now."""
        return sum(int(fields[11]) + int(fields[12]) for fields in family(self.process.pid).values()) / TICKS

    def resident_bytes(self):
        """The memory that the process and its children have in RAM now."""
        pages = 0
        for pid in family(self.process.pid):
            with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
                pages += int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        members = list(family(self.process.pid))
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        for pid in members:
            if fields_of(pid) and int(fields_of(pid)[3]) == self.process.pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
