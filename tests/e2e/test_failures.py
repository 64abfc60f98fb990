"""When the backend fails, the client learns it: 502 with `proxy-status` (RFC 9209), or a body that ends early."""

import re
import socket
from collections import Counter

import pytest
from conftest import MARK, add_header
from harness.origin import answer
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def closed_port():
    """The URL of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def proxy_error(response):
    """The error type in a `proxy-status` field: `tollgate; error=connection_refused; …` gives connection_refused."""
    field = response.get("proxy-status")
    assert field, f"{response.status} has no proxy-status field"
    match = re.match(r'(?:[A-Za-z*][\w.:/*-]*|"[^"]*")\s*;(?:.*;)?\s*error=([a-z_0-9]+)', field)
    assert match, f"not of the form of RFC 9209: {field}"
    return match.group(1)


def test_a_backend_that_is_down(tollgate, connect):
    client = connect(tollgate(closed_port(), add_header()))
    for _ in range(3):
        response = client.request("GET", "/")
        assert response.status == 502
        assert proxy_error(response) == "connection_refused"


def test_a_backend_that_comes_back(tollgate, connect, origin):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    client = connect(tollgate("http://{}:{}".format(*address), add_header()))
    assert client.request("GET", "/").status == 502
    backend = origin(answer(OK), address)
    assert backend.address == address
    assert client.request("GET", "/").status == 200


def test_a_backend_that_hangs_up_without_a_response(tollgate, connect, origin):
    client = connect(tollgate(origin(lambda peer: peer.request()).url, add_header()))
    response = client.request("GET", "/")
    assert response.status == 502
    assert proxy_error(response) in ("connection_terminated", "http_response_incomplete")


@pytest.mark.parametrize(
    "nonsense",
    [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"\0" * 100],
    ids=["ssh", "no number", "zeros"],
)
def test_a_backend_that_speaks_something_else(tollgate, connect, origin, nonsense):
    def serve(peer):
        peer.request()
        peer.send(nonsense)

    response = connect(tollgate(origin(serve).url, add_header())).request("GET", "/")
    assert response.status == 502
    assert proxy_error(response) in ("http_protocol_error", "connection_terminated", "http_response_incomplete")


@pytest.mark.parametrize(
    "partial",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly this\r\n",
    ],
    ids=["length", "chunks"],
)
def test_a_body_that_breaks_off_never_looks_complete(tollgate, connect, origin, partial):
    def serve(peer):
        peer.request()
        peer.send(partial)

    client = connect(tollgate(origin(serve).url, add_header()))
    try:
        response = client.request("GET", "/")
    except (EOFError, ConnectionError):
        return
    # A proxy that had not sent the head yet may answer for the backend instead.
    assert response.status == 502


def test_a_get_whose_reused_connection_ends_is_sent_again(tollgate, connect, origin):
    """What the proxy sees is the same whether the backend had closed the idle connection or takes the request first.

    RFC 9112, section 9.3.1, lets a proxy try again what is idempotent, and only that.
    """

    def serve(peer):
        peer.request()
        peer.send(OK)
        if peer.number == 1:
            peer.request()
            return
        peer.request()
        peer.send(OK)

    backend = origin(serve)
    client = connect(tollgate(backend.url, add_header()))
    assert [client.request("GET", "/").status for _ in range(2)] == [200, 200]
    assert backend.connections == 2


def test_idle_connections_that_the_backend_closes_fail_no_get(tollgate, connect, origin):
    """The backend answers as if it kept the connection, and closes it; the next request comes at the same time."""

    def serve(peer):
        peer.request()
        peer.send(OK)

    client = connect(tollgate(origin(serve).url, add_header()))
    assert Counter(client.request("GET", "/").status for _ in range(400)) == {200: 400}


def test_a_post_is_never_sent_twice(tollgate, connect, origin):
    """The backend takes a POST from a connection that was used before, and hangs up: it may have done its work."""
    posts = []

    def serve(peer):
        while True:
            request = peer.request()
            if request.method == "POST":
                posts.append(request)
                return
            peer.send(OK)

    client = connect(tollgate(origin(serve).url, add_header()))
    assert client.request("GET", "/").status == 200
    response = client.request("POST", "/", body=b"once")
    assert response.status == 502
    assert proxy_error(response) in ("connection_terminated", "http_response_incomplete")
    assert [post.body for post in posts] == [b"once"]


def test_a_backend_that_is_restarted(tollgate, connect, origin):
    backend = origin(answer(OK))
    proxy = tollgate(backend.url, add_header())
    client = connect(proxy)
    assert client.request("GET", "/").status == 200
    backend.stop()
    until(lambda: client.request("GET", "/").status == 502, "the stopped backend is noticed")
    origin(answer(OK), backend.address)
    response = client.request("GET", "/")
    assert response.status == 200
    assert response.get(MARK)
