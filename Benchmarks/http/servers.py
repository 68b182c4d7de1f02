"""How each server is started: the models it gets and its command line."""

import os
import shutil

from infer_request import SHAPES
from processes import Server, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
ONE_NUMBER = "-1, 1"
CORES = len(os.sched_getaffinity(0))

TRITON_MODEL = """name: "{name}"
backend: "benchmark"
max_batch_size: 0
input [{{ name: "x" data_type: TYPE_FP32 dims: [{takes}] }}]
output [{{ name: "y" data_type: TYPE_FP32 dims: [{gives}] }}]
instance_group [{{ kind: KIND_CPU count: 1 }}]
"""

NGINX = """worker_processes auto;
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ default_type application/json; return 200 '{reply}'; }}
  }}
}}
"""


class Servers:
    """Starts servers of an installation; each start is a fresh process."""

    def __init__(self, installation):
        self.installation = installation
        self.scratch = installation.scratch
        self.swerve_models = os.path.join(self.scratch, "models")
        self.triton_models = os.path.join(self.scratch, "triton-models")
        for name, shape in SHAPES.items():
            self.lay_out(name, shape)

    def lay_out(self, name, shape):
        takes = ", ".join(["-1", *map(str, shape[1:])])
        gives = ONE_NUMBER if name.endswith("_mean") else takes
        for folder in (self.swerve_models, self.triton_models):
            os.makedirs(os.path.join(folder, name, "1"))
        shutil.copy(self.installation.plugin, os.path.join(self.swerve_models, name, "1", "plugin.so"))
        with open(os.path.join(self.triton_models, name, "config.pbtxt"), "w", encoding="utf-8") as file:
            file.write(TRITON_MODEL.format(name=name, takes=takes, gives=gives))

    def start(self, name, port, command, ready="/"):
        return Server(name, port, command, self.scratch, ready)

    def swerve(self):
        port = free_port()
        command = [self.installation.swerve, "serve", "--models", self.swerve_models, "--port", str(port)]
        return self.start("Swerve", port, command, "/v2/health/ready")

    def triton(self, within=()):
        """`within` is a command that runs it."""
        program, port = self.installation.tritonserver, free_port()
        command = [
            *within, program, "--model-repository", self.triton_models, "--backend-directory",
            self.installation.triton_backends, "--http-address", "127.0.0.1", "--http-port", str(port),
            "--allow-grpc", "false", "--allow-metrics", "false"]
        return self.start("Triton", port, command, "/v2/health/ready")

    def fastapi(self):
        port = free_port()
        command = [
            self.installation.uvicorn, "--app-dir", HERE, "fastapi_app:app", "--host", "127.0.0.1", "--port",
            str(port), "--workers", str(CORES), "--no-access-log", "--log-level", "warning"]
        return self.start("FastAPI", port, command, "/v2/health/ready")

    def nginx(self, reply):
        port, folder = free_port(), os.path.join(self.scratch, "nginx")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=folder, port=port, reply=reply.decode()))
        return self.start("nginx", port, [self.installation.nginx, "-p", folder, "-c", path])

    def evhttp(self, reply, content_type):
        port, path = free_port(), os.path.join(self.scratch, "reply")
        with open(path, "wb") as file:
            file.write(reply)
        return self.start("evhttp", port, [self.installation.evhttp, str(port), path, content_type])

    def read_write(self, reply_bytes):
        port = free_port()
        return self.start("read and write", port, [self.installation.read_write, str(port), str(reply_bytes)])
