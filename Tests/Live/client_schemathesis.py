"""schemathesis: requests made from openapi.yaml, and whether the answers are what it says."""

import importlib.util
import os
import subprocess
import sys

from server import ROOT
from steps import Skipped, expect


def add(steps, server):
    steps.run("schemathesis: no 5xx, no undocumented status, no schema violation", run, server)


def run(server):
    if not importlib.util.find_spec("schemathesis"):
        raise Skipped("No module named 'schemathesis'")
    examples = os.environ.get("SWERVE_SCHEMATHESIS_EXAMPLES", "20")
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    done = subprocess.run(
        [program, "run", str(ROOT / "openapi.yaml"), "--url", f"http://127.0.0.1:{server.port}",
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
         "response_schema_conformance,response_headers_conformance",
         "--max-examples", examples, "--seed", "1"], capture_output=True, text=True, timeout=1800)
    expect(done.returncode == 0, done.stdout[-6000:])
