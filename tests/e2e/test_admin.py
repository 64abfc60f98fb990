"""The admin API of the real program: what its document says is so, strangers change nothing, plugins go back and forth under load."""

import http.client
import json
import os
import socket
import stat
import subprocess
import threading

import pytest
import schemathesis
from harness.config import configured  # noqa: F401
from harness.origin import answer
from harness.servers import GUESTS, TOLLGATE, environment
from harness.traffic import Traffic, get, kept
from harness.waiting import until
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

OK = answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
TOKEN = "0123456789abcdef0123456789abcdef"


def mark(version):
    """The guest `mark`, which says its version in the field x-mark."""
    text = (GUESTS / "mark.wat").read_text()
    assert "v000" in text
    return text.replace("v000", version)


class Admin:
    """Speaks to the admin listener of a proxy that was configured with one."""

    def __init__(self, proxy, token=None):
        self.proxy = proxy
        self.token = token
        line = proxy.process.wait_for(r"admin: listens on (\S+)", label="err")
        self.address = line.group(1)
        self.plugins = proxy.directory / "plugins"

    def connect(self):
        if self.address.startswith("unix:"):
            connection = http.client.HTTPConnection("localhost", timeout=20)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(self.address.removeprefix("unix:"))
            return connection
        return http.client.HTTPConnection(self.address, timeout=20)

    def ask(self, method, path, body=None, **fields):
        """Status, fields and JSON (or text) of an answer."""
        headers = {"x-tollgate-admin": "1", **{name.replace("_", "-"): value for name, value in fields.items()}}
        if self.token:
            headers.setdefault("authorization", f"Bearer {self.token}")
        if body is not None:
            headers.setdefault("content-type", "application/json")
        connection = self.connect()
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        kind = response.getheader("content-type", "")
        return response.status, response.headers, json.loads(text) if "json" in kind else text

    def post(self, path):
        status, _, value = self.ask("POST", path)
        assert status == 200, value
        return value

    def plugin(self, name):
        return self.ask("GET", f"/api/v1/plugins/{name}")[2]

    def save(self, name, text):
        new = self.plugins / f".{name}.new"
        new.write_text(text)
        os.replace(new, self.plugins / name)


@pytest.fixture
def admin(configured, origin):  # noqa: F811
    """Starts a proxy with an admin listener: admin({"address": …}), and the guest `mark` as its plugin."""

    def start(table=None, token=None):
        backend = origin(OK)
        table = {"address": "127.0.0.1:0", **(table or {})}
        proxy = configured({"backend": backend.url, "admin": table})
        started = Admin(proxy, token)
        started.save("mark.wat", mark("v001"))
        until(lambda: started.plugin("mark").get("serving"), "mark serves")
        return started

    return start


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """The document of a proxy that runs, with its base URL."""
    from harness.config import Configured

    directory = tmp_path_factory.mktemp("document")
    proxy = Configured(directory, {"admin": {"address": "127.0.0.1:0"}})
    try:
        running = Admin(proxy)
        running.save("mark.wat", mark("v001"))
        until(lambda: running.plugin("mark").get("serving"), "mark serves")
        url = f"http://{running.address}"
        loaded = schemathesis.openapi.from_url(f"{url}/openapi.json")
        loaded.config.update(base_url=url)
        yield loaded
    finally:
        proxy.stop()


def test_what_the_document_says_is_so(document):
    """Requests as the document describes them, and such as it excludes: each operation, a bounded number of examples."""
    tried = 0
    for found in document.get_all_operations():
        operation = found.ok()
        if operation.path == "/api/v1/events":
            # What never ends can't be compared with its description.
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def try_it(case):
            if case.method.upper() != "GET":
                case.headers = {**(case.headers or {}), "x-tollgate-admin": "1"}
            # A filter, a setting and a place in the order have rules that JSON Schema does not know.
            case.call_and_validate(timeout=20, excluded_checks=[positive_data_acceptance])

        try_it()
        tried += 1
    assert tried >= 15


def test_a_page_of_another_origin_changes_nothing(admin):
    running = admin()
    disable = "/api/v1/plugins/mark/disable"
    strangers = [
        (403, {"x_tollgate_admin": "0"}),
        (403, {"origin": "http://evil.example"}),
        (403, {"origin": "null"}),
        (403, {"sec_fetch_site": "cross-site"}),
        (415, {"content_type": "text/plain", "body": {}}),
        (421, {"host": "evil.example"}),
        (421, {"host": "evil.example:4599"}),
    ]
    for expected, fields in strangers:
        status, _, problem = running.ask("POST", disable, **fields)
        assert (status, problem["status"]) == (expected, expected), fields
    assert running.ask("GET", "/api/v1/status", host="evil.example")[0] == 421
    assert running.plugin("mark")["enabled"]
    status, headers, _ = running.ask("GET", "/api/v1/status")
    assert "access-control-allow-origin" not in headers
    assert running.ask("OPTIONS", disable, origin="http://evil.example")[0] == 403
    own = f"http://{running.address}"
    assert running.ask("POST", disable, origin=own, sec_fetch_site="same-origin")[0] == 200


def test_a_unix_socket_is_for_its_owner_and_goes_with_the_proxy(admin, tmp_path):
    path = tmp_path / "admin.sock"
    running = admin({"address": f"unix:{path}"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert running.ask("GET", "/api/v1/status")[2]["admin"] == f"unix:{path}"
    shown = command("plugins", "--admin", f"unix:{path}")
    assert "mark" in shown.stdout and shown.returncode == 0, shown
    running.proxy.stop()
    assert not path.exists()


def test_a_token_is_asked_for(admin, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    running = admin({"token-file": str(file)}, token=TOKEN)
    assert running.ask("GET", "/api/v1/status")[0] == 200
    for wrong in ["Bearer", f"Bearer {TOKEN}0", f"Basic {TOKEN}", ""]:
        status, headers, _ = running.ask("GET", "/api/v1/status", authorization=wrong)
        assert (status, headers["www-authenticate"]) == (401, "Bearer"), wrong
    assert running.ask("GET", "/ready", authorization="")[0] == 200
    status, headers, _ = running.ask("GET", f"/?token={TOKEN}", authorization="")
    cookie = headers["set-cookie"]
    assert (status, headers["location"]) == (303, "/") and "HttpOnly; SameSite=Strict" in cookie
    assert running.ask("GET", "/api/v1/plugins", authorization="", cookie=cookie.split(";")[0])[0] == 200
    at = ("--admin", running.address)
    refused = command("status", *at)
    assert refused.returncode == 1 and "--token-file" in refused.stderr, refused
    assert command("status", "--token-file", file, *at).returncode == 0
    assert TOKEN not in running.proxy.log()


def test_an_address_that_others_reach_needs_a_token(tmp_path):
    started = subprocess.run(
        [TOLLGATE, "run", "--admin", "0.0.0.0:0", "--listen", "127.0.0.1:0"],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )
    assert started.returncode == 64
    assert "a token is needed" in started.stderr


def test_events_tell_what_happens(admin):
    running = admin()
    connection = running.connect()
    connection.request("GET", "/api/v1/events")
    response = connection.getresponse()
    assert response.getheader("content-type") == "text/event-stream"
    told = []

    def read():
        name = None
        for line in response:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((name, json.loads(line.removeprefix("data: "))))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    until(lambda: any(name == "status" and data["ready"] for name, data in told), "the status is told")
    running.save("mark.wat", "(module)")
    until(lambda: any(name == "plugin" and data["error"] for name, data in told), "the refusal is told")
    until(lambda: sum(name == "status" for name, _ in told) >= 3, "the status is told again and again")
    connection.sock.shutdown(socket.SHUT_RDWR)
    reader.join(10)


def test_no_request_is_lost_while_a_plugin_goes_back_and_forth(admin):
    running = admin()
    running.save("mark.wat", mark("v002"))
    until(lambda: running.plugin("mark")["can_roll_back"], "v002 serves")
    port = running.proxy.port

    def marked():
        headers, _ = get(http.client.HTTPConnection("127.0.0.1", port, timeout=20))
        return headers["x-mark"]

    def kept_marked(call=None):
        call = kept(port, reopen=True)
        return lambda: call()[0]["x-mark"]

    with Traffic(marked, kept_marked(), kept_marked()) as traffic:
        for _ in range(5):
            assert running.post("/api/v1/plugins/mark/rollback")["serving"]["pinned"]
            traffic.more(30)
            assert not running.post("/api/v1/plugins/mark/promote")["serving"]["pinned"]
            traffic.more(30)
        running.post("/api/v1/plugins/mark/rollback")
        running.save("mark.wat", mark("v003"))
        until(lambda: not running.plugin("mark")["serving"]["pinned"], "the new file serves")
        traffic.more(30)
    seen = {version for _, version in traffic.seen}
    assert seen == {"v001", "v002", "v003"}


def command(*arguments):
    return subprocess.run(
        [TOLLGATE, *arguments], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def test_the_commands_speak_to_it(admin):
    running = admin()
    at = ("--admin", running.address)
    status = command("status", *at)
    assert status.returncode == 0 and "ready" in status.stdout and running.address in status.stdout, status
    assert json.loads(command("status", "--json", *at).stdout)["ready"]
    assert "mark" in command("plugins", *at).stdout
    assert "serves" in command("plugins", "mark", *at).stdout
    unknown = command("plugins", "other", *at)
    assert unknown.returncode == 1 and "there is no plugin other" in unknown.stderr, unknown
    assert command("reload", *at).returncode == 0
    running.save("mark.wat", "(module)")
    refused = command("reload", "mark", *at)
    assert refused.returncode == 1 and "new version refused" in refused.stdout, refused
    logs = command("logs", *at)
    assert "refused" in logs.stdout, logs
    nobody = command("status", "--admin", "127.0.0.1:1")
    assert nobody.returncode == 1 and "start the proxy with --admin" in nobody.stderr, nobody


def test_the_log_can_be_followed(admin):
    running = admin()
    following = subprocess.Popen(
        [TOLLGATE, "logs", "-f", "-n", "1", "--admin", running.address],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        following.stdout.readline()
        running.save("mark.wat", "(module)")
        lines = iter(following.stdout.readline, "")
        assert any("refused" in line for line in lines)
    finally:
        following.kill()
        following.communicate()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_completions(shell):
    script = command("completions", shell)
    assert script.returncode == 0 and "check-config" in script.stdout


def test_there_is_a_man_page():
    page = command("man")
    assert page.returncode == 0 and ".TH" in page.stdout
