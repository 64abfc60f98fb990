"""Interim responses (1xx) and `Expect`: what comes before the final response, and when a body is asked for."""

import threading

import pytest
from conftest import MARK, add_header
from harness.message import read_request_body
from harness.raw import OK, TRAP, TRAP_STATUS

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UPLOAD = b"PUT /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"


@pytest.fixture
def before(tollgate, origin, connect):
    """before(serve): a client connected to a proxy before that backend."""
    return lambda serve, plugins=None: connect(tollgate(origin(serve).url, plugins or add_header()))


def test_early_hints_come_before_the_final_response(before):
    """Each when the backend sends it: it waits until the client has the one before."""
    seen = threading.Semaphore(0)

    def serve(peer):
        peer.request()
        for number in range(3):
            peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </%d.css>\r\nlink: </x>\r\n\r\n" % number)
            assert seen.acquire(timeout=20), "an interim response was held back"
        peer.send(OK)

    client = before(serve)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for number in range(3):
        hint = client.head()
        assert hint.status == 103
        assert hint.all("link") == [f"</{number}.css>", "</x>"]
        assert not hint.all("content-length") and not hint.all("transfer-encoding")
        seen.release()
    response = client.response()
    assert (response.status, response.body, bool(response.get(MARK))) == (200, b"ok", True)


def test_102_and_unknown_ones_pass(before):
    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Whatever\r\nx-a: 1\r\n\r\n" + OK)

    client = before(serve)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [client.head().status, client.head().status, client.response().status] == [102, 199, 200]


def test_http_1_0_gets_no_interim_response(before):
    """RFC 9110, section 15.2."""

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK)

    client = before(serve)
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert client.response().status == 200


def test_very_many_interim_responses(before):
    """All of them pass, or the backend is given up."""

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nx-long: %b\r\n\r\n" % (b"x" * 4000) * 50)
        peer.send(OK)

    client = before(serve)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    response = client.response()
    while response.status == 103:
        response = client.response()
    assert response.status in (200, 502)


def test_the_backend_decides_whether_the_body_comes(before):
    """`Expect` reaches it; its 100 reaches the client; only then is there a body."""
    expected = []

    def serve(peer):
        request = peer.head()
        expected.append(request.get("expect"))
        peer.send(CONTINUE)
        read_request_body(peer.reader, request)
        peer.send(OK)

    client = before(serve)
    client.send(UPLOAD)
    assert client.head().status == 100
    client.send(b"body")
    assert client.response().status == 200
    assert expected == ["100-continue"]


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"])
def test_a_backend_that_refuses_early_gets_no_body(before, framing):
    """413 on the head: the client sees no 100, so it never sends what nobody wants."""
    rest = []

    def serve(peer):
        peer.head()
        peer.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        rest.append(peer.reader.rest())

    client = before(serve)
    client.send(b"PUT /up HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + framing + b"\r\n\r\n")
    response = client.response()
    assert (response.status, response.body) == (413, b"no")
    # The client may not go on: where its next request would begin depends on whether it sends the body after all.
    assert response.get("connection") == "close" or client.reader.closed()
    client.socket.close()
    assert rest in ([], [b""]), rest


def test_a_plugin_that_refuses_early_gets_no_body(before):
    client = before(lambda peer: peer.request(), TRAP)
    client.send(UPLOAD)
    assert client.head().status == TRAP_STATUS


def test_a_plugin_that_reads_the_body_asks_for_it(before):
    """The backend is asked only once the plugin has done with it, so the 100 is the proxy's own."""
    bodies = []

    def serve(peer):
        request = peer.request()
        bodies.append(request.body)
        peer.send(OK)

    client = before(
        serve, {"arn-rewrite": {"account": {"client": "111122223333", "backend": "123456789012"}}}
    )
    client.send(
        b"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: Service.Call\r\nExpect: 100-continue\r\nContent-Length: 26\r\n\r\n"
    )
    assert client.head().status == 100
    client.send(b'{"Account":"111122223333"}')
    assert client.response().status == 200
    assert bodies == [b'{"Account":"123456789012"}']


def test_a_client_that_does_not_wait(before):
    """It sends the body at once: no harm, and at most one 100."""

    client = before(lambda peer: (peer.request(), peer.send(OK)))
    client.send(UPLOAD + b"body")
    response = client.response()
    if response.status == 100:
        response = client.response()
    assert response.status == 200


def test_a_backend_that_never_says_100(before):
    """The client's patience ends first, as RFC 9110 allows, and the body goes on."""
    bodies = []

    def serve(peer):
        request = peer.head()
        read_request_body(peer.reader, request)
        bodies.append(request.body)
        peer.send(OK)

    client = before(serve)
    client.send(UPLOAD)
    client.send(b"body")
    response = client.response()
    if response.status == 100:
        response = client.response()
    assert response.status == 200
    assert bodies == [b"body"]


def test_the_connection_goes_on_after_100(before):
    def serve(peer):
        while True:
            peer.request()
            peer.send(OK)

    client = before(serve)
    for _ in range(5):
        client.send(UPLOAD)
        assert client.head().status == 100
        client.send(b"body")
        assert client.response().status == 200
    assert client.request("GET", "/").status == 200


def test_http_1_0_gets_no_100(before):
    client = before(lambda peer: (peer.request(), peer.send(OK)))
    client.send(UPLOAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"body")
    assert client.response().status == 200


def test_a_request_without_a_body_is_not_asked_for_it(before):
    client = before(lambda peer: (peer.head(), peer.send(OK)))
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
    assert client.response().status == 200


@pytest.mark.parametrize("expect", ["200-ok", "100-continued", "100-continue, x", "x=1"])
def test_another_expectation_is_refused(before, expect):
    asked = []
    client = before(lambda peer: asked.append(peer.head()))
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nExpect: %b\r\n\r\n" % expect.encode())
    response = client.response()
    assert response.status == 417
    assert response.get("proxy-status") and not response.all(MARK)
    assert asked == []


def test_the_case_of_the_expectation_does_not_matter(before):
    client = before(lambda peer: (peer.request(), peer.send(OK)))
    client.send(UPLOAD.replace(b"100-continue", b"100-Continue"))
    assert client.head().status == 100
    client.send(b"body")
    assert client.response().status == 200
