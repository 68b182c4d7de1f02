"""Triton's client and the examples of its repository, against an example repository that is served as it is.

SWERVE_TRITON_EXAMPLES names a folder with the examples: src/python/examples of github.com/triton-inference-server/client.
They say themselves whether they passed.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from server import Server
from steps import Skipped, expect

try:
    import numpy
    import tritonclient.http as triton
    import triton_repository
    from tritonclient.utils import InferenceServerException
except ImportError as error:
    triton, missing = None, error

# Those that need no GPU; the names of the models are in triton_repository.
EXAMPLES = (
    "infer_client", "async_infer_client", "string_infer_client", "health_metadata", "shm_client", "shm_string_client",
    "sequence_sync_infer_client", "sequence_sync_infer_client --dyna", "aio_infer_client", "aio_string_infer_client",
    "aio_health_metadata", "aio_shm_client", "aio_shm_string_client", "aio_sequence_sync_infer_client", "model_control",
    "aio_model_control")


def add(steps, _):
    if triton is None:
        def skip():
            raise Skipped(missing)
        return steps.run("Triton's example repository", skip)
    with tempfile.TemporaryDirectory() as folder:
        triton_repository.write(folder)
        flags = ("--model-control", "explicit", "--load-model", "*", "--shared-memory", "--server-name", "triton")
        with Server(*flags, models=folder) as server:
            for example in EXAMPLES:
                steps.run(f"Triton's example simple_http_{example}", run_example, server, example)
            for step in (loads, statistics, bodies, sequences, plugins, unloads, overrides):
                steps.run(f"tritonclient: {step.__doc__}", step, server, folder)


def client(server):
    return triton.InferenceServerClient(f"127.0.0.1:{server.port}")


def inputs():
    values = numpy.arange(16, dtype=numpy.int32).reshape(1, 16), numpy.ones((1, 16), numpy.int32)
    given = [triton.InferInput(f"INPUT{i}", [1, 16], "INT32") for i in range(2)]
    for tensor, value in zip(given, values):
        tensor.set_data_from_numpy(value)
    return given


def statistics(server, _):
    """get_inference_statistics of a model, a version, and all"""
    with client(server) as used:
        before = used.get_inference_statistics("simple")["model_stats"][0]["inference_count"]
        used.infer("simple", inputs(), priority=1, timeout=5_000_000, request_id="r", parameters={"mine": 1})
        after = used.get_inference_statistics("simple", "1")["model_stats"][0]
        expect(after["inference_count"] == before + 1, f"{after}")
        expect(len(used.get_inference_statistics()["model_stats"]) == 7, "not all models")


def bodies(server, _):
    """generate_request_body, parse_response_body"""
    body, length = triton.InferenceServerClient.generate_request_body(inputs())
    with client(server) as used:
        answer = used._post(
            "v2/models/simple/infer", body, {"Inference-Header-Content-Length": str(length)} if length else {}, {})
        expect(answer.status_code == 200, f"{answer.status_code}")
        found = triton.InferenceServerClient.parse_response_body(
            answer.read(), header_length=int(answer.get("Inference-Header-Content-Length") or 0) or None)
        expect(list(found.as_numpy("OUTPUT0")[0]) == list(range(1, 17)), "another sum")


def sequences(server, _):
    """sequences, interleaved, numbers and texts as names"""
    def step(used, name, value, start=False, end=False):
        given = triton.InferInput("INPUT", [1, 1], "INT32")
        given.set_data_from_numpy(numpy.array([[value]], numpy.int32))
        answer = used.infer(
            "simple_string_dyna_sequence", [given], sequence_id=name, sequence_start=start, sequence_end=end)
        return int(answer.as_numpy("OUTPUT")[0][0])
    with client(server) as used:
        found = [step(used, 5, 1, start=True), step(used, "6", 10, start=True), step(used, 5, 2), step(used, "6", 20),
                 step(used, 5, 3, end=True), step(used, "6", 30, end=True)]
        expect(found == [1, 10, 3, 30, 11, 66], f"{found}")
        try:
            step(used, 5, 1)
        except InferenceServerException as error:
            return expect("must specify the START flag" in str(error), f"{error}")
    raise AssertionError("a sequence that has ended went on")


def plugins(server, _):
    """register_plugin: its header is taken"""
    class Plugin:
        def __call__(self, request):
            request.headers["X-Mine"] = "1"
    with client(server) as used:
        used.register_plugin(Plugin())
        expect(used.is_server_live(), "not live")
        used.unregister_plugin()


def loads(server, _):
    """load_model, again and of no model"""
    with client(server) as used:
        used.load_model("simple")
        expect(used.is_model_ready("simple", "1"), "not ready")
        for name, words in (("nothing", "failed to load"), ("../etc", "")):
            try:
                used.load_model(name)
            except InferenceServerException as error:
                expect(words in str(error), f"{error}")
            else:
                raise AssertionError(f"{name} was loaded")


def unloads(server, _):
    """unload_model, with dependents"""
    with client(server) as used:
        used.unload_model("simple_int8", unload_dependents=True)
        expect(not used.is_model_ready("simple_int8"), "still ready")
        state = {entry["name"]: entry.get("state") for entry in used.get_model_repository_index()}
        expect(state["simple_int8"] == "UNAVAILABLE" and state["simple"] == "READY", f"{state}")
        used.load_model("simple_int8")


def overrides(server, folder):
    """load_model with a configuration, with files, and back"""
    model = pathlib.Path(folder, "simple/1/model.onnx").read_bytes()
    with client(server) as used:
        used.load_model("simple", config=json.dumps({"max_batch_size": 4}))
        expect(used.get_model_config("simple")["max_batch_size"] == 4, "another size")
        used.load_model("sent", config='{"backend":"onnxruntime"}', files={"file:3/model.onnx": model})
        sums = used.infer("sent", inputs()).as_numpy("OUTPUT0")
        expect(list(sums[0]) == list(range(1, 17)), f"{sums}")
        used.unload_model("sent")
        used.load_model("simple")
        expect(used.get_model_config("simple")["max_batch_size"] == 8, "another size")
        for config, files in (("{", None), ('{"max_batch_size":-1}', None), (None, {"file:1/model.onnx": b"x"})):
            try:
                used.load_model("simple", config=config, files=files)
            except InferenceServerException:
                continue
            raise AssertionError(f"{config} was taken")
        expect(used.is_model_ready("simple"), "what served before does not")


def run_example(server, example):
    folder = os.environ.get("SWERVE_TRITON_EXAMPLES")
    name, *flags = example.split()
    path = pathlib.Path(folder or "", f"simple_http_{name}.py")
    if not folder or not path.exists():
        raise Skipped("SWERVE_TRITON_EXAMPLES names no folder that has it")
    done = subprocess.run(
        [sys.executable, str(path), "-u", f"127.0.0.1:{server.port}", *flags], capture_output=True, text=True,
        timeout=60)
    expect(done.returncode == 0, (done.stdout + done.stderr)[-600:])
