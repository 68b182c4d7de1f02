"""The requests of TensorFlow Serving's own documentation, against a folder and a model_config_list as it takes them."""

import json
import pathlib
import shutil
import tempfile
import urllib.error
import urllib.request

from server import ROOT, Server
from steps import expect

LIST = """
model_config_list {
  config {
    name: "half_plus_two"
    base_path: "%s/half_plus_two"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 1 versions: 123 } }
    version_labels { key: "stable" value: 1 }
    version_labels { key: "canary" value: 123 }
  }
}
"""


def add(steps, _):
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder, "half_plus_two")
        for version in ("1", "2", "123"):
            shutil.copytree(ROOT / "models/half_plus_two/1", model / version)
        # What says which plugin a folder without a file of a known kind is for.
        shutil.copy(ROOT / "models/half_plus_two/model.json", model)
        listed = pathlib.Path(folder, "models.config")
        listed.write_text(LIST % folder)
        empty = pathlib.Path(folder, "none")
        empty.mkdir()
        with Server("--model-config-file", str(listed), models=empty) as server:
            for step in (status, metadata, predict, examples, labels, faults):
                steps.run(f"TensorFlow Serving's REST: {step.__doc__}", step, server)


def ask(server, path, body=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/v1/models/half_plus_two{path}", body and json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def status(server):
    """model status"""
    code, found = ask(server, "")
    states = [(one["version"], one["state"], one["status"]["error_code"]) for one in found["model_version_status"]]
    expect(code == 200 and states == [("123", "AVAILABLE", "OK"), ("1", "AVAILABLE", "OK")], f"{found}")
    code, found = ask(server, "/versions/1")
    expect(code == 200 and len(found["model_version_status"]) == 1, f"{found}")


def metadata(server):
    """model metadata"""
    code, found = ask(server, "/metadata")
    expect(code == 200 and found["model_spec"] == {"name": "half_plus_two", "signature_name": "", "version": "123"},
           f"{found}")
    signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    expect(signature["inputs"]["x"]["dtype"] == "DT_FLOAT", f"{signature}")


def predict(server):
    """predict, by row and by column"""
    for body, wanted in (
            ({"instances": [1.0, 2.0, 5.0]}, {"predictions": [2.5, 3.0, 4.5]}),
            ({"signature_name": "serving_default", "instances": [{"x": 1.0}]}, {"predictions": [2.5]}),
            ({"inputs": [1.0, 2.0]}, {"outputs": [2.5, 3.0]}),
            ({"inputs": {"x": [1.0, 2.0]}}, {"outputs": [2.5, 3.0]})):
        for path in ("", "/versions/1", "/labels/stable"):
            expect(ask(server, path + ":predict", body) == (200, wanted), f"{path} {body}")


def examples(server):
    """classify and regress"""
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": 2.0}]}
    expect(ask(server, ":regress", body) == (200, {"results": [3.0]}), "regress")
    expect(ask(server, ":classify", body) == (200, {"results": [[["", 3.0]]]}), "classify")


def labels(server):
    """labels"""
    expect(ask(server, "/labels/canary/metadata")[1]["model_spec"]["version"] == "123", "another version")
    code, found = ask(server, "/labels/nightly:predict", {"instances": [1]})
    expect(code == 400 and "Unrecognized servable version label: nightly" in found["error"], f"{found}")


def faults(server):
    """its words for faults"""
    for path, body, code, words in (
            (":predict", [1], 400, "JSON Value: [1] Is not object"),
            (":predict", {"a": 1}, 400, "Missing 'inputs' or 'instances' key"),
            (":predict", {"instances": ["a"]}, 400, "Failed to process element: 0 of 'instances' list."),
            ("/versions/2:predict", {"instances": [1]}, 404, "Servable not found for request: Specific(half_plus_two, 2)"),
            (":frobnicate", {}, 400, "Malformed request: POST /v1/models/half_plus_two:frobnicate")):
        found = ask(server, path, body)
        expect(found[0] == code and words in found[1]["error"], f"{path} {body}: {found}")
