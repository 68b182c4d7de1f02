"""Measures the HTTP and tensor path beside its peers and prints a Markdown table. See the script `run`."""

import argparse
import json
import os
import platform
import resource
import signal
import sys
import tempfile
import time

from disturbance import cores_of_others
from installation import Installation, say
from processes import put_before_others
from sections import Sections
from servers import CORES, Servers
from table import markdown


def machine():
    """The processor, as the kernel calls it, and how much of it there is."""
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {CORES} cores, {memory:.0f} GiB, Linux {platform.release()}"


def allow_many_connections():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/http/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under 5 minutes")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to FILE")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped too
    allow_many_connections()

    rows = []
    with tempfile.TemporaryDirectory(prefix="swerve-benchmark-") as scratch:
        servers = Servers(Installation(scratch))
        put_before_others()
        begin = time.monotonic()
        for row in Sections(servers, options.quick).rows():
            rows.append(row)
            say(f"{time.monotonic() - begin:.0f} s: {row.name}: {row.unit}: {row.ours:.4g} against {row.peers}")
        minutes = (time.monotonic() - begin) / 60

    print(f"{machine()}. Measured in {minutes:.1f} minutes{', --quick' if options.quick else ''};"
          f" meanwhile other processes used {cores_of_others():.1f} cores.\n")
    print(markdown(rows))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": [row.as_json() for row in rows]}, file, indent=1)


if __name__ == "__main__":
    main()
