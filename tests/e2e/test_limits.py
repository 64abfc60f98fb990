"""Limits and times: what is over one is answered at once with its status, and others go on.

Times are set short. A test waits for what must come, with a generous bound, and never checks that something took long.
"""

import re
import socket
import struct
import threading

import pytest
from conftest import MARK, add_header
from harness.message import read_chunked
from harness.origin import answer
from harness.raw import OK, TRAP, TRAP_STATUS, Gate, Recorder, converse
from harness.waiting import until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def server(**keys):
    """The table [server]: server(max_head="2KiB")."""
    return "[server]\n" + "".join(f"{key.replace('_', '-')} = {value(each)}\n" for key, each in keys.items())


def backend(url, **keys):
    """A backend with these keys, and a route that takes every request to it."""
    table = f"[backends.tested]\naddress = {value(url)}\n"
    table += "".join(f"{key.replace('_', '-')} = {value(each)}\n" for key, each in keys.items())
    return table + '[[routes]]\npath = "/"\nbackend = "tested"\n'


def value(each):
    return f'"{each}"' if isinstance(each, str) else str(each)


def error_of(response):
    """The error type in `proxy-status` (RFC 9209)."""
    field = response.get("proxy-status")
    assert field, f"{response.status} without proxy-status"
    found = re.search(r"^tollgate\s*;.*\berror=([a-z_]+)", field)
    assert found, field
    return found.group(1)


@pytest.fixture
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    config = server(max_head="4KiB", max_target="1KiB", max_body="1000B")
    gate = Gate(tmp_path_factory.mktemp("head"), add_header(), config)
    yield gate
    gate.stop()


OVER = {
    "one field": (b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 4096), 431),
    "one name": (b"GET / HTTP/1.1\r\nHost: a\r\n%b: x\r\n\r\n" % (b"x" * 4096), 431),
    "many fields": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 1000 + b"\r\n", 431),
    "a head that has no end yet": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 1000, 431),
    "a head far too large": (b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 1_000_000), 431),
    "a target": (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 1024), 414),
    "a target far too long": (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 1_000_000), 414),
    "a target that has no end yet": (b"GET /" + b"x" * 1_000_000, 414),
    "an absolute target": (b"GET http://a/%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 1024), 414),
    "a length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
    "a huge length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 413),
    "a length whose body waits for 100": (
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
        413,
    ),
}


@pytest.mark.parametrize("name", OVER)
def test_too_much_is_refused_before_plugin_and_backend(limited, name):
    data, status = OVER[name]
    response = limited.refuse(data, status, follow=b"")
    assert error_of(response) == "http_request_error"


UNDER = {
    "a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 3900),
    "a target": b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 1000),
    "a length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000,
    "chunks": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n%b\r\n0\r\n\r\n" % (b"x" * 1000),
}


@pytest.mark.parametrize("name", UNDER)
def test_what_just_fits_passes(limited, name):
    limited.forward(UNDER[name])


def test_chunks_over_the_limit_are_cut(limited):
    """The backend has the first of it by then. It must not take what it has for all."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    statuses = limited.spoil(head + b"1f4\r\n%b\r\n" % (b"x" * 500) * 3 + b"0\r\n\r\n", 413)
    assert statuses == [413]


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    gate = Gate(tmp_path_factory.mktemp("defaults"), add_header())
    yield gate
    gate.stop()


def test_common_sizes_pass(gate):
    """RFC 9112, section 3 recommends 8,000 bytes of request line at least."""
    target = b"/" + b"t" * 8000
    fields = b"".join(b"x-%d: %b\r\n" % (number, b"f" * 100) for number in range(90))
    received = gate.forward(b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (target, fields))
    assert received.target == target.decode()
    assert len([name for name, _ in received.fields if name.startswith("x-") and name[2:].isdigit()]) == 90


@pytest.mark.parametrize("size, status", [(17 << 10, 414), (40 << 10, 414)])
def test_a_target(gate, size, status):
    gate.refuse(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"t" * size), status)


@pytest.mark.parametrize("count, size", [(1, 65 << 10), (80, 1000), (200_000, 2)])
def test_a_head(gate, count, size):
    gate.refuse(b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"x: " + b"v" * size + b"\r\n") * count + b"\r\n", 431)


def test_very_many_small_fields(gate):
    """No more bytes than are allowed: all of them pass, or none."""
    status, received = gate.judge(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x:1\r\n" * 5000 + b"\r\n")
    assert len(received.all("x")) == 5000 if received else status == 431


def test_connections(tollgate, connect, origin):
    proxy = tollgate(origin(answer(OK)).url, add_header(), config=server(max_connections=2))
    first, second = connect(proxy), connect(proxy)
    for client in (first, second):
        assert client.request("GET", "/").status == 200
    got = converse(proxy.address, GET)
    assert got.statuses == [503] and got.closed
    assert error_of(got.responses[0]) in ("proxy_internal_response", "proxy_internal_error")
    for client in (first, second):
        assert client.request("GET", "/").status == 200, "others must go on"
    first.socket.close()
    until(lambda: converse(proxy.address, LAST).statuses == [200], "the place of a closed connection is free again")


def test_requests(tollgate, connect, origin):
    held, go_on = threading.Event(), threading.Event()

    def serve(peer):
        while True:
            request = peer.request()
            if request.target == "/held":
                held.set()
                assert go_on.wait(30)
            peer.send(OK)

    proxy = tollgate(origin(serve).url, add_header(), config=server(max_requests=1))
    first, second = connect(proxy), connect(proxy)
    first.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    assert held.wait(20)
    response = second.request("GET", "/")
    assert response.status == 503
    assert error_of(response)
    go_on.set()
    assert first.response().status == 200, "what runs goes on"
    if response.get("connection") != "close":
        assert second.request("GET", "/").status == 200, "the connection of a refused request goes on"
    assert converse(proxy.address, LAST).statuses == [200]


def test_requests_that_have_ended_do_not_count(tollgate, connect, origin):
    proxy = tollgate(origin(answer(OK)).url, add_header(), config=server(max_requests=1))
    client = connect(proxy)
    for _ in range(50):
        assert client.request("GET", "/").status == 200


@pytest.mark.parametrize("how", ["reset", "closed"])
def test_a_request_that_its_client_gave_up_does_not_count(tollgate, connect, origin, how):
    """A reset is always seen. A connection that was closed looks like a half of one that may still be answered: `half-close`."""
    held = threading.Event()

    def serve(peer):
        while True:
            if peer.request().target == "/held":
                held.set()
                peer.reader.closed()  # until the proxy gives up too
                return
            peer.send(OK)

    proxy = tollgate(origin(serve).url, add_header(), config=server(max_requests=1, half_close="answer" if how == "reset" else "cancel"))
    client = connect(proxy)
    client.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
    assert held.wait(20)
    if how == "reset":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()
    until(lambda: converse(proxy.address, LAST).statuses == [200], "the place of a request given up is free again")


class Silent:
    """Takes a request and says nothing until the proxy hangs up."""

    def __init__(self):
        self.hung_up = threading.Event()

    def __call__(self, peer):
        peer.request()
        peer.reader.closed()
        self.hung_up.set()


def test_first_byte(tollgate, connect, origin):
    silent = Silent()
    url = origin(silent).url
    proxy = tollgate(url, add_header(), config=backend(url, first_byte_timeout="300ms"))
    client = connect(proxy)
    response = client.request("GET", "/")
    assert (response.status, error_of(response)) == (504, "http_response_timeout")
    assert silent.hung_up.wait(20), "the backend's connection is given up"


def test_first_byte_counts_from_the_end_of_the_request(tollgate, connect, origin):
    """An upload that takes longer than that is not late."""
    pieces = []

    def serve(peer):
        request = peer.head()
        read_chunked(peer.reader, request)
        pieces.append(request.body)
        peer.send(OK)

    url = origin(serve).url
    late = origin(Silent()).url
    proxy = tollgate(url, add_header(), config=backend(url, first_byte_timeout="300ms"))
    other = tollgate(late, add_header(), config=backend(late, first_byte_timeout="300ms"))
    client = connect(proxy)
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    for _ in range(2):  # each takes the time after which a silent backend is given up
        assert connect(other).request("GET", "/").status == 504
    client.send(b"3\r\ntwo\r\n0\r\n\r\n")
    assert client.response().status == 200
    assert pieces == [b"onetwo"]


def test_request(tollgate, connect, origin):
    silent = Silent()
    proxy = tollgate(origin(silent).url, add_header(), config=server(request_timeout="300ms"))
    response = connect(proxy).request("GET", "/")
    assert (response.status, error_of(response)) == (504, "http_response_timeout")
    assert silent.hung_up.wait(20)


def test_request_does_not_bound_a_body(tollgate, connect, origin):
    """It ends with the head of the response: a stream may take as long as it likes."""
    go_on = threading.Event()

    def serve(peer):
        request = peer.request()
        if request.target == "/never":
            peer.reader.closed()
            return
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        assert go_on.wait(30)
        peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    proxy = tollgate(origin(serve).url, add_header(), config=server(request_timeout="300ms"))
    client = connect(proxy)
    client.send(GET)
    response = client.head()
    assert client.reader.chunk() == b"one"
    for _ in range(2):
        assert connect(proxy).request("GET", "/never").status == 504
    go_on.set()
    read_chunked(client.reader, response)
    assert response.body == b"two"


def test_a_response_body_that_stalls(tollgate, connect, origin):
    hung_up = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none")
        peer.reader.closed()
        hung_up.set()

    url = origin(serve).url
    proxy = tollgate(url, add_header(), config=backend(url, body_timeout="300ms"))
    got = converse(proxy.address, GET)
    assert got.closed and got.statuses == [], "the body never looks complete"
    assert "one" in got.rest
    assert hung_up.wait(20)


def test_connect(tollgate, connect):
    """A backend whose queue of new connections is full: the kernel answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fill = []
        for _ in range(8):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            fill.append(sock)
        url = "http://{}:{}".format(*listener.getsockname())
        proxy = tollgate(url, add_header(), config=backend(url, connect_timeout="300ms"))
        response = connect(proxy).request("GET", "/")
        for sock in fill:
            sock.close()
    assert (response.status, error_of(response)) == (504, "connection_timeout")


def test_connect_refused(tollgate, connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = connect(tollgate(f"http://127.0.0.1:{port}", add_header()))
    for _ in range(2):
        response = client.request("GET", "/")
        assert (response.status, error_of(response)) == (502, "connection_refused")


PARTIAL = {
    "a request line": b"GET / HT",
    "fields": b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
    "one byte": b"G",
    "an empty line": b"\r\n",
}


@pytest.mark.parametrize("name", PARTIAL)
def test_a_head_that_does_not_come(tollgate, recorder, name):
    proxy = tollgate(recorder.url, add_header(), config=server(header_timeout="500ms"))
    got = converse(proxy.address, PARTIAL[name])
    assert got.closed, got.rest
    assert got.statuses in ([], [408]), got.statuses
    assert recorder.wire() == b""


def test_a_head_that_drips(tollgate, connect, recorder):
    """A byte now and then doesn't put the end off."""
    proxy = tollgate(recorder.url, add_header(), config=server(header_timeout="500ms"))
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
    client.socket.settimeout(0.05)

    def dropped():
        try:
            client.send(b"x")
            return client.reader.closed() or client.reader.exactly(1)
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    until(dropped, "the head that never ends is dropped")
    assert recorder.wire() == b""


@pytest.mark.parametrize("first", [b"", GET], ids=["fresh", "used"])
def test_idle(tollgate, connect, origin, first):
    """Quietly: no 408, which a client could take for the answer to its next request."""
    proxy = tollgate(origin(answer(OK)).url, add_header(), config=server(idle_timeout="500ms", header_timeout="1h"))
    client = connect(proxy)
    client.send(first)
    if first:
        assert client.response().status == 200
    assert client.reader.rest() == b""


def test_an_exchange_is_not_idle(tollgate, connect, origin):
    """The backend takes its time, longer than the idle timeout, which another connection shows to have passed."""
    go_on = threading.Event()

    def serve(peer):
        peer.request()
        assert go_on.wait(30)
        peer.send(OK)

    proxy = tollgate(origin(serve).url, add_header(), config=server(idle_timeout="300ms", header_timeout="300ms"))
    client = connect(proxy)
    client.send(GET)
    for _ in range(2):
        assert connect(proxy).reader.rest() == b""
    go_on.set()
    assert client.response().status == 200


@pytest.mark.parametrize("head", [b"Content-Length: 6", b"Transfer-Encoding: chunked"])
def test_a_body_that_stalls(tollgate, origin, head):
    ended = threading.Event()

    def serve(peer):
        peer.head()
        peer.reader.rest()
        ended.set()

    proxy = tollgate(origin(serve).url, add_header(), config=server(body_timeout="500ms"))
    got = converse(proxy.address, b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n3\r\n")
    assert got.closed, got.rest
    assert got.statuses in ([], [408]), got.statuses
    assert ended.wait(20), "the backend's connection is given up"


def test_a_client_that_does_not_read(tollgate, connect, origin):
    ended = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                peer.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except ConnectionError:
            ended.set()

    proxy = tollgate(origin(serve).url, add_header(), config=server(body_timeout="500ms"))
    client = connect(proxy)
    client.send(GET)
    assert client.head().get(MARK)
    assert ended.wait(30), "the backend still sends to a client that takes nothing"


def test_a_saturated_proxy_asks_no_plugin(tollgate, recorder, connect):
    """503 comes before the chain, which may be what is slow."""
    proxy = tollgate(recorder.url, TRAP, config=server(max_connections=1))
    client = connect(proxy)
    assert client.request("GET", "/").status == TRAP_STATUS
    assert converse(proxy.address, GET).statuses == [503]
