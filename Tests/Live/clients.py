"""Clients that people use, against a real server. See scripts/client-test."""

import sys

import client_browser
import client_curl
import client_requests
import client_triton
from server import Server
from steps import Steps


def main():
    steps = Steps()
    with Server() as server:
        for module in (client_triton, client_requests, client_curl, client_browser):
            module.add(steps, server)
        steps.run("the server ends in order", ends_in_order, server)
    return steps.finish()


def ends_in_order(server):
    code = server.stop()
    if code != 0:
        raise AssertionError(f"exit code {code}")


if __name__ == "__main__":
    sys.exit(main())
