"""Python's requests."""

import gzip
import json

from steps import Skipped, expect

try:
    import requests
except ImportError as error:
    requests, missing = None, error

BODY = {"inputs": [{"name": "INPUT0", "shape": [1, 400], "datatype": "FP32", "data": [0.5] * 400}]}


def add(steps, server):
    if requests is None:
        def skip():
            raise Skipped(missing)
        return steps.run("requests", skip)
    base = f"http://127.0.0.1:{server.port}"
    steps.run("requests: JSON on a kept connection, the answer packed", kept, base)
    steps.run("requests: a body in chunks from a generator", chunked, base)
    steps.run("requests: a packed body", packed, base)
    steps.run("requests: HEAD, OPTIONS, 404, 405", methods, base)


def check(answer):
    expect(answer.status_code == 200, f"{answer.status_code} {answer.text}")
    expect(answer.json()["outputs"][0]["data"] == [0.5] * 400, "other numbers")


def kept(base):
    with requests.Session() as session:
        for _ in range(20):
            answer = session.post(f"{base}/v2/models/identity/infer", json=BODY)
            check(answer)
            expect(answer.headers.get("Content-Encoding") in ("gzip", "deflate"), "requests takes gzip; it got none")
        answer = session.post(f"{base}/v1/models/half_plus_two:predict", json={"instances": [1.0, 2.0, 5.0]})
        expect(answer.json() == {"predictions": [2.5, 3.0, 4.5]}, answer.text)


def chunked(base):
    text = json.dumps(BODY).encode()
    check(requests.post(f"{base}/v2/models/identity/infer", data=(text[i:i + 100] for i in range(0, len(text), 100))))


def packed(base):
    check(requests.post(
        f"{base}/v2/models/identity/infer", data=gzip.compress(json.dumps(BODY).encode()),
        headers={"Content-Encoding": "gzip"}))


def methods(base):
    with requests.Session() as session:
        expect(session.head(f"{base}/v2").status_code == 200, "HEAD /v2")
        options = session.options(f"{base}/v2/models/identity/infer")
        expect(options.status_code in (200, 204) and "POST" in options.headers["Allow"], f"OPTIONS {options.headers}")
        expect(session.get(f"{base}/nothing").status_code == 404, "GET /nothing")
        refused = session.get(f"{base}/v2/models/identity/infer")
        expect(refused.status_code == 405 and "POST" in refused.headers["Allow"], f"405 {refused.headers}")
