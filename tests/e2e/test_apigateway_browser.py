"""Chromium calls an API from a page of another origin, through the plugin apigateway: preflight and the request itself."""

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from harness.apigateway import mock, response
from harness.waiting import until

CHROMIUM = next((found for found in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if found), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (tests/ui/setup.sh installs it)")

# Each call is told in the page's own words: what a script may see, or that the browser refuses it.
PAGE = """<!doctype html><script>
const calls = %s;
const one = async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return {status: answer.status, body: await answer.text(), kind: answer.headers.get("x-kind")};
  } catch (error) {
    return {blocked: String(error)};
  }
};
const all = async () => { const told = []; for (const call of calls) told.push(await one(call)); return told; };
all().then((told) => fetch("/told", {method: "POST", body: JSON.stringify(told)}));
</script>"""


class Site:
    """A page of an origin of its own, and what its script tells."""

    def __init__(self, calls):
        self.told = None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer((PAGE % json.dumps(calls)).encode())

            def do_POST(self):
                site.told = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self._answer(b"")

            def _answer(self, body):
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def browse(tmp_path):
    """What a page's script sees of calls: browse([[url, options of fetch()], …])."""
    running = []

    def start(calls):
        site = Site(calls)
        running.append(site.stop)
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={tmp_path}/profile"]
        browser = subprocess.Popen([CHROMIUM, *options, site.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.append(lambda: (browser.terminate(), browser.wait(20)))
        until(lambda: site.told is not None, "the page told what it saw", 60)
        return site.told

    yield start
    for stop in reversed(running):
        stop()


def with_cors(api, path, verb="POST", **more):
    """A method for pages of all origins, as the console's `Enable CORS` makes it: OPTIONS is a mock, and each answer has the field."""
    origin = {"Access-Control-Allow-Origin": "'*'"}
    preflight = {**origin, "Access-Control-Allow-Methods": f"'{verb},OPTIONS'", "Access-Control-Allow-Headers": "'Content-Type,X-Api-Key'"}
    api.method(path, "OPTIONS", **mock("", parameters=preflight))
    exposed = {**origin, "Access-Control-Expose-Headers": "'X-Kind'", "X-Kind": "'pets'"}
    needs = more.pop("needs", None)
    return api.method(path, verb, needs=needs, templates='{"statusCode": 200}', responses=[response(200, '{"ok": true}', parameters=exposed)])


def test_a_page_of_another_origin(api, browse, unique):
    with_cors(api, "/open")
    with_cors(api, "/keyed", needs={"apiKeyRequired": True})
    with_cors(api, "/put", "PUT")
    # Neither answers the field, nor has a method for OPTIONS.
    api.method("/closed", "POST", **mock()).deploy()
    # What the gateway itself says is for pages, too.
    origin = {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}
    api.client.put_gateway_response(restApiId=api.id, responseType="DEFAULT_4XX", responseParameters=origin)
    key = api.client.create_api_key(name=unique("key"), enabled=True)
    plan = api.client.create_usage_plan(name=unique("plan"), apiStages=[{"apiId": api.id, "stage": "dev"}])["id"]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    send = {"method": "POST", "headers": {"content-type": "application/json"}, "body": "{}"}
    keyed = {**send, "headers": {**send["headers"], "x-api-key": key["value"]}}
    told = browse(
        [
            [api.url("/open"), send],
            [api.url("/keyed"), keyed],
            [api.url("/keyed"), send],
            [api.url("/put"), {"method": "PUT"}],
            [api.url("/open"), {**send, "headers": {"x-other": "1"}}],
            [api.url("/put"), {"method": "DELETE"}],
            [api.url("/closed"), {"method": "POST"}],
        ]
    )
    passed = {"status": 200, "body": '{"ok": true}', "kind": "pets"}
    assert told[:2] == [passed, passed]
    assert told[2] == {"status": 403, "body": '{"message":"Forbidden"}', "kind": None}
    assert told[3] == passed
    # A field and a method that the preflight does not allow, and an answer that is for nobody.
    assert all("blocked" in one for one in told[4:]), told[4:]


def test_an_http_api_with_rules_of_its_own(gateway, functions, unique, browse):
    client = gateway.aws("apigatewayv2")
    rules = {"AllowOrigins": ["*"], "AllowMethods": ["POST"], "AllowHeaders": ["content-type"], "ExposeHeaders": ["x-kind"]}
    api_id = client.create_api(Name=unique("api"), ProtocolType="HTTP", CorsConfiguration=rules)["ApiId"]
    function = functions.add(unique("f"), {"statusCode": 200, "headers": {"x-kind": "pets"}, "body": "ok"})
    made = client.create_integration(ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0")
    client.create_route(ApiId=api_id, RouteKey="ANY /pets", Target=f"integrations/{made['IntegrationId']}")
    url = f"{gateway.url}/restapis/{api_id}/$default/_user_request_/pets"
    told = browse([[url, {"method": "POST", "headers": {"content-type": "application/json"}, "body": "{}"}], [url, {"method": "PUT"}]])
    assert told[0] == {"status": 200, "body": "ok", "kind": "pets"}
    assert "blocked" in told[1]
