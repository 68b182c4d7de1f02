"""Steps of a check: each is run, prints one line, and counts."""

import sys
import traceback


class Skipped(Exception):
    """A step that this machine cannot run; says what is missing."""


class Steps:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0

    def run(self, name, step, *arguments):
        try:
            step(*arguments)
        except Skipped as reason:
            self.skipped += 1
            print(f"SKIP  {name}: {reason}", flush=True)
        except Exception as error:
            self.failed += 1
            print(f"FAIL  {name}: {type(error).__name__} {error}", flush=True)
            traceback.print_exc(file=sys.stderr)
        else:
            self.passed += 1
            print(f"pass  {name}", flush=True)

    def finish(self):
        """The exit code of the check."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed else 0


def expect(condition, what):
    if not condition:
        raise AssertionError(what)
