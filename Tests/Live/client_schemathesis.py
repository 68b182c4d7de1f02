"""schemathesis: requests made from openapi.yaml and models' own documents, and whether the answers are what they say.

SWERVE_SCHEMATHESIS_EXAMPLES is how many requests it makes of each operation beside the systematic ones.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

from server import ROOT
from steps import Skipped, expect


CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
          "response_headers_conformance")

# What a model cannot do is 501, by the contracts of Triton and KServe, and loading while folders are watched is 503;
# every other 5xx is a fault.
SETTINGS = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "501"]

[[operations]]
include-operation-id = ["repositoryLoad", "repositoryUnload"]
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""


def add(steps, server):
    base = f"http://127.0.0.1:{server.port}"
    steps.run("schemathesis: openapi.yaml", run, str(ROOT / "openapi.yaml"), base)
    for model in ("half_plus_two", "fashion", "words"):
        steps.run(f"schemathesis: the document of {model}", run, f"{base}/v2/models/{model}/openapi.json", base)


def run(document, base):
    if not importlib.util.find_spec("schemathesis"):
        raise Skipped("No module named 'schemathesis'")
    examples = os.environ.get("SWERVE_SCHEMATHESIS_EXAMPLES", "20")
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    # It keeps what it found in the folder it runs in.
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "schemathesis.toml").write_text(SETTINGS)
        done = subprocess.run(
            [program, "run", document, "--url", base, "--checks", CHECKS, "--max-examples", examples, "--seed",
             "1"], capture_output=True, text=True, timeout=3600, cwd=folder)
    expect(done.returncode == 0, done.stdout[-6000:])
