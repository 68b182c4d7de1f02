"""Everything the benchmark runs: what Debian and PyPI give, what is compiled here, and our own server."""

import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TRITON = ["--no-deps", "nvidia-pytriton==0.7.0"]
FASTAPI = ["fastapi", "uvicorn[standard]", "orjson", "numpy"]
PACKAGES = {
    "wrk": lambda: shutil.which("wrk"),
    "nginx-light": lambda: nginx(),
    "gcc": lambda: shutil.which("gcc"),
    "libevent-dev": lambda: os.path.exists("/usr/include/event2/http.h"),
}


def say(text):
    print(f"http: {text}", file=sys.stderr, flush=True)


def quietly(command, **options):
    """Runs a command; its output is shown only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit(f"http: {' '.join(command)} failed:\n{done.stdout[-4000:]}")


def nginx():
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


def install_packages():
    missing = [name for name, present in PACKAGES.items() if not present()]
    if not missing:
        return
    if not shutil.which("apt-get"):
        sys.exit(f"http: missing, and no apt-get here: install what Debian calls {' '.join(missing)}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    say(f"installing from Debian: {' '.join(missing)}")
    quietly([*as_root, "apt-get", "update", "-q"])
    quietly([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y",
             "--no-install-recommends", *missing])


def virtual_environment(folder, requirements):
    """A Python environment with the packages; one that is there is taken as it is."""
    if not os.path.exists(os.path.join(folder, "bin", "python")):
        say(f"installing from PyPI: {requirements[-1] if len(requirements) == 2 else ' '.join(requirements)}")
        quietly([sys.executable, "-m", "venv", folder])
        pip = [os.path.join(folder, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        try:
            quietly([*pip, *requirements])
        except SystemExit:
            shutil.rmtree(folder)
            raise
    return folder


def peers_root(scratch):
    """The folder of the peers' environments. One with a setup.sh is asked to install them where it does."""
    root = os.environ.get("SWERVE_PEERS")
    if not root:
        return scratch
    root = os.path.abspath(root)
    setup = os.path.join(root, "setup.sh")
    if os.path.exists(setup):
        quietly([setup, "triton", "fastapi"])
        return os.environ.get("PEERS_ROOT", os.path.expanduser("~/peers"))
    os.makedirs(root, exist_ok=True)
    return root


class Installation:
    """Paths of all programs. `scratch` is the throw-away folder."""

    def __init__(self, scratch):
        self.scratch = scratch
        install_packages()
        self.peers = peers = peers_root(scratch)
        triton = virtual_environment(os.path.join(peers, "triton"), TRITON)
        fastapi = virtual_environment(os.path.join(peers, "fastapi"), FASTAPI)
        self.tritonserver = one_of(f"{triton}/lib/python3*/site-packages/pytriton/tritonserver/bin/tritonserver")
        self.uvicorn = os.path.join(fastapi, "bin", "uvicorn")
        self.nginx = nginx()
        self.swerve = os.environ.get("SWERVE_BIN") or build_swerve()

        self.evhttp = self.compile("evhttp_constant", ["-levent"])
        self.read_write = self.compile("read_write", ["-pthread"])
        self.latency = self.compile("latency")
        header = ["-I", os.path.join(ROOT, "Sources", "CSwervePlugin", "include")]
        self.plugin = self.compile("plugin", ["-shared", "-fPIC", *header], "plugin.so")
        self.triton_backends = os.path.join(scratch, "backends")
        os.makedirs(os.path.join(self.triton_backends, "benchmark"))
        self.compile("triton_backend", ["-shared", "-fPIC"], "backends/benchmark/libtriton_benchmark.so")

    def compile(self, name, options=(), product=None):
        path = os.path.join(self.scratch, product or name)
        quietly(["gcc", "-O3", "-Wall", os.path.join(HERE, "native", f"{name}.c"), "-o", path, *options])
        return path


def one_of(pattern):
    found = glob.glob(pattern)
    if not found:
        sys.exit(f"http: no {pattern}: remove the environment, so that it is made again")
    return found[0]


def build_swerve(product="swerve"):
    """Builds the server, or a plugin, which the server finds beside itself."""
    say(f"building {product} as its container image has it")
    scratch = os.path.join(ROOT, ".build", "static")
    swift = os.environ.get("SWIFT", "swift")
    quietly([
        swift, "build", "--package-path", ROOT, "--scratch-path", scratch, "-c", "release",
        "--static-swift-stdlib", "--product", product])
    return os.path.join(scratch, "release", product)
