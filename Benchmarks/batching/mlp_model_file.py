"""Writes the network of `mlp.py`, as Benchmarks/models has it."""

import os
import subprocess

from installation import virtual_environment

MODELS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "models")


def model_file(installation):
    """The path of the model's file."""
    path = os.path.join(installation.scratch, "mlp.onnx")
    root = virtual_environment(os.path.join(installation.peers, "runtimes"), ["numpy", "onnx"])
    write = "import pathlib, sys; import models; models.mlp(pathlib.Path(sys.argv[1]))"
    subprocess.run(
        [os.path.join(root, "bin", "python"), "-c", write, path], check=True, env={**os.environ, "PYTHONPATH": MODELS})
    return path
