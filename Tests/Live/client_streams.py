"""Streamed answers, as requests and curl read them."""

import json
import subprocess
import time

from server import wait_until
from steps import Skipped, expect

try:
    import requests
except ImportError as error:
    requests, missing = None, error

PATH = "/v2/models/words/generate_stream"


def add(steps, server):
    if requests is None:
        def skip():
            raise Skipped(missing)
        return steps.run("streams", skip)
    base = f"http://127.0.0.1:{server.port}"
    steps.run("streams: events come as the model sends them", events, base)
    steps.run("streams: generate takes one piece", whole, base)
    steps.run("streams: curl -N prints them", printed, base)
    steps.run("streams: who leaves frees the model", leaving, server, base)


def ask(base, text, **parameters):
    return requests.post(base + PATH, json={"text_input": text, **parameters}, stream=True, timeout=30)


def data(answer):
    for line in answer.iter_lines():
        if line:
            expect(line.startswith(b"data: "), f"{line}")
            yield json.loads(line[6:])["text_output"]


def events(base):
    began = time.monotonic()
    with ask(base, "to be or not to be", delay_ms=200) as answer:
        expect(answer.headers["Content-Type"].startswith("text/event-stream"), f"{answer.headers}")
        words, first = [], None
        for word in data(answer):
            first = first or time.monotonic() - began
            words.append(word)
    expect(words == ["to ", "be ", "or ", "not ", "to ", "be"], f"{words}")
    expect(first < time.monotonic() - began - 0.5, "the first event came with the last")


def whole(base):
    one = requests.post(base + "/v2/models/words/generate", json={"text_input": "to be", "max_tokens": 1}, timeout=30)
    expect(one.json()["text_output"] == "to ", one.text)
    two = requests.post(base + "/v2/models/words/generate", json={"text_input": "to be"}, timeout=30)
    expect(two.status_code == 400 and "exactly 1 response" in two.text, two.text)


def printed(base):
    done = subprocess.run(
        ["curl", "-sSN", base + PATH, "-d", '{"text_input": "to be"}'], capture_output=True, timeout=30)
    expect(done.stdout.count(b"data: ") == 2, f"{done.stdout}")


def leaving(server, base):
    with ask(base, "word " * 100_000, delay_ms=10) as answer:
        next(data(answer))
    counted = 'swerve_requests_total{model="words",version="1",protocol="v2",code="499"} 1'
    expect(
        wait_until(lambda: counted in requests.get(base + "/metrics", timeout=30).text, 30),
        "the model goes on for nobody")
