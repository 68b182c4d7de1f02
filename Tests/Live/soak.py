"""Good and hostile clients at once against a real server, and a verdict on it. See scripts/soak."""

import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from server import Server, wait_until

HERE = pathlib.Path(__file__).resolve().parent
IDLE_CONNECTIONS = 2_000
MEBIBYTE = 1 << 20
#: Times so short that a run sees each of them pass many times, and so long that no good client is late when the
#: machine is busy with something else.
FLAGS = [
    "--header-seconds", "15", "--body-seconds", "15", "--min-body-rate", "65536", "--idle-seconds", "30",
    "--stall-seconds", "10", "--min-reply-rate", "65536",
    "--max-body-bytes", "8388608", "--poll-seconds", "1", "--log-level", "error",
]


class Samples:
    """Resident bytes, descriptors and threads of the server, about once a second."""

    def __init__(self, server):
        self.server, self.rows = server, []
        self.start = time.monotonic()

    def take(self):
        server = self.server
        self.rows.append(
            (time.monotonic() - self.start, server.resident_bytes(), server.descriptors(), server.threads()))
        if len(self.rows) % 60 == 1:
            seconds, resident, descriptors, threads = self.rows[-1]
            print(f"{seconds:6.0f} s  {resident / MEBIBYTE:.1f} MiB, {descriptors} descriptors, {threads} threads",
                  flush=True)

    def memory_thirds(self):
        """The medians of resident bytes in the second and the last third of the run.

        The first third is the warm-up: the pools that loops keep memory in fill up with the rare coincidences of
        many large bodies, up to their limit, and the allocator keeps about as much in pieces.
        """
        resident = [row[1] for row in self.rows]
        third = max(1, len(resident) // 3)
        return statistics.median(resident[third:2 * third] or resident), statistics.median(resident[-third:])


class Verdict:
    def __init__(self):
        self.passed = True

    def say(self, holds, text):
        self.passed &= bool(holds)
        print(f"{'pass' if holds else 'FAIL'}  {text}", flush=True)


def run_clients(port, seconds, samples):
    """Runs both kinds of clients while sampling; what each printed, None for one that failed itself."""
    def start(name, *arguments):
        command = [sys.executable, str(HERE / name), str(port), str(seconds), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    clients = [start("good.py"), start("good.py"), start("hostile.py", str(IDLE_CONNECTIONS))]
    try:
        end = time.monotonic() + seconds + 150
        while any(client.poll() is None for client in clients):
            if not samples.server.is_alive() or time.monotonic() > end:
                break
            samples.take()
            time.sleep(1)
    finally:
        for client in clients:
            if client.poll() is None:
                client.kill()
    texts = [client.communicate()[0] for client in clients]
    return [json.loads(text) if text.strip() else None for text in texts]


def judge_good(verdict, reports):
    for report in reports:
        if report is None:
            verdict.say(False, "a process of good clients did not end by itself")
            continue
        total = sum(report["answers"].values())
        verdict.say(
            report["faults"] == 0 and total > 0,
            f"{total} requests of good clients answered rightly, {report['faults']} lost or wrong: {report['answers']}")
        for example in report["examples"]:
            print(f"        {example}")


def judge_hostile(verdict, report):
    if report is None:
        return verdict.say(False, "the process of hostile clients did not end by itself")
    total = sum(sum(counts.values()) for counts in report["statuses"].values())
    verdict.say(report["faults"] == 0, f"{total} hostile conversations, {report['faults']} not ended as they should")
    if report["lag"] > 1:
        print(f"        the machine was busy: these clients stood still for {report['lag']:.0f} s in all")
    for name, counts in report["statuses"].items():
        print(f"        {name}: {counts}")
    for example in report["examples"]:
        print(f"        {example}")


def judge_memory(verdict, samples):
    first, last = samples.memory_thirds()
    peak = max(row[1] for row in samples.rows)
    limit = first * 1.1 + 8 * MEBIBYTE
    verdict.say(
        last <= limit,
        f"memory is flat: median {first / MEBIBYTE:.1f} MiB in the second third of the run, "
        f"{last / MEBIBYTE:.1f} MiB in the last (at most {limit / MEBIBYTE:.1f}: 10 % and 8 MiB more); "
        f"peak {peak / MEBIBYTE:.1f} MiB")


def judge_end(verdict, server, before):
    wait_until(lambda: (server.descriptors(), server.threads()) <= before, 40)
    descriptors, threads = server.descriptors(), server.threads()
    verdict.say(descriptors <= before[0], f"descriptors: {before[0]} before, {descriptors} after all clients left")
    verdict.say(threads <= before[1], f"threads: {before[1]} before, {threads} after")
    verdict.say(server.get_status("/readyz") == 200, "/readyz answers 200 at the end")
    print(f"        {server.resident_bytes() / MEBIBYTE:.1f} MiB resident when all clients have left")
    code = server.stop()
    verdict.say(code == 0, f"SIGTERM ends it with exit code {code}")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    verdict = Verdict()
    with tempfile.TemporaryFile("w+") as log, Server(*FLAGS, log=log) as server:
        print(f"soak: {seconds:.0f} s of good and hostile clients on port {server.port}", flush=True)
        if not wait_until(lambda: server.get_status("/readyz") == 200, 60):
            log.seek(0)
            sys.exit("soak: the models are not ready:\n" + log.read())
        wait_until(lambda: False, 1)
        before = (server.descriptors(), server.threads())
        samples = Samples(server)
        *good, hostile = run_clients(server.port, seconds, samples)
        verdict.say(server.is_alive(), "the server is alive")
        judge_good(verdict, good)
        judge_hostile(verdict, hostile)
        judge_memory(verdict, samples)
        print(f"        at most {max(row[2] for row in samples.rows)} descriptors and "
              f"{max(row[3] for row in samples.rows)} threads, {len(samples.rows)} samples")
        if server.is_alive():
            judge_end(verdict, server, before)
        log.seek(0)
        lines = log.read().splitlines()
        for line in lines[-20:]:
            print(f"  log   {line}")
    print("soak: passed" if verdict.passed else "soak: FAILED")
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
