"""Measures what keeping a server takes, and prints a Markdown table. See the script `run`."""

import argparse
import json
import signal
import sys
import tempfile
import time

from benchmark import allow_many_connections, machine
from deployed import Deployed
from disturbance import cores_of_others
from installation import Installation, say
from metrics_cost import metrics_cost
from processes import put_before_others
from quota import one_core
from start_and_memory import start_and_memory
from table import markdown

SECTIONS = {"start": start_and_memory, "quota": one_core, "metrics": metrics_cost}


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/operations/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under 5 minutes")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to FILE")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="measure this section; may be repeated")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped too
    allow_many_connections()

    rows = []
    with tempfile.TemporaryDirectory(prefix="swerve-benchmark-") as scratch:
        deployed = Deployed(scratch, Installation)
        put_before_others()
        begin = time.monotonic()
        for section in options.only or SECTIONS:
            for row in SECTIONS[section](deployed, options.quick):
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
