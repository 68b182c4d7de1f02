"""The MLP in ONNX Runtime, for the peers written in Python. MLP_FILE names it."""

import os

import numpy
import onnxruntime

NAME, LARGEST = "mlp", 64


def load():
    """A function from rows to rows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.environ["MLP_FILE"], options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def rows_of(document):
    tensor = document["inputs"][0]
    return numpy.array(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"])


def answer(y):
    return {"model_name": NAME, "outputs": [
        {"name": "y", "shape": list(y.shape), "datatype": "FP32", "data": y.ravel().tolist()}]}
