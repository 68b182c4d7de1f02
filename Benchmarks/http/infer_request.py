"""The requests that every server is sent, and the check of what it answers."""

import gzip
import json
import math
import random
import struct
import urllib.request
from functools import lru_cache

SHAPES = {"small": [1, 16], "image": [1, 3, 224, 224], "image_mean": [1, 3, 224, 224], "large": [1, 4194304]}
LENGTH = "Inference-Header-Content-Length"


def rounded(values):
    return struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values))


@lru_cache(None)
def numbers(count):
    """`count` values of FP32. They repeat, far beyond what gzip looks back."""
    generator = random.Random(5)
    some = rounded([generator.gauss(0, 1) for _ in range(min(count, 150_528))])
    return (some * math.ceil(count / len(some)))[:count]


def shortest(value):
    """The shortest text that names the same FP32."""
    for digits in (6, 7, 8, 9):
        text = f"{value:.{digits}g}"
        if rounded([float(text)])[0] == value:
            return text
    return text


@lru_cache(None)
def number_list(count, form):
    """`numbers` as text; `python`: as Python writes floats, which have 64 bits; `json`: the shortest texts."""
    write = repr if form == "python" else shortest
    texts = {value: write(value) for value in set(numbers(count))}
    return ", ".join([texts[value] for value in numbers(count)])


class InferRequest:
    """A request to a model; `form` is json, python (long numbers, in JSON) or binary."""

    def __init__(self, model, form, packed=False):
        self.model, self.form, self.packed = model, form, packed
        shape = SHAPES[model]
        self.values = numbers(math.prod(shape))
        tensor = {"name": "x", "datatype": "FP32", "shape": shape}
        if form == "binary":
            data = struct.pack(f"<{len(self.values)}f", *self.values)
            tensor["parameters"] = {"binary_data_size": len(data)}
            head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
            self.body = head + data
            self.headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(head))}
        else:
            text = json.dumps({"inputs": [{**tensor, "data": []}]})
            self.body = text.replace("[]", f"[{number_list(len(self.values), form)}]").encode()
            self.headers = {"Content-Type": "application/json"}
        if packed:
            self.body = gzip.compress(self.body, 6, mtime=0)
            self.headers.update({"Content-Encoding": "gzip", "Accept-Encoding": "gzip"})

    @property
    def path(self):
        return f"/v2/models/{self.model}/infer"

    @property
    def whole(self):
        """All bytes of the HTTP request."""
        fields = {"Host": "127.0.0.1", **self.headers, "Content-Length": str(len(self.body))}
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body

    def answer_from(self, port):
        """What the server at `port` answers: the bytes, and their Content-Type."""
        url = f"http://127.0.0.1:{port}{self.path}"
        with urllib.request.urlopen(urllib.request.Request(url, self.body, self.headers), timeout=60) as reply:
            answer = reply.read()
            if reply.headers.get("Content-Encoding") == "gzip":
                answer = gzip.decompress(answer)
            self.check(answer, reply.headers.get(LENGTH), url)
            return answer, reply.headers["Content-Type"]

    def check(self, answer, json_bytes, url):
        if self.form == "binary":
            if json_bytes is None:
                raise ValueError(f"{url}: expected an answer in binary")
            data = answer[int(json_bytes):]
            got = struct.unpack(f"<{len(data) // 4}f", data)
        else:
            got = rounded(json.loads(answer)["outputs"][0]["data"])
        if self.model == "image_mean":
            expected = sum(self.values) / len(self.values)
            right = len(got) == 1 and abs(got[0] - expected) < 1e-5
        else:
            right = got == self.values
        if not right:
            raise ValueError(f"{url}: {self.form}: the answer is wrong: {answer[:200]!r}")
