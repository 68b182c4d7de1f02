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
        small = InferRequest("small", "json")
        self.loads = {"Triton": self.load(small)}
        self.copying = self.load(DemoRequest("identity", small.body.replace(b'"x"', b'"INPUT0"')))
        with open(DEMO_REQUEST, "rb") as file:
            self.network = self.load(DemoRequest("fashion", file.read()))

    def load(self, request):
        return Load(request, self.scratch, self.servers.installation.latency)

    def swerve(self, name="Swerve", *, within=(), program=None):
        """Serves the demo models; `within` is a command that runs it."""
        port = free_port()
        command = [*within, program or self.program, "serve", "--models", DEMO_MODELS, "--port", str(port)]
        return Server(name, port, command, self.scratch, "/v2/health/ready")

    def triton(self, within=()):
        """Serves as many models as the demo has, which copy their input: it has no backend here for the others."""
        return self.servers.triton(within)

    def copy(self, server, connections, seconds):
        """wrk on a model that copies 16 floats."""
        return self.loads.get(server.name, self.copying).many(server, connections, seconds)


class DemoRequest:
    """A request to a demo model, in JSON."""

    form, packed = "json", False
    headers = {"Content-Type": "application/json"}

    def __init__(self, model, body):
        self.model, self.path = model, f"/v2/models/{model}/infer"
        self.body = self.whole = body
