"""A page in real Chromium calls an API of another origin: with methods for OPTIONS, by LocalStack's answer to preflights, and by an HTTP API's rules."""

import json
import os
import queue
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness.apigateway import mock
from test_apigateway_http import telling
from test_apigateway_v2 import HttpApi

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is missing: run tests/ui/setup.sh")

PAGE = """<!doctype html><script>
async function one([url, options]) {
  try { const answer = await fetch(url, options); return [answer.status, await answer.text(), answer.headers.get("x-shown")]; }
  catch (error) { return String(error); }
}
(async () => {
  const results = [];
  for (const call of CALLS) results.push(await one(call));
  await fetch("/told", {method: "POST", body: JSON.stringify(results)});
})();
</script>"""


class Page:
    """A server whose page makes calls and tells what it saw."""

    def __init__(self, calls):
        told = self.told = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(PAGE.replace("CALLS", json.dumps(calls)).encode())

            def do_POST(self):
                told.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.answer(b"")

            def answer(self, body):
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def browse(tmp_path):
    """What a page saw: browse([(url, options of fetch), …])."""
    pages, browsers = [], []

    def run(calls):
        page = Page(calls)
        pages.append(page)
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", page.origin]
        browsers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True))
        return page.told.get(timeout=60)

    yield run
    for browser in browsers:
        browser.terminate()
        browser.wait(20)
    for page in pages:
        page.server.shutdown()
        page.server.server_close()


PUT = {"method": "PUT", "headers": {"content-type": "application/json", "x-mine": "1"}, "body": "{}"}


def test_a_page_calls_a_rest_api(api, browse):
    shown = {"Access-Control-Allow-Origin": "'*'", "Access-Control-Expose-Headers": "'x-shown'", "X-Shown": "'yes'"}
    allowed = {"Access-Control-Allow-Origin": "'*'", "Access-Control-Allow-Methods": "'PUT'", "Access-Control-Allow-Headers": "'content-type,x-mine'"}
    api.method("/own", "PUT", **mock("put", parameters=shown)).method("/own", "OPTIONS", **mock("", parameters=allowed))
    api.method("/strict", "PUT", **mock("put", parameters=shown))
    api.method("/strict", "OPTIONS", **mock("", parameters={**allowed, "Access-Control-Allow-Headers": "'content-type'"}))
    api.method("/auto", "PUT", **mock("put", parameters=shown))
    api.method("/silent", "GET", **mock("no field allows it"))
    api.deploy()
    seen = browse([(api.url("/own"), PUT), (api.url("/strict"), PUT), (api.url("/auto"), PUT), (api.url("/silent"), {})])
    assert seen[0] == [200, "put", "yes"]
    # A field that the API doesn't allow, and an answer that allows no origin.
    assert "Failed to fetch" in seen[1]
    assert seen[2] == [200, "put", "yes"]
    assert "Failed to fetch" in seen[3]


def test_a_page_calls_an_http_api(gateway, unique, origin, browse):
    server = origin(telling(200, [("content-type", "text/plain"), ("x-shown", "yes")], b"told"))
    rules = {"AllowOrigins": ["http://*"], "AllowMethods": ["PUT"], "AllowHeaders": ["content-type", "x-mine"], "ExposeHeaders": ["x-shown"]}
    api = HttpApi(gateway, unique("http"), CorsConfiguration=rules).route("ANY /pets", server.url).deploy()
    closed = HttpApi(gateway, unique("http"), CorsConfiguration={"AllowOrigins": ["https://other.example"]}).route("ANY /pets", server.url).deploy()
    host = f"execute-api.localhost:{gateway.proxy.address[1]}"
    seen = browse([(f"http://{api.id}.{host}/pets", PUT), (f"http://{closed.id}.{host}/pets", PUT), (f"http://{closed.id}.{host}/pets", {})])
    assert seen[0] == [200, "told", "yes"]
    assert "Failed to fetch" in seen[1] and "Failed to fetch" in seen[2]
