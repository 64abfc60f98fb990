"""Which backend and which plugins a request meets, by its host and its path."""

import json
import re
import subprocess

import pytest
from harness.config import configured  # noqa: F401
from harness.http2 import Http2
from harness.origin import answer
from harness.servers import TOLLGATE, environment


def named(name, requests=None):
    """An origin's `serve` that answers with its name."""
    return answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(name), name.encode()), requests)


def ask(client, host, target):
    """The body of the answer to a request for this host."""
    client.send(f"GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    response = client.response()
    assert response.status == 200, response
    return response.body.decode()


# Backend, host, path; not in the order of precedence, which must not matter.
ROUTES = [
    ("any", None, None),
    ("wildcard", "*.example.com", None),
    ("any-users", None, "/users"),
    ("exact", "api.example.com", None),
    ("exact-deep", "api.example.com", "/users/deep"),
    ("exact-users", "api.example.com", "/users"),
]

CASES = [
    ("api.example.com", "/", "exact"),
    ("api.example.com", "/users", "exact-users"),
    ("api.example.com", "/users/", "exact-users"),
    ("api.example.com", "/users/1", "exact-users"),
    ("api.example.com", "/users?page=2", "exact-users"),
    ("api.example.com", "/usersx", "exact"),
    ("api.example.com", "/users/deep", "exact-deep"),
    ("api.example.com", "/users/deep/er", "exact-deep"),
    ("api.example.com", "/users/deeper", "exact-users"),
    ("API.Example.COM", "/users", "exact-users"),
    ("api.example.com:8080", "/users", "exact-users"),
    ("x.example.com", "/users", "wildcard"),
    ("a.b.example.com", "/", "wildcard"),
    ("example.com", "/", "any"),
    ("notexample.com", "/", "any"),
    ("other.test", "/users/1", "any-users"),
    ("other.test", "/Users", "any"),
    ("other.test", "/%75sers", "any"),
    ("other.test", "/users%2F1", "any"),
    ("other.test", "//users", "any"),
    ("127.0.0.1:80", "/", "any"),
    ("[::1]:80", "/users", "any-users"),
]


@pytest.fixture
def routed(configured, origin):  # noqa: F811
    backends = {name: {"address": origin(named(name)).url} for name, _, _ in ROUTES}
    routes = []
    for name, host, path in ROUTES:
        keys = {"backend": name, "host": host, "path": path}
        routes.append({key: value for key, value in keys.items() if value})
    return configured({"backends": backends, "routes": routes})


def test_the_best_route_wins(routed, connect):
    client = connect(routed)
    met = [(host, target, ask(client, host, target)) for host, target, _ in CASES]
    assert met == CASES


def test_absolute_form_names_the_host(routed, connect):
    """RFC 9112, section 3.2.2: the target's authority is the host, whatever `host` says."""
    client = connect(routed)
    client.send(b"GET http://api.example.com/users HTTP/1.1\r\nhost: api.example.com\r\n\r\n")
    assert client.response().body == b"exact-users"


def test_the_asterisk_takes_the_root(routed, connect):
    client = connect(routed)
    client.send(b"OPTIONS * HTTP/1.1\r\nhost: api.example.com\r\n\r\n")
    assert client.response().body == b"exact"


def test_http2_meets_the_same_routes(routed):
    """By `:authority` and `:path`, all on one connection."""
    client = Http2(routed.address)
    met = [(host, target, client.body(client.request("GET", target, host)).decode()) for host, target, _ in CASES]
    assert met == CASES


def test_without_a_route_it_is_404(configured, origin, connect):  # noqa: F811
    backend = origin(named("one"))
    routes = [{"host": "one.test", "path": "/api", "backend": backend.url}]
    client = connect(configured({"routes": routes}))
    assert ask(client, "one.test", "/api") == "one"
    for host, target in [("one.test", "/"), ("one.test", "/apis"), ("two.test", "/api")]:
        client.send(f"GET {target} HTTP/1.1\r\nhost: {host}\r\naccept: text/plain\r\n\r\n".encode())
        response = client.response()
        assert response.status == 404
        assert response.get("proxy-status").startswith("tollgate;")
        assert response.get("content-type").startswith("text/plain")
    client.send(b"GET / HTTP/1.1\r\nhost: two.test\r\naccept: application/json\r\n\r\n")
    response = client.response()
    assert response.status == 404
    assert response.get("content-type").startswith("application/json")
    assert json.loads(response.body)
    assert backend.connections == 1


def test_the_default_backend_takes_what_no_route_takes(configured, origin, connect):  # noqa: F811
    routes = [{"path": "/api", "backend": origin(named("api")).url}]
    client = connect(configured({"backend": origin(named("rest")).url, "routes": routes}))
    assert [ask(client, "a", target) for target in ("/api/1", "/", "/apis")] == ["api", "rest", "rest"]


def test_a_route_may_name_the_default_backend(configured, origin, connect):  # noqa: F811
    routes = [{"path": "/plain", "backend": "default", "plugins": []}]
    settings = {"name": "x-last", "value": "a"}
    client = connect(configured({"backend": origin(named("rest")).url, "routes": routes}, plugins={"a": settings}))
    assert client.request("GET", "/plain").get("x-last") is None
    assert client.request("GET", "/").get("x-last") == "a"


CHAINS = {
    # Path: the plugins that are listed, what the backend sees last, what the client sees last.
    "/all": (None, "c", "a"),
    "/abc": (["a", "b", "c"], "c", "a"),
    "/cba": (["c", "b", "a"], "a", "c"),
    "/b": (["b"], "b", "b"),
    "/ca": (["c", "a"], "a", "c"),
    "/none": ([], None, None),
}


def test_each_route_has_its_own_plugins(configured, origin, connect):  # noqa: F811
    """Each plugin overwrites one field: on the way out the last of the list is seen, on the way back the first."""
    requests = []
    backend = origin(named("one", requests))
    routes = []
    for path, (listed, _, _) in CHAINS.items():
        route = {"path": path, "backend": "default"}
        routes.append(route if listed is None else {**route, "plugins": listed})
    plugins = {name: {"name": "x-last", "value": name} for name in "abc"}
    client = connect(configured({"backend": backend.url, "routes": routes}, plugins=plugins))
    for path, (_, forwarded, returned) in CHAINS.items():
        response = client.request("GET", path)
        assert (response.status, response.get("x-last")) == (200, returned), path
        assert requests[-1].get("x-last") == forwarded, path


def test_a_client_can_not_set_what_a_plugin_would(configured, origin, connect):  # noqa: F811
    """With no plugin the client's field goes through; with one it is overwritten: the chains really differ."""
    requests = []
    backend = origin(named("one", requests))
    routes = [{"path": "/none", "backend": "default", "plugins": []}]
    plugins = {"a": {"name": "x-last", "value": "a"}}
    client = connect(configured({"backend": backend.url, "routes": routes}, plugins=plugins))
    client.request("GET", "/none", "x-last: mine")
    client.request("GET", "/", "x-last: mine")
    assert [request.get("x-last") for request in requests] == ["mine", "a"]


# Text, the line of the mistake, and what the message must name.
BAD = {
    "a backend that is not there": ('[[routes]]\npath = "/"\nbackend = "users"\n', 4, "users"),
    "a path without slash": ('[[routes]]\npath = "api"\nbackend = "default"\n', 3, "api"),
    "a wildcard in the middle": ('[[routes]]\nhost = "a.*.test"\nbackend = "default"\n', 3, r"a\.\*\.test"),
    "a misspelt key": ('[[routes]]\nbackend = "default"\npaht = "/"\n', 4, "path"),
    "no backend": ('[[routes]]\npath = "/api"\n', 2, "backend"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_route_is_refused_with_its_line(tmp_path, name):
    text, line, mistake = BAD[name]
    (tmp_path / "tollgate.toml").write_text('backend = "http://127.0.0.1:9"\n' + text)
    command = [TOLLGATE, "check-config", "--config", "tollgate.toml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(), cwd=tmp_path)
    assert done.returncode != 0
    assert re.search(rf"tollgate\.toml:{line}: .*{mistake}", done.stdout + done.stderr), done.stderr
