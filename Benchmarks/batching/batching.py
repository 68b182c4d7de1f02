"""Measures batching and overload beside peers, and prints a Markdown table. See the script `run`."""

import argparse
import json
import signal
import sys
import tempfile
import time

from benchmark import allow_many_connections, machine
from curves import svg
from disturbance import cores_of_others
from installation import Installation, say
from mlp import Mlp
from paced import Paced
from processes import put_before_others
from scenarios import SECTIONS, Scenarios
from table import markdown


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/batching/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under 5 minutes")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to FILE")
    parser.add_argument("--svg", metavar="FILE", help="also draw goodput over load to FILE")
    parser.add_argument("--only", choices=SECTIONS, help="measure a part alone")
    options = parser.parse_args()
    sections = [options.only] if options.only else SECTIONS
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped too
    allow_many_connections()

    rows = []
    with tempfile.TemporaryDirectory(prefix="swerve-benchmark-") as scratch:
        installation = Installation(scratch)
        paced = Paced(installation)
        mlp = Mlp(installation) if "mlp" in sections else None
        put_before_others()
        begin = time.monotonic()
        scenarios = Scenarios(paced, mlp, options.quick, sections)
        for row in scenarios.rows():
            rows.append(row)
            say(f"{time.monotonic() - begin:.0f} s: {row.name}: {row.unit}: {row.ours:.4g} against {row.peers}")
        minutes = (time.monotonic() - begin) / 60

    print(f"{machine()}. Measured in {minutes:.1f} minutes{', --quick' if options.quick else ''};"
          f" meanwhile other processes used {cores_of_others():.1f} cores.\n")
    print(markdown(rows))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": [row.as_json() for row in rows]}, file, indent=1)
    if options.svg:
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(svg(scenarios.curves))


if __name__ == "__main__":
    main()
