"""What is measured, against whom, and the targets."""

from contextlib import ExitStack

from infer_request import InferRequest
from load import Load
from turns import Row, take_turns

RATE, CPU, LATENCY, LONG, LONG_CPU = "requests/s", "CPU µs/request", "µs, p50", "ms, p50", "CPU ms/request"
FORMS = {"json": "JSON", "python": "JSON, numbers as Python prints them", "binary": "binary"}
BIG_CONNECTIONS = 8


class Sections:
    def __init__(self, servers, quick):
        self.servers, self.quick = servers, quick
        self.rounds, self.seconds, self.big_seconds = (3, 2, 1) if quick else (5, 3, 3)

    def rows(self):
        """All rows, as they are measured."""
        yield from self.small("json")
        yield from self.small("binary")
        for model, form in self.big_forms():
            yield from self.big(model, form)
        for form in ("json", "binary"):
            for packed in (False, True):
                yield from self.large(form, packed)

    def load(self, *request):
        servers = self.servers
        return Load(InferRequest(*request), servers.scratch, servers.installation.latency)

    @staticmethod
    def many(load, server, connections):
        return lambda seconds: load.many(server, connections, seconds)

    # 16 floats: what a request costs beside its model.

    def small(self, form):
        load, name = self.load("small", form), f"16 floats, {FORMS[form]}"
        with ExitStack() as stack:
            swerve = stack.enter_context(self.servers.swerve())
            triton = stack.enter_context(self.servers.triton())
            load.request.answer_from(triton.port)
            reply, content_type = load.request.answer_from(swerve.port)
            evhttp = stack.enter_context(self.servers.evhttp(reply, content_type))
            running = [swerve, triton, evhttp]
            if form == "json":
                running.append(stack.enter_context(self.servers.nginx(reply)))
            yield from self.small_rates(load, running, name, form)
            yield from self.small_latency(load, running, name)

    def small_rates(self, load, running, name, form):
        crowds = (256, 2000) if form == "json" else ()
        subjects = {server.name: self.many(load, server, 64) for server in running}
        for crowd in crowds:
            for server in [running[0], running[-1]] if self.quick else running:
                subjects[f"{server.name} at {crowd}"] = self.many(load, server, crowd)
        results = take_turns(subjects, self.rounds, self.seconds)
        at_64 = f"{name}, 64 connections"
        yield Row(at_64, RATE, results, ["Triton"], 2)
        yield Row(at_64, CPU, results, ["Triton"], 3)
        if form == "json":
            yield Row(at_64, RATE, results, ["nginx"], 0.7)
            yield Row(at_64, RATE, results, ["evhttp"], 1.3)
        else:
            yield Row(at_64, RATE, results, ["evhttp"])
        yield Row(at_64, CPU, results, ["evhttp", "nginx"])
        for crowd in crowds:
            title = f"{name}, {crowd:,} connections"
            end = f" at {crowd}"
            crowded = {key[:-len(end)]: values for key, values in results.items() if key.endswith(end)}
            yield Row(title, RATE, {**crowded, "Swerve at 64": results["Swerve"]}, ["Swerve at 64"], 0.8)
            if len(crowded) > 1:
                yield Row(title, RATE, crowded, list(crowded)[1:])

    def small_latency(self, load, running, name):
        def one(server):
            return lambda seconds: load.one(server, seconds, 100)

        results = take_turns({server.name: one(server) for server in running}, self.rounds, self.seconds / 2)
        alone = f"{name}, 1 connection"
        yield Row(alone, LATENCY, results, ["evhttp"], 1)
        yield Row(alone, LATENCY, results, [server.name for server in running[1:] if server.name != "evhttp"])

    # 150,528 floats: a picture in, and one number or the whole tensor out.

    def big_forms(self):
        forms = ["python", "binary"] if self.quick else ["python", "json", "binary"]
        return [(model, form) for model in ("image_mean", "image") for form in forms]

    def big(self, model, form):
        load = self.load(model, form)
        out = "1 float" if model == "image_mean" else "all"
        name = f"150,528 floats in, {out} out, {FORMS[form]}, {BIG_CONNECTIONS} connections"
        with ExitStack() as stack:
            swerve = stack.enter_context(self.servers.swerve())
            running = [swerve, *(stack.enter_context(start()) for start in (self.servers.triton, self.servers.fastapi))]
            for server in running[1:]:
                load.request.answer_from(server.port)
            reply, _ = load.request.answer_from(swerve.port)
            running.append(stack.enter_context(self.servers.read_write(len(reply))))
            subjects = {server.name: self.many(load, server, BIG_CONNECTIONS) for server in running}
            results = take_turns(subjects, self.rounds, self.big_seconds)
        if form == "binary":
            yield Row(name, RATE, results, ["Triton", "FastAPI"])
            yield Row(name, CPU, results, ["Triton"], 2)
            yield Row(name, CPU, results, ["read and write"], 1 / 1.5)
        else:
            is_mean = model == "image_mean"
            yield Row(name, RATE, results, ["Triton"], 4 if is_mean else 5)
            yield Row(name, RATE, results, ["FastAPI"], 3 if is_mean else None)
            yield Row(name, CPU, results, ["Triton", "FastAPI", "read and write"])

    # 16 MiB, with and without gzip, on one connection.

    def large(self, form, packed):
        load = self.load("large", form, packed)
        coding = "gzip sent and accepted" if packed else "plain"
        name = f"16 MiB in and out, {FORMS[form]}, {coding}, 1 connection"
        count, rounds = (1, 1) if self.quick else (2, 3)

        def one(server):
            return lambda seconds: milliseconds(load.one(server, seconds, count))

        with self.servers.swerve() as swerve, self.servers.triton() as triton:
            for server in (swerve, triton):
                load.request.answer_from(server.port)
            subjects = {server.name: one(server) for server in (swerve, triton)}
            results = take_turns(subjects, rounds, seconds=2, warm_up=0)
        yield Row(name, LONG, results, ["Triton"])
        yield Row(name, LONG_CPU, results, ["Triton"])


def milliseconds(measured):
    return {LONG: measured[LATENCY] / 1000, LONG_CPU: measured[CPU] / 1000}
