"""The scenarios: closed loops of 1, 8 and 64 clients, and random arrivals at parts and multiples of capacity."""

import os
import subprocess
from contextlib import ExitStack

from disturbance import watched
from load import Load
from mlp import MlpRequest
from paced import DEADLINE, path_of
from turns import Row, take_turns

RATE, LATENCY, GOODPUT, REFUSAL = "requests/s", "µs, p50", "in time/s", "µs to a refusal, p50"
SECTIONS = ("closed", "open", "mlp")
LOADS = [0.5, 0.9, 1.2, 2.0]
CONNECTIONS = 1024


class Scenarios:
    """`sections` are those of SECTIONS that are wanted."""

    def __init__(self, paced, mlp, is_quick, sections):
        self.paced, self.mlp, self.sections = paced, mlp, sections
        self.rounds, self.seconds = (1, 5) if is_quick else (3, 10)
        # Goodput by server and load, as parts of capacity.
        self.curves = {}

    def rows(self):
        if "closed" in self.sections:
            yield from self.one_client()
            for clients in (1, 8, 64):
                yield from self.closed(clients)
        if "open" in self.sections:
            for load in LOADS:
                yield from self.open(load)
        if "mlp" in self.sections:
            yield from self.network()

    def send(self, server, connections, seconds, rate=0):
        """What `arrivals` tells of a run against the server."""
        command = [
            self.paced.arrivals, str(server.port), self.paced.request_file(path_of(server.name)), str(connections),
            str(seconds), str(DEADLINE), str(rate), "5"]
        with watched(server):
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
        if done.returncode:
            raise RuntimeError(f"{server.name}: {done.stderr}")
        counted, _, answered, in_time, refused, failed, median, _, refusal = map(float, done.stdout.split())
        if answered == 0:
            raise RuntimeError(f"{server.name}: no answer, {refused:.0f} refusals, {failed:.0f} failures")
        return {
            RATE: answered / counted, GOODPUT: in_time / counted, LATENCY: median,
            REFUSAL: refusal if refused else None}

    def measure(self, starts, connections):
        """Rounds in turns of the servers, and of the model alone beside them."""
        with ExitStack() as stack:
            subjects = {}
            for name, start in starts.items():
                try:
                    server = stack.enter_context(start())
                except RuntimeError as error:
                    if name.startswith("Swerve"):
                        raise
                    print(f"batching: NOT COMPARED WITH {name}: {error}", flush=True)
                    continue
                subjects[name] = lambda seconds, server=server: self.send(server, connections, seconds)
            subjects["the model alone"] = lambda seconds: {RATE: self.paced.capacity(min(seconds, 3))}
            return take_turns(subjects, self.rounds, self.seconds)

    def starts(self):
        return {"Swerve": self.paced.swerve, **self.paced.peers}

    def one_client(self):
        """Batching on beside off: what it costs where it cannot help."""
        off = "Swerve, batching off"
        starts = {"Swerve": self.paced.swerve, off: lambda: self.paced.swerve("single", off)}
        yield Row("1 client, batching on beside off", LATENCY, self.measure(starts, 1), [off], 0.98)

    def closed(self, clients):
        results = self.measure(self.starts(), clients)
        peers = [name for name in results if name not in ("Swerve", "the model alone")]
        noun = "client" if clients == 1 else "clients"
        yield Row(f"{clients} {noun}", RATE, results, peers)
        if clients == 64:
            name = f"{clients} clients beside the model alone at its best batch"
            yield Row(name, RATE, results, ["the model alone"], 0.95)

    def network(self):
        """The MLP, 64 connections, JSON."""
        with ExitStack() as stack:
            subjects, expected = {}, None
            for name, start in {"Swerve": self.mlp.swerve, **self.mlp.peers}.items():
                try:
                    server = stack.enter_context(start())
                    got = MlpRequest(server.path).answer_from(server.port)
                    expected = expected or got
                    if max(abs(a - b) for a, b in zip(got, expected, strict=True)) > 1e-3:
                        raise RuntimeError(f"answers {got}, expected {expected}")
                except (RuntimeError, OSError) as error:
                    if name == "Swerve":
                        raise
                    print(f"batching: NOT COMPARED WITH {name}: {error}", flush=True)
                    continue
                folder = os.path.join(self.paced.scratch, f"mlp-load-{name}")
                os.makedirs(folder)
                load = Load(MlpRequest(server.path), folder, self.paced.installation.latency)
                subjects[name] = lambda seconds, server=server, load=load: load.many(server, 64, seconds)
            results = take_turns(subjects, self.rounds, self.seconds)
        peers = [name for name in results if name != "Swerve"]
        for unit in (RATE, "ms, p99"):
            yield Row("MLP 784-512-512-10, 64 clients, JSON", unit, results, peers, 1)

    def open(self, load):
        """Arrivals at `load` times what the model alone does just before."""
        goodput, refusals = {}, []
        for name, start in self.starts().items():
            try:
                with start() as server:
                    self.send(server, 64, 2)
                    values, rounds = [], []
                    for _ in range(self.rounds):
                        capacity = self.paced.capacity(2)
                        sent = self.send(server, CONNECTIONS, self.seconds, load * capacity)
                        capacity = (capacity + self.paced.capacity(2)) / 2
                        values.append(sent[GOODPUT] / (capacity * min(load, 1)))
                        rounds.append(sent)
            except (RuntimeError, subprocess.SubprocessError) as error:
                if name == "Swerve":
                    raise
                print(f"batching: NOT COMPARED WITH {name} at {load} times capacity: {error}", flush=True)
                continue
            goodput[name] = {GOODPUT_SHARE: values}
            if name == "Swerve":
                refusals = [sent[REFUSAL] for sent in rounds if sent[REFUSAL]]
            self.curves.setdefault(name, []).append((load, sorted(values)[len(values) // 2] * min(load, 1)))
        peers = [name for name in goodput if name != "Swerve"]
        name = f"arrivals at {load} × capacity"
        yield Row(name, GOODPUT_SHARE, goodput, peers)
        if load == 2:
            goodput["capacity"] = {GOODPUT_SHARE: [1.0] * self.rounds}
            yield Row(f"{name}, beside all of capacity", GOODPUT_SHARE, goodput, ["capacity"], 0.95)
            limit = {"Swerve": {REFUSAL: refusals}, "1 ms": {REFUSAL: [1000.0] * len(refusals)}}
            if refusals:
                yield Row(f"{name}, until a refusal", REFUSAL, limit, ["1 ms"], 1)


GOODPUT_SHARE = "in time, of what can be"
