"""schemathesis: requests made from openapi.yaml and models' own documents, and whether the answers are what they say.

SWERVE_SCHEMATHESIS_EXAMPLES is how many requests it makes up for each operation beside the systematic ones. The operations
are dealt out to as many processes as there are cores. scripts/schemathesis-test runs this alone.
"""

import concurrent.futures
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from server import ROOT
from steps import Skipped, expect

# Which tensors are taken is the model's to say, and not that of a document of a server of any models.
INFERENCES = (
    "v2Infer", "v2VersionInfer", "v2ModelGenerate", "v2ModelGenerateStream", "v2VersionGenerate", "v2VersionGenerateStream",
    "v1Predict", "v1VersionPredict", "v1LabelPredict", "v1Classify", "v1VersionClassify", "v1LabelClassify", "v1Regress",
    "v1VersionRegress", "v1LabelRegress", "v1Explain")
# Needs an object of shared memory, or a device, of the name that is sent; a configuration that is one.
OTHERS = ("v2SharedMemoryRegister", "v2DeviceMemoryRegister", "repositoryLoad", "repositoryUnload")

# What a model cannot do is 501, by the contracts of Triton and KServe, a deadline of the client's own is 504, and loading
# while folders are watched is 503; every other 5xx is a fault.
SETTINGS = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "501", "504"]

[[operations]]
include-operation-id = ["repositoryLoad", "repositoryUnload"]
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "503"]
checks.positive_data_acceptance.enabled = false

[[operations]]
include-operation-id = [{}]
checks.positive_data_acceptance.enabled = false
""".format(", ".join(f'"{name}"' for name in INFERENCES + OTHERS[:2]))


def add(steps, server):
    base = f"http://127.0.0.1:{server.port}"
    text = pathlib.Path(ROOT / "openapi.yaml").read_text(encoding="utf-8")
    operations = re.findall(r"^ +operationId: (\w+)$", text, re.MULTILINE)
    steps.run("schemathesis: openapi.yaml", run, str(ROOT / "openapi.yaml"), base, operations, ["--checks", "all"])
    for model in ("half_plus_two", "fashion", "words"):
        url = f"{base}/v2/models/{model}/openapi.json"
        # A document cannot say that a list has as many elements as the shape beside it.
        checks = ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]
        steps.run(f"schemathesis: the document of {model}", run, url, base, [], checks)


def run(document, base, operations, checks):
    if not importlib.util.find_spec("schemathesis"):
        raise Skipped("No module named 'schemathesis'")
    # All at once without names to tell them apart by.
    shares = min(os.cpu_count() or 1, len(operations)) or 1
    parts = [operations[share::shares] for share in range(shares)]
    with concurrent.futures.ThreadPoolExecutor(shares) as pool:
        for code, output in pool.map(lambda part: run_part(document, base, part, checks), parts):
            expect(code == 0, output[-6000:])


def run_part(document, base, operations, checks):
    examples = os.environ.get("SWERVE_SCHEMATHESIS_EXAMPLES", "20")
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    chosen = [word for name in operations for word in ("--include-operation-id", name)]
    # It keeps what it found in the folder it runs in.
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "schemathesis.toml").write_text(SETTINGS)
        done = subprocess.run(
            [program, "run", document, "--url", base, *checks, *chosen, "--max-examples", examples, "--seed", "1",
             "--continue-on-failure"], capture_output=True, text=True, timeout=7200, cwd=folder)
    summary = re.findall(r"^ +(\d+ generated, .*)$", done.stdout, re.MULTILINE)
    print(f"      {len(operations) or 'all'} operations: {'; '.join(summary)}", flush=True)
    return done.returncode, done.stdout
