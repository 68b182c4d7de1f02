"""A page of another origin, in a real browser, that asks the server with fetch()."""

import html
import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading

from server import Server
from steps import Skipped, expect

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]

PAGE = """<!doctype html><meta charset="utf-8"><title>fetch</title><pre id="result">waiting</pre><script>
const server = "%s"
const results = {}
const ask = async (name, path, options) => {
  try {
    const answer = await fetch(server + path, options)
    const body = options && options.binary ? Array.from(new Uint8Array(await answer.arrayBuffer())) : await answer.json()
    results[name] = {status: answer.status, body, length: answer.headers.get("Inference-Header-Content-Length")}
  } catch (error) { results[name] = {failed: String(error)} }
}
const run = async () => {
  const type = {"Content-Type": "application/json"}
  await ask("get", "/v2/models/identity")
  await ask("predict", "/v1/models/half_plus_two:predict",
    {method: "POST", headers: type, body: JSON.stringify({instances: [1, 2, 5]})})
  await ask("refusal", "/v2/models/identity/infer", {method: "POST", headers: type, body: "{"})
  const tensor = {name: "INPUT0", shape: [1, 2], datatype: "FP32", parameters: {binary_data_size: 8}}
  const head = new TextEncoder().encode(JSON.stringify({inputs: [tensor], parameters: {binary_data_output: true}}))
  const body = new Uint8Array(head.length + 8)
  body.set(head)
  body.set(new Uint8Array(new Float32Array([1.5, -2.25]).buffer), head.length)
  await ask("binary", "/v2/models/identity/infer", {method: "POST", binary: true, body,
    headers: {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": String(head.length)}})
  document.getElementById("result").textContent = JSON.stringify(results)
}
run()
</script>"""


def add(steps, _):
    steps.run("browser: fetch() from another origin", from_allowed_origin)
    steps.run("browser: fetch() from an origin that is not allowed", from_other_origin)


class PageServer:
    """A web server of its own, and so another origin."""

    def __enter__(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = self.path == "/"
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                if found:
                    self.wfile.write((PAGE % owner.target).encode())

            def log_message(self, *_):
                pass

        self.target = ""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def results(page):
    """Opens the page and reads what its script has found out."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise Skipped(f"none of {', '.join(BROWSERS)} is installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as profile:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [browser, "--headless", *sandbox, "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             f"--user-data-dir={profile}", "--virtual-time-budget=20000", "--dump-dom", page.origin],
            capture_output=True, timeout=180, text=True)
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    expect(found, f"no result in the page; {browser} ended with {done.returncode}: {done.stderr[-500:]}")
    return json.loads(html.unescape(found.group(1)))


def from_allowed_origin():
    with PageServer() as page, Server("--cors-origins", page.origin) as server:
        page.target = f"http://127.0.0.1:{server.port}"
        found = results(page)
    expect(found["get"]["status"] == 200 and found["get"]["body"]["name"] == "identity", f"get: {found['get']}")
    expect(found["predict"]["body"] == {"predictions": [2.5, 3.0, 4.5]}, f"predict: {found['predict']}")
    expect(found["refusal"]["status"] == 400 and "error" in found["refusal"]["body"], f"refusal: {found['refusal']}")
    binary = found["binary"]
    expect(binary["status"] == 200 and binary["length"], f"binary: {binary}")
    expect(binary["body"][-8:] == [0, 0, 0xC0, 0x3F, 0, 0, 0x10, 0xC0], f"binary: {binary}")


def from_other_origin():
    with PageServer() as page, Server("--cors-origins", "https://example.org") as server:
        page.target = f"http://127.0.0.1:{server.port}"
        found = results(page)
    expect(all("failed" in result for result in found.values()), f"a page got an answer: {found}")
