"""A server with the model `fragile` of Tests/ServingTests: it doubles numbers, and fails on a negative one."""

import json
import os
import pathlib
import subprocess
import tempfile

import wire
from server import ROOT, Server

PATH = "/v2/models/fragile/infer"
MOST_ROWS = 64
BATCH_MICROSECONDS = 3_000
SLEEPS = 1000.0  # what makes an execution take 100 ms more


class FragileServer:
    """Used with `with`."""

    def __init__(self, *flags, log=None):
        self.folder = tempfile.TemporaryDirectory(prefix="swerve-fragile-")
        version = pathlib.Path(self.folder.name) / "fragile" / "1"
        version.mkdir(parents=True)
        subprocess.run(
            [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-I", str(ROOT / "Sources/CSwervePlugin/include"),
             f"-DMAX_BATCH={MOST_ROWS}", f"-DBATCH_MICROSECONDS={BATCH_MICROSECONDS}",
             str(ROOT / "Tests/ServingTests/Fixtures/fragile.c"), "-o", str(version / "plugin.so")], check=True)
        self.server = Server("--log-level", "error", *flags, models=self.folder.name, log=log)

    def __enter__(self):
        return self.server

    def __exit__(self, *_):
        self.server.stop()
        self.folder.cleanup()


def request(value):
    tensor = {"name": "x", "shape": [1], "datatype": "FP32", "data": [value]}
    return wire.request(PATH, json.dumps({"inputs": [tensor]}).encode())


def result(answer):
    """The number of an answer; None if it is not 200."""
    status, _, body = answer
    return json.loads(body)["outputs"][0]["data"][0] if status == 200 else None
