"""A network 784-512-512-10 in ONNX on each server: the peers run the same file with ONNX Runtime."""

import json
import os
import random
import shutil
import subprocess
import urllib.request

from infer_request import rounded
from installation import build_swerve, quietly, say, virtual_environment
from mlp_model_file import model_file
from paced import PYTHON_PEERS
from processes import Server, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
LARGEST = 64
TRITON_MODEL = f"""name: "mlp"
backend: "python"
max_batch_size: {LARGEST}
input [{{ name: "x" data_type: TYPE_FP32 dims: [784] }}]
output [{{ name: "y" data_type: TYPE_FP32 dims: [10] }}]
instance_group [{{ kind: KIND_CPU count: 1 }}]
dynamic_batching {{ }}
"""
PATHS = {"LitServe": "/predict", "BentoML": "/predict"}
PATH = "/v2/models/mlp/infer"


class MlpRequest:
    """784 numbers of an image's range, in JSON; what `Load` sends."""

    model, form, packed = "mlp", "json", False
    headers = {"Content-Type": "application/json"}

    def __init__(self, path=PATH):
        dice = random.Random(5)
        self.path = path
        self.values = rounded([round(dice.random(), 4) for _ in range(784)])
        data = [float(f"{value:.5g}") for value in self.values]
        self.body = json.dumps(
            {"inputs": [{"name": "x", "shape": [1, 784], "datatype": "FP32", "data": data}]}).encode()

    @property
    def whole(self):
        lines = [f"POST {self.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
                 f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body

    def answer_from(self, port):
        """The ten numbers that the server at `port` answers."""
        url = f"http://127.0.0.1:{port}{self.path}"
        with urllib.request.urlopen(urllib.request.Request(url, self.body, self.headers), timeout=60) as reply:
            return json.load(reply)["outputs"][0]["data"]


class Mlp:
    """Starts servers with the network; each start is a fresh process."""

    def __init__(self, installation):
        self.installation, self.scratch = installation, installation.scratch
        if "SWERVE_BIN" not in os.environ:
            build_swerve("onnx")
        self.file = model_file(installation)
        folder = os.path.join(self.scratch, "mlp-swerve", "mlp", "1")
        os.makedirs(folder)
        shutil.copy(self.file, os.path.join(folder, "model.onnx"))
        self.peers = {"Triton": self.triton}
        for name, (environment, requirements) in PYTHON_PEERS.items():
            root = self.environment(name, environment, requirements)
            if root:
                start = getattr(self, environment)
                self.peers[name] = lambda start=start, root=root: start(root)

    def environment(self, name, folder, requirements):
        try:
            root = virtual_environment(os.path.join(self.installation.peers, folder), requirements)
            with_packages(root, ["numpy", "onnxruntime"])
        except SystemExit as error:
            say(f"NOT COMPARED WITH {name}, which cannot be installed here: {error}")
            return None
        return root

    def start(self, name, port, command, ready, environment=None):
        settings = {"MLP_FILE": self.file, "PYTHONPATH": HERE, **(environment or {})}
        command = ["env", *(f"{key}={value}" for key, value in settings.items()), *command]
        server = Server(name, port, command, self.scratch, ready)
        server.path = PATHS.get(name, PATH)
        return server

    def swerve(self):
        port = free_port()
        command = [
            self.installation.swerve, "serve", "--models", os.path.join(self.scratch, "mlp-swerve"), "--port", str(port)]
        return self.start("Swerve", port, command, "/v2/health/ready")

    def triton(self):
        port, repository = free_port(), os.path.join(self.scratch, "mlp-triton")
        version = os.path.join(repository, "mlp", "1")
        os.makedirs(version, exist_ok=True)
        shutil.copy(os.path.join(HERE, "mlp_triton.py"), os.path.join(version, "model.py"))
        with open(os.path.join(repository, "mlp", "config.pbtxt"), "w", encoding="utf-8") as file:
            file.write(TRITON_MODEL)
        root = os.path.join(self.installation.peers, "triton")
        with_packages(root, ["numpy", "onnxruntime"])
        program = self.installation.tritonserver
        command = [
            program, "--model-repository", repository, "--backend-directory",
            self.triton_backends(os.path.dirname(os.path.dirname(program)), root), "--http-address", "127.0.0.1",
            "--http-port", str(port), "--allow-grpc", "false", "--allow-metrics", "false"]
        python = os.path.join(root, "bin", "python")
        ask = "import site, sysconfig; print(site.getsitepackages()[0], sysconfig.get_config_var('LIBDIR'))"
        packages, library = subprocess.run(
            [python, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
        return self.start("Triton", port, command, "/v2/health/ready", {
            "PATH": f"{root}/bin:{os.environ['PATH']}", "PYTHONPATH": f"{HERE}:{packages}", "LD_LIBRARY_PATH": library})

    def triton_backends(self, installed, root):
        """Triton's Python backend, with the program beside it that fits the environment's Python."""
        backend = os.path.join(self.scratch, "triton-backends", "python")
        if not os.path.exists(backend):
            shutil.copytree(os.path.join(installed, "backends", "python"), backend)
            python = [os.path.join(root, "bin", "python"), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            version = subprocess.run(python, capture_output=True, text=True, check=True).stdout.strip()
            stub = "triton_python_backend_stub"
            shutil.copy(os.path.join(installed, "python_backend_stubs", version, stub), os.path.join(backend, stub))
        return os.path.dirname(backend)

    def litserve(self, root):
        port = free_port()
        command = [os.path.join(root, "bin", "python"), os.path.join(HERE, "mlp_litserve.py"), str(port)]
        return self.start("LitServe", port, command, "/health")

    def mlserver(self, root):
        port, folder = free_port(), os.path.join(self.scratch, "mlp-mlserver", "mlp")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "model-settings.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "mlp", "implementation": "mlp_mlserver.Mlp", "max_batch_size": LARGEST,
                       "max_batch_time": 0.002}, file)
        with open(os.path.join(os.path.dirname(folder), "settings.json"), "w", encoding="utf-8") as file:
            json.dump({"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
                       "parallel_workers": 0, "debug": False}, file)
        command = [os.path.join(root, "bin", "mlserver"), "start", os.path.dirname(folder)]
        return self.start("MLServer", port, command, "/v2/health/ready")

    def bentoml(self, root):
        port = free_port()
        command = [os.path.join(root, "bin", "bentoml"), "serve", "mlp_bentoml:Mlp", "--host", "127.0.0.1",
                   "--port", str(port), "--working-dir", HERE]
        return self.start("BentoML", port, command, "/readyz", {
            "BENTOML_HOME": os.path.join(self.scratch, "bentoml"), "BENTOML_DO_NOT_TRACK": "True"})


def with_packages(root, names):
    """Installs what of them the environment lacks."""
    python = os.path.join(root, "bin", "python")
    there = subprocess.run([python, "-c", f"import {', '.join(names)}"], capture_output=True, check=False)
    if there.returncode:
        quietly([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *names])
