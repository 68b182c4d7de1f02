"""Clients that people use, against a real server. See scripts/client-test."""

import os
import pathlib
import sys
import tempfile

import client_browser
import client_curl
import client_kserve
import client_openai
import client_ovms
import client_perf_analyzer
import client_requests
import client_schemathesis
import client_streams
import client_tensorflow_serving
import client_triton
import client_triton_control
import client_triton_examples
import client_triton_extensions
from server import Server
from steps import Steps

MODULES = (
    client_triton, client_triton_extensions, client_triton_control, client_triton_examples, client_tensorflow_serving,
    client_kserve, client_openai, client_ovms, client_requests, client_streams, client_curl, client_perf_analyzer,
    client_browser, client_schemathesis)


def main():
    steps = Steps()
    names = os.environ.get("SWERVE_CLIENT_MODULES", "").split()
    with tempfile.TemporaryDirectory() as folder, Server(
            "--shared-memory", "--trace-file", str(pathlib.Path(folder, "trace.json"))) as server:
        for module in MODULES:
            if not names or module.__name__ in names:
                module.add(steps, server)
        steps.run("the server ends in order", ends_in_order, server)
    return steps.finish()


def ends_in_order(server):
    code = server.stop()
    if code != 0:
        raise AssertionError(f"exit code {code}")


if __name__ == "__main__":
    sys.exit(main())
