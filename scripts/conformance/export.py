"""The onnx package's backend test data as folders that the runner reads.

A case is a folder with `model.onnx`, `tolerances` (relative and absolute) and `test_data_set_K` with
`input_J.pb` and `output_J.pb`, each a TensorProto that bears the name of its value.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile

import onnx
from onnx import numpy_helper

KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted")
# Element types of the Open Inference Protocol: FLOAT to UINT64 without the complex ones, and BFLOAT16.
CARRIED = set(range(1, 14)) | {16}


# Operators whose results nobody can foresee: of their cases, datatype and shape are checked.
RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


def is_random(model):
    return any(
        node.op_type in RANDOM or node.op_type == "Dropout" and len(node.input) > 2 for node in walk(model.graph)
    )


def walk(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from walk(inner)


def uncarried(model):
    """What of the model's inputs and outputs the protocol cannot carry; None when it can all."""
    for value in [*model.graph.input, *model.graph.output]:
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            return (kind or "untyped").replace("_type", "")
        element = value.type.tensor_type.elem_type
        if element not in CARRIED:
            return onnx.TensorProto.DataType.Name(element)
    return None


def named(value, name):
    if not isinstance(value, onnx.TensorProto):
        value = numpy_helper.from_array(value, name)
    value.name = name
    return value


def sets_on_disk(folder, inputs, outputs):
    def read(path):
        tensor = onnx.TensorProto()
        with open(path, "rb") as file:
            tensor.ParseFromString(file.read())
        return tensor

    number = 0
    while os.path.isdir(one := os.path.join(folder, f"test_data_set_{number}")):
        yield (
            [read(os.path.join(one, f"input_{k}.pb")) for k in range(len(inputs))],
            [read(os.path.join(one, f"output_{k}.pb")) for k in range(len(outputs))],
        )
        number += 1


def write_case(folder, model, tolerances, sets):
    initializers = {tensor.name for tensor in model.graph.initializer}
    names = {
        "input": [v.name for v in model.graph.input if v.name not in initializers],
        "output": [v.name for v in model.graph.output],
    }
    os.makedirs(folder)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    if is_random(model):
        tolerances = (tolerances[0], float("inf"))
    with open(os.path.join(folder, "tolerances"), "w") as file:
        file.write(f"{tolerances[0]} {tolerances[1]}")
    for number, values in enumerate(sets(names)):
        one = os.path.join(folder, f"test_data_set_{number}")
        os.makedirs(one)
        for side, tensors in zip(("input", "output"), values):
            for place, (name, tensor) in enumerate(zip(names[side], tensors)):
                with open(os.path.join(one, f"{side}_{place}.pb"), "wb") as file:
                    file.write(named(tensor, name).SerializeToString())


def installed_cases():
    """The cases of the installed package: those in its files, and those that it makes."""
    from onnx.backend.test.loader import load_model_tests

    for kind in KINDS:
        for case in load_model_tests(kind=kind):
            path = os.path.join(case.model_dir or "", "model.onnx")
            model = case.model if case.model is not None else onnx.load(path)
            tolerances = (case.rtol, case.atol)
            if case.data_sets is not None:
                yield kind, case.name, model, tolerances, lambda names, c=case: c.data_sets
            else:
                yield kind, case.name, model, tolerances, lambda names, c=case: sets_on_disk(
                    c.model_dir, names["input"], names["output"]
                )


def released_cases(release, folder):
    """The cases in the files of an older release's wheel, which need not be installed."""
    # An environment that uv made has no pip of its own.
    own = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0
    command = [sys.executable if own else "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    for version in ("38", "310", "311"):
        done = subprocess.run(
            [*command, "--python-version", version, "--implementation", "cp", "--abi", f"cp{version}",
             "--platform", "manylinux1_x86_64", "--platform", "manylinux2010_x86_64",
             "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64",
             "-d", folder, f"onnx=={release}"], stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            break
    wheel = next((name for name in os.listdir(folder) if name.endswith(".whl")), None)
    if wheel is None:
        raise SystemExit(f"no wheel of onnx {release} could be downloaded")
    zipfile.ZipFile(os.path.join(folder, wheel)).extractall(folder)
    data = os.path.join(folder, "onnx", "backend", "test", "data")
    for kind in KINDS:
        for name in sorted(os.listdir(os.path.join(data, kind))):
            path = os.path.join(data, kind, name)
            if not os.path.exists(os.path.join(path, "model.onnx")):
                continue
            tolerances = (1e-3, 1e-7)
            if os.path.exists(rules := os.path.join(path, "data.json")):
                with open(rules) as file:
                    given = json.load(file)
                tolerances = (given.get("rtol", 1e-3), given.get("atol", 1e-7))
            model = onnx.load(os.path.join(path, "model.onnx"))
            yield kind, name, model, tolerances, lambda names, p=path: sets_on_disk(
                p, names["input"], names["output"]
            )


def export(folder, release=None):
    """Writes all cases below `folder`; gives the index of them, which stands in `index.json` too."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    index = {"release": release or onnx.__version__, "cases": [], "uncarried": {}}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = released_cases(release, scratch) if release else installed_cases()
        for kind, name, model, tolerances, sets in cases:
            if reason := uncarried(model):
                index["uncarried"][reason] = index["uncarried"].get(reason, 0) + 1
                continue
            try:
                write_case(os.path.join(folder, kind + "__" + name), model, tolerances, sets)
            except TypeError:
                # Data that is no tensor: the value is one that a graph takes from a sequence.
                shutil.rmtree(os.path.join(folder, kind + "__" + name))
                index["uncarried"]["other"] = index["uncarried"].get("other", 0) + 1
                continue
            operators = sorted({(n.domain + "." if n.domain else "") + n.op_type for n in walk(model.graph)})
            index["cases"].append({"name": kind + "__" + name, "operators": operators})
    with open(os.path.join(folder, "index.json"), "w") as file:
        json.dump(index, file)
    return index
