"""tollgate's own answers: in the type that the client prefers, with `Proxy-Status` (RFC 9209), nothing internal."""

import json
import re
import socket

import pytest
from conftest import MARK, add_header
from harness.origin import Origin, answer
from harness.raw import BEHIND, OK, converse
from harness.servers import Tollgate

LIMITS = '[server]\nmax-head = "4KiB"\nmax-target = "1KiB"\nmax-body = "100B"\n'


class Errors:
    """A proxy before a backend that does what the target says, and one before a closed port."""

    def __init__(self, directory, origin):
        self.secret = directory
        self.backend = origin
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
        silent = f'[backends.silent]\naddress = "{origin.url}"\nfirst-byte-timeout = "200ms"\n'
        silent += '[[routes]]\npath = "/silent"\nbackend = "silent"\n'
        self.proxy = Tollgate(origin.url, directory / "secret-one", add_header(), LIMITS + silent)
        self.down = Tollgate(closed, directory / "secret-two", add_header())
        self.ports = [closed.rsplit(":", 1)[1], origin.url.rsplit(":", 1)[1]]

    def stop(self):
        self.proxy.stop()
        self.down.stop()


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    def serve(peer):
        while True:
            request = peer.request()
            if request.target == "/silent":
                peer.reader.closed()
                return
            if request.target == "/hangs-up":
                return
            peer.send(b"NONSENSE secret-reply\r\n\r\n" if request.target == "/nonsense" else OK)

    backend = Origin(serve)
    errors = Errors(tmp_path_factory.mktemp("secret-place"), backend)
    yield errors
    errors.stop()
    backend.stop()


# name: (which proxy, request line and fields, status, error types of RFC 9209)
CASES = {
    "400": ("proxy", "GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400, {"http_request_error"}),
    "400 bad field": ("proxy", "GET / HTTP/1.1\r\nHost: a\r\nX : 1", 400, {"http_request_error"}),
    "413": ("proxy", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101", 413, {"http_request_error"}),
    "414": ("proxy", f"GET /{'x' * 1100} HTTP/1.1\r\nHost: a", 414, {"http_request_error"}),
    "417": ("proxy", "GET / HTTP/1.1\r\nHost: a\r\nExpect: x", 417, {"http_request_error"}),
    "431": ("proxy", f"GET / HTTP/1.1\r\nHost: a\r\nX: {'x' * 5000}", 431, {"http_request_error"}),
    "501": ("proxy", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked", 501, {"http_request_error"}),
    "505": ("proxy", "GET / HTTP/3.0\r\nHost: a", 505, {"http_request_error"}),
    "502 refused": ("down", "GET / HTTP/1.1\r\nHost: a", 502, {"connection_refused"}),
    "502 nonsense": ("proxy", "GET /nonsense HTTP/1.1\r\nHost: a", 502, {"http_protocol_error"}),
    "502 hangs up": ("proxy", "GET /hangs-up HTTP/1.1\r\nHost: a", 502, {"connection_terminated", "http_response_incomplete"}),
    "504": ("proxy", "GET /silent HTTP/1.1\r\nHost: a", 504, {"http_response_timeout"}),
}  # fmt: skip
# After these the head was well, so the connection may go on.
AFTER_A_GOOD_HEAD = [name for name in CASES if name.startswith("50") and name not in ("501", "505")]


def ask(errors, name, *fields, follow=b"", method="GET"):
    which, head, _, _ = CASES[name]
    head = head.replace("GET ", f"{method} ", 1)
    data = "\r\n".join([head, *fields]).encode("latin-1") + b"\r\n\r\n"
    return converse(getattr(errors, which).address, data + (follow or BEHIND), [method])


STRUCTURED = re.compile(
    r'tollgate((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[^"\\\x00-\x1f\x7f]|\\["\\])*"|[A-Za-z*][\w!#$%&\'*+.^`|~:/-]*|-?\d+))?)+)'
)


@pytest.mark.parametrize("name", CASES)
def test_status_and_proxy_status(errors, name):
    """`Proxy-Status` is a structured field: this proxy, an error type of the registry, details as a string."""
    _, _, status, types = CASES[name]
    response = ask(errors, name).responses[0]
    assert response.status == status
    field = response.get("proxy-status")
    assert STRUCTURED.fullmatch(field), field
    assert re.search(r";\s*error=([a-z_]+)", field)[1] in types
    assert re.search(r';\s*details="[^"]+', field), field
    assert not response.all(MARK), "error answers don't go through plugins"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
def test_the_body_is_whole_and_of_the_type_asked_for(errors, name, accept):
    # In front, so that it is there too when what follows makes the head bad.
    which, head, status, _ = CASES[name]
    first, _, rest = head.partition("\r\n")
    data = f"{first}\r\nAccept: {accept}\r\n{rest}\r\n\r\n".encode("latin-1")
    response = converse(getattr(errors, which).address, data + BEHIND).responses[0]
    assert response.status == status
    assert response.get("content-length") == str(len(response.body)), "the answer has a length of its own"
    kind = response.get("content-type").split(";")[0]
    if kind == "application/json":
        content = json.loads(response.body)
        assert isinstance(content, dict) and content
    else:
        assert kind == "text/plain"
        assert response.body.decode().strip()
    if name in AFTER_A_GOOD_HEAD or name == "413":
        assert kind == accept
    assert len(response.body) < 500, "short"


# None: an empty body.
PREFERENCES = {
    None: None,
    "": None,
    "*/*": None,
    "text/plain": "text/plain",
    "text/*": "text/plain",
    "text/html": "text/plain",
    "application/json": "application/json",
    "APPLICATION/JSON": "application/json",
    "application/*": "application/json",
    "application/json; charset=utf-8": "application/json",
    "application/json, text/plain;q=0.5": "application/json",
    "text/plain;q=0.5, application/json": "application/json",
    "application/json;q=0.5, text/plain": "text/plain",
    "application/json;q=0, */*": None,
    "text/html, application/json;q=0.9": "application/json",
    "image/png": None,
    "nonsense": None,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "text/plain",
}


@pytest.mark.parametrize("accept", PREFERENCES, ids=str)
def test_accept(errors, accept):
    """Only who asks for JSON or text gets a body: AWS SDKs retry a 5xx of an XML service only without one."""
    fields = [] if accept is None else [f"Accept: {accept}"]
    response = ask(errors, "502 refused", *fields).responses[0]
    kind = response.get("content-type")
    assert (kind and kind.split(";")[0]) == PREFERENCES[accept]
    assert bool(response.body) == bool(kind)
    assert response.get("content-length") == str(len(response.body))


def test_two_accept_fields_are_one_list(errors):
    response = ask(errors, "502 refused", "Accept: image/png", "Accept: application/json").responses[0]
    assert response.get("content-type").split(";")[0] == "application/json"


@pytest.mark.parametrize("name", CASES)
def test_nothing_internal_leaks(errors, name):
    """No address or port of a backend, no path, no word of a library, nothing of what backend or client said."""
    for accept in ("application/json", "text/plain"):
        response = ask(errors, name, f"Accept: {accept}").responses[0]
        assert response.status == CASES[name][2]
        text = repr(response.fields) + response.body.decode()
        internal = ["127.0.0.1", "localhost", "secret", str(errors.secret), ".wasm", ".rs", ".toml", "panick", "os error", "hyper", "tokio", "rustls", "Errno", "::", "Some(", "Os {", "xxxx"]  # fmt: skip
        internal += [port for port in errors.ports if len(port) > 3]
        found = [word for word in internal if word in text]
        assert not found, f"{found} in {text}"
        assert not re.search(r"(?:^|[\s\"'=])/(?:home|root|tmp|work|usr|proc)/", text), text


@pytest.mark.parametrize("name", ["502 refused", "504", "502 nonsense"])
def test_the_clients_connection_goes_on_after_a_backends_failure(errors, name):
    got = ask(errors, name)
    status = CASES[name][2]
    assert got.statuses in ([status, 502], [status, 200]), got


@pytest.mark.parametrize("name", ["502 refused", "504"])
def test_head_gets_no_body(errors, name):
    got = ask(errors, name, method="HEAD")
    assert got.statuses[0] == CASES[name][2]
    assert len(got.statuses) == 2 and not got.rest, "a body would have been taken for the next answer"
    assert got.responses[0].get("proxy-status")


@pytest.mark.parametrize("name", CASES)
def test_an_error_has_a_date(errors, name):
    """RFC 9110, section 6.6.1."""
    response = ask(errors, name).responses[0]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", response.get("date") or "")


def test_a_backends_own_error_is_not_touched(tollgate, origin, connect):
    """Its body, type and fields are its own; only what tollgate says has `Proxy-Status` of tollgate."""
    theirs = b"HTTP/1.1 503 Busy\r\nContent-Type: text/x\r\nProxy-Status: inner; error=http_request_denied\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy"
    client = connect(tollgate(origin(answer(theirs)).url, add_header()))
    response = client.request("GET", "/", "accept: application/json")
    assert (response.status, response.body, response.get("retry-after")) == (503, b"busy", "7")
    assert response.get("content-type") == "text/x"
    assert response.all("proxy-status")[0].startswith("inner; error=http_request_denied")
    assert response.get(MARK)
