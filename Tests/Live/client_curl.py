"""curl: Expect: 100-continue, a Unix-domain socket, IPv6, TLS."""

import json
import shutil
import socket
import subprocess
import tempfile

from server import Server
from steps import Skipped, expect

BODY = json.dumps(
    {"inputs": [{"name": "INPUT0", "shape": [1, 2000], "datatype": "FP32", "data": [0.25] * 2000}]}).encode()
PATH = "/v2/models/identity/infer"


def add(steps, server):
    url = f"http://127.0.0.1:{server.port}{PATH}"
    steps.run("curl: Expect: 100-continue is answered 100, then 200", continues, url)
    steps.run("curl: Expect: 100-continue with a body too large is refused before it is sent", refused, server)
    steps.run("curl: a body in chunks, the answer packed", chunked, url)
    steps.run("curl: HTTP/1.0", old_version, url)
    steps.run("curl: two URLs on one connection", two, url)
    steps.run("curl: a Unix-domain socket", unix_socket)
    steps.run("curl: IPv6", version_6)
    steps.run("curl: TLS with a self-signed certificate", secure)


def curl(*arguments, body=BODY):
    """What curl said on standard output and on standard error."""
    if not shutil.which("curl"):
        raise Skipped("no curl on PATH; scripts/setup installs it")
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "30", *arguments], input=body, capture_output=True, timeout=60)
    talk = done.stderr.decode(errors="replace")
    expect(done.returncode == 0, f"curl ended with {done.returncode}: {talk[-500:]}")
    return done.stdout, talk


def check(text):
    expect(json.loads(text)["outputs"][0]["data"] == [0.25] * 2000, f"another answer: {text[:200]}")


def continues(url):
    text, talk = curl("-v", "--http1.1", "--expect100-timeout", "20", "--data-binary", "@-", "-H",
                      "Expect: 100-continue", url)
    check(text)
    lines = talk.splitlines()
    answers = [line for line in lines if line.startswith("< HTTP/1.1 ")]
    expect(answers == ["< HTTP/1.1 100 Continue", "< HTTP/1.1 200 OK"], f"answers {answers}")
    expect("timed out waiting for 100" not in talk.lower(), "curl waited for 100 in vain")


def refused(server):
    """The head announces more than the server takes: the final answer comes in place of 100."""
    with tempfile.NamedTemporaryFile() as large:
        large.truncate(1 << 30)
        text, talk = curl("-v", "--http1.1", "--expect100-timeout", "20", "-T", large.name, "-X", "POST", "-H",
                          "Expect: 100-continue", f"http://127.0.0.1:{server.port}{PATH}")
    expect("HTTP/1.1 413" in talk and "100 Continue" not in talk, f"not refused: {talk[-500:]}")
    expect("error" in json.loads(text), f"no error document: {text[:200]}")


def chunked(url):
    text, talk = curl("-v", "--compressed", "--http1.1", "-T", "-", "-X", "POST", url)
    check(text)
    expect("> Transfer-Encoding: chunked" in talk, "curl did not send chunks")
    expect("< Content-Encoding: " in talk, "the answer is not packed")


def old_version(url):
    check(curl("--http1.0", "--data-binary", "@-", url)[0])


def two(url):
    text, talk = curl("-v", "--data-binary", "@-", url, url)
    check(text[:len(text) // 2])
    expect("Re-using existing connection" in talk, "the connection was not kept")


def unix_socket():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/swerve.sock"
        with Server("--unix-socket", path):
            check(curl("--unix-socket", path, "--data-binary", "@-", f"http://localhost{PATH}")[0])


def version_6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        raise Skipped(f"this machine has no IPv6: {error}") from None
    with Server(host="::1") as server:
        check(curl("-g", "--data-binary", "@-", f"http://[::1]:{server.port}{PATH}")[0])
    with Server(host="::") as server:
        for host in ("[::1]", "127.0.0.1"):
            check(curl("-g", "--data-binary", "@-", f"http://{host}:{server.port}{PATH}")[0])


def secure():
    if not shutil.which("openssl"):
        raise Skipped("no openssl on PATH to make a certificate with")
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days",
             "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True)
        with Server("--tls-certificate", certificate, "--tls-key", key) as server:
            url = f"https://127.0.0.1:{server.port}{PATH}"
            check(curl("--cacert", certificate, "--data-binary", "@-", url)[0])
            check(curl("--cacert", certificate, "--http1.1", "-H", "Expect: 100-continue", "--data-binary", "@-", url)[0])
            check(curl("--cacert", certificate, "--tlsv1.2", "--tls-max", "1.2", "--data-binary", "@-", url)[0])
            done = subprocess.run(["curl", "-sS", f"https://127.0.0.1:{server.port}/readyz"], capture_output=True)
            expect(done.returncode == 60, f"an unknown authority was trusted: {done.returncode}")
