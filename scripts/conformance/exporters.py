"""Makes models as exporters write them, and compares the engine's outputs with onnxruntime's."""

import argparse
import collections
import os
import pathlib
import shutil
import sys
import traceback

import numpy
import onnx
import onnxruntime
from onnx import numpy_helper

import contrib
import optimized
import trees
from run import Runner


def reference(path, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs)))


def proto(name, value):
    if value.dtype.kind in "OU":
        value = value.astype(object)
    return numpy_helper.from_array(numpy.asarray(value), name)


def write(folder, case):
    """Writes a case as onnx's backend tests lie in folders; gives what went wrong, if anything did."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "test_data_set_0").mkdir(parents=True)
    path = folder / "model.onnx"
    if isinstance(case.model, onnx.ModelProto):
        onnx.save(case.model, str(path))
    else:
        shutil.copy(case.model, path)
    outputs = reference(path, case.inputs)
    for kind, values in (("input", case.inputs), ("output", outputs)):
        for index, (name, value) in enumerate(values.items()):
            with open(folder / "test_data_set_0" / f"{kind}_{index}.pb", "wb") as file:
                file.write(proto(name, value).SerializeToString())
    (folder / "tolerances").write_text(f"{case.relative} {case.absolute}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True)
    parser.add_argument("--cases", required=True)
    parser.add_argument("--models", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    runner = Runner(arguments.runner, arguments.seconds)
    count, left_out = collections.Counter(), []
    kinds = collections.defaultdict(collections.Counter)
    sources = [("exported by converters", trees.cases()), ("operators of com.microsoft", contrib.cases())]
    if arguments.models:
        work = pathlib.Path(arguments.cases) / "work"
        work.mkdir(parents=True, exist_ok=True)
        sources.append(("optimised or quantised by onnxruntime", optimized.cases(pathlib.Path(arguments.models), work)))
    for kind, cases in sources:
        for name, make in cases:
            if arguments.only not in name:
                continue
            folder = pathlib.Path(arguments.cases) / name
            try:
                write(folder, make())
            except Exception as error:  # A converter or onnxruntime itself that cannot do it is no case.
                left_out.append(f"{name}: {str(error).strip().splitlines()[0][:150] if str(error).strip() else repr(error)}")
                if arguments.verbose:
                    traceback.print_exc(file=sys.stderr)
                continue
            verdict, reason = runner.run(os.path.abspath(folder))
            count[verdict] += 1
            kinds[kind][verdict] += 1
            if verdict != "passed":
                print(f"{verdict} {name}: {reason[:400]}", flush=True)
    print("\n| models | passed | failed | unsupported |\n|---|---:|---:|---:|")
    for kind, counts in kinds.items():
        print(f"| {kind} | " + " | ".join(str(counts[v]) for v in ("passed", "failed", "unsupported")) + " |")
    for line in left_out:
        print(f"not made: {line}")
    return count["failed"] > 0


if __name__ == "__main__":
    raise SystemExit(main())
