"""A model that takes a fixed time and some more for each row, on each server."""

import json
import os
import shutil
import subprocess

from installation import ROOT, quietly, say, virtual_environment
from processes import Server, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
FIXED, PER_ROW, LARGEST = 10_000, 500, 32  # microseconds, microseconds, rows
DEADLINE = 5 * (FIXED + PER_ROW * LARGEST)  # microseconds: five times what the best batch takes
BODY = json.dumps({
    "inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1.5]}],
    "parameters": {"timeout": DEADLINE}}).encode()

TRITON_MODEL = f"""name: "paced"
backend: "benchmark"
max_batch_size: {LARGEST}
input [{{ name: "x" data_type: TYPE_FP32 dims: [1] }}]
output [{{ name: "y" data_type: TYPE_FP32 dims: [1] }}]
instance_group [{{ kind: KIND_CPU count: 1 }}]
dynamic_batching {{
  default_queue_policy {{ allow_timeout_override: true default_timeout_microseconds: {DEADLINE} }}
}}
"""

PYTHON_PEERS = {
    "LitServe": ("litserve", ["litserve==0.2.19", "numpy"]),
    "MLServer": ("mlserver", ["mlserver==1.7.1", "uvloop<0.22", "setuptools<81"]),
    "BentoML": ("bentoml", ["bentoml==1.4.39", "numpy", "setuptools<81"]),
}


class Paced:
    """Starts servers with the model; each start is a fresh process."""

    def __init__(self, installation):
        self.installation, self.scratch = installation, installation.scratch
        cost = [f"-DPACED_FIXED_MICROSECONDS={FIXED}", f"-DPACED_ROW_MICROSECONDS={PER_ROW}"]
        header = ["-I", os.path.join(ROOT, "Sources", "CSwervePlugin", "include")]
        plugin = installation.compile("plugin", ["-shared", "-fPIC", *cost, *header], "paced.so")
        for folder, settings in (("batching", {}), ("single", {"max_batch": 1})):
            os.makedirs(os.path.join(self.scratch, folder, "paced", "1"))
            shutil.copy(plugin, os.path.join(self.scratch, folder, "paced", "1", "plugin.so"))
            with open(os.path.join(self.scratch, folder, "paced", "model.json"), "w", encoding="utf-8") as file:
                json.dump(settings, file)
        installation.compile(
            "triton_backend", ["-shared", "-fPIC", *cost], "backends/benchmark/libtriton_benchmark.so")
        os.makedirs(os.path.join(self.scratch, "triton-batching", "paced", "1"))
        with open(os.path.join(self.scratch, "triton-batching", "paced", "config.pbtxt"), "w", encoding="utf-8") as file:
            file.write(TRITON_MODEL)
        self.arrivals = self.compile("arrivals", ["-lm"])
        self.offline = self.compile("offline", ["-I", os.path.join(HERE, "..", "http", "native"), *cost])
        self.peers = {"Triton": self.triton, **self.install_python_peers()}

    def compile(self, name, options):
        path = os.path.join(self.scratch, name)
        quietly(["gcc", "-O2", "-Wall", os.path.join(HERE, "native", f"{name}.c"), "-o", path, *options])
        return path

    def install_python_peers(self):
        found = {}
        for name, (folder, requirements) in PYTHON_PEERS.items():
            try:
                root = virtual_environment(os.path.join(self.installation.peers, folder), requirements)
            except SystemExit as error:
                say(f"NOT COMPARED WITH {name}, which cannot be installed here: {error}")
                continue
            found[name] = lambda folder=folder, root=root: getattr(self, folder)(root)
        return found

    def capacity(self, seconds):
        """Rows a second of the model alone, at its best batch size."""
        done = subprocess.run(
            [self.offline, str(LARGEST), str(seconds)], capture_output=True, text=True, check=True, timeout=300)
        return float(done.stdout)

    def request_file(self, path):
        """The bytes of the request to `path`, in a file."""
        file_path = os.path.join(self.scratch, f"request{path.replace('/', '-')}")
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
                 f"Content-Length: {len(BODY)}"]
        with open(file_path, "wb") as file:
            file.write("\r\n".join([*lines, "", ""]).encode() + BODY)
        return file_path

    # Each server, and nothing else on it.

    def start(self, name, port, command, ready, environment=None):
        cost = {"PACED_FIXED": str(FIXED), "PACED_ROW": str(PER_ROW), "PACED_LARGEST": str(LARGEST)}
        settings = [f"{key}={value}" for key, value in {**cost, **(environment or {})}.items()]
        return Server(name, port, ["env", *settings, *command], self.scratch, ready)

    def swerve(self, models="batching", name="Swerve"):
        port = free_port()
        folder = os.path.join(self.scratch, models)
        command = [self.installation.swerve, "serve", "--models", folder, "--port", str(port)]
        return self.start(name, port, command, "/v2/health/ready")

    def triton(self):
        port = free_port()
        command = [
            self.installation.tritonserver, "--model-repository", os.path.join(self.scratch, "triton-batching"),
            "--backend-directory", self.installation.triton_backends, "--http-address", "127.0.0.1",
            "--http-port", str(port), "--allow-grpc", "false", "--allow-metrics", "false"]
        return self.start("Triton", port, command, "/v2/health/ready")

    def litserve(self, root):
        port = free_port()
        command = [os.path.join(root, "bin", "python"), os.path.join(HERE, "litserve_app.py"), str(port)]
        return self.start("LitServe", port, command, "/health")

    def mlserver(self, root):
        port, folder = free_port(), os.path.join(self.scratch, "mlserver", "paced")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "model-settings.json"), "w", encoding="utf-8") as file:
            json.dump({
                "name": "paced", "implementation": "mlserver_model.Paced", "max_batch_size": LARGEST,
                "max_batch_time": 0.005}, file)
        with open(os.path.join(os.path.dirname(folder), "settings.json"), "w", encoding="utf-8") as file:
            json.dump({
                "host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
                "parallel_workers": 0, "debug": False}, file)
        command = [os.path.join(root, "bin", "mlserver"), "start", os.path.dirname(folder)]
        return self.start("MLServer", port, command, "/v2/health/ready", {"PYTHONPATH": HERE})

    def bentoml(self, root):
        port = free_port()
        command = [
            os.path.join(root, "bin", "bentoml"), "serve", "bentoml_service:Paced", "--host", "127.0.0.1",
            "--port", str(port), "--working-dir", HERE]
        return self.start("BentoML", port, command, "/readyz", {
            "BENTOML_HOME": os.path.join(self.scratch, "bentoml"), "BENTOML_DO_NOT_TRACK": "True"})


# Where each server takes the model's requests.
PATHS = {"LitServe": "/predict", "BentoML": "/predict"}


def path_of(name):
    return PATHS.get(name, "/v2/models/paced/infer")
