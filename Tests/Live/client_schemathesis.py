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
# Needs an object of shared memory, or a device, of the name that is sent; a configuration that is one; a label that is given
# to a version.
OTHERS = (
    "v2SharedMemoryRegister", "v2DeviceMemoryRegister", "repositoryLoad", "repositoryUnload", "v1LabelMetadata")

ALL_CHECKS = ["--checks", "all"]
# All but that every request which fits the document is accepted.
MOST_CHECKS = [*ALL_CHECKS, "--exclude-checks", "positive_data_acceptance"]

# What a model cannot do is 501, by the contracts of Triton and KServe, a deadline of the client's own is 504, and loading
# while folders are watched is 503; every other 5xx is a fault.
SETTINGS = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "501", "504"]

[[operations]]
include-operation-id = ["repositoryLoad", "repositoryUnload"]
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""


def add(steps, server):
    base = f"http://127.0.0.1:{server.port}"
    text = pathlib.Path(ROOT / "openapi.yaml").read_text(encoding="utf-8")
    operations = re.findall(r"^ +operationId: (\w+)$", text, re.MULTILINE)
    steps.run("schemathesis: openapi.yaml", run, str(ROOT / "openapi.yaml"), base, operations)
    for model in ("half_plus_two", "fashion", "words"):
        url = f"{base}/v2/models/{model}/openapi.json"
        # It cannot say that a list has as many elements as the shape beside it.
        steps.run(f"schemathesis: the document of {model}", run, url, base, [])


def run(document, base, operations):
    if not importlib.util.find_spec("schemathesis"):
        raise Skipped("No module named 'schemathesis'")
    strict = [name for name in operations if name not in INFERENCES + OTHERS]
    others = [name for name in operations if name not in strict]
    shares = os.cpu_count() or 1
    parts = [(others[share::shares], MOST_CHECKS) for share in range(shares)]
    parts += [(strict[share::shares], ALL_CHECKS) for share in range(shares)]
    # All at once without names to tell them apart by.
    parts = [part for part in parts if part[0]] or [([], MOST_CHECKS)]
    with concurrent.futures.ThreadPoolExecutor(shares) as pool:
        done = list(pool.map(lambda part: run_part(document, base, *part), parts))
    expect(all(code == 0 for code, _ in done), "\n".join(output[-6000:] for code, output in done if code))


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
