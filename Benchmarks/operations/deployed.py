"""The servers as they are deployed: Swerve from the root file system of its image, with its demo models."""

import glob
import os
import shutil

from infer_request import InferRequest
from installation import ROOT, quietly, say
from load import Load
from processes import Server, free_port
from servers import Servers

DEMO_MODELS = os.path.join(ROOT, "models")
DEMO_REQUEST = os.path.join(DEMO_MODELS, "fashion", "example", "request-v2.json")


def build_image_root(scratch):
    """The server in the image's root file system, built here, and beside it the same one with its symbols."""
    say("building the root file system of the container image")
    root, build = os.path.join(scratch, "image-root"), os.path.join(ROOT, ".build", "image")
    quietly([os.path.join(ROOT, "scripts", "image-root"), root, build])
    # The image's OpenBLAS has less in it than the system's. No other program that is run here asks for one.
    os.environ["LD_LIBRARY_PATH"] = ":".join(glob.glob(os.path.join(root, "usr", "lib", "*-linux-gnu")))
    program = os.path.join(root, "usr", "bin", "swerve")
    shutil.copy(os.path.join(build, "release", "swerve"), f"{program}-with-symbols")
    return program


class Deployed:
    """Starts servers; each start is a fresh process. `install` makes the installation of a folder."""

    def __init__(self, scratch, install):
        if "SWERVE_BIN" not in os.environ:
            os.environ["SWERVE_BIN"] = build_image_root(scratch)
        self.scratch = scratch
        self.servers = Servers(install(scratch))
        self.program = self.servers.installation.swerve
        with_symbols = f"{self.program}-with-symbols"
        self.program_with_symbols = with_symbols if os.path.exists(with_symbols) else self.program
        self.load = Load(InferRequest("small", "json"), scratch, self.servers.installation.latency)
        self.demo_load = Load(DemoRequest(), scratch, self.servers.installation.latency)

    def swerve(self, name="Swerve", *, flags=(), within=(), program=None):
        """Serves the demo models beside those that the benchmarks use; `within` is a command that runs it."""
        port = free_port()
        command = [
            *within, program or self.program, "serve", "--models", DEMO_MODELS, "--models", self.servers.swerve_models,
            "--port", str(port), *flags]
        return Server(name, port, command, self.scratch, "/v2/health/ready")

    def triton(self, within=()):
        """Serves the models that the benchmarks use: it has no backend here for the others."""
        return self.servers.triton(within)


class DemoRequest:
    """A picture for the demo model: a network, which runs on the workers."""

    model, form, packed = "fashion", "json", False
    path = "/v2/models/fashion/infer"
    headers = {"Content-Type": "application/json"}

    def __init__(self):
        with open(DEMO_REQUEST, "rb") as file:
            self.body = file.read()
        self.whole = self.body
