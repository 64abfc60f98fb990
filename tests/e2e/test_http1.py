"""HTTP/1.1 as it stands on the wire, through tollgate with a plugin attached, before an origin that a test scripts."""

import threading

import pytest
from conftest import MARK, MARK_VALUE, add_header
from harness.message import read_chunked, read_request_body
from harness.origin import answer
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture
def before(tollgate, origin):
    """Starts an origin and a tollgate with add-header before it."""

    def start(serve):
        backend = origin(serve)
        return backend, tollgate(backend.url, add_header())

    return start


@pytest.fixture
def through(before, connect):
    """Starts both, and connects: returns the connection and the list of requests that the origin got."""

    def start(response=OK):
        requests = []
        _, proxy = before(answer(response, requests))
        return connect(proxy), requests

    return start


def test_both_connections_are_kept(before, connect):
    backend, proxy = before(answer(OK))
    client = connect(proxy)
    for _ in range(20):
        response = client.request("GET", "/")
        assert (response.status, response.body) == (200, b"ok")
        assert response.get(MARK) == MARK_VALUE
    assert backend.connections == 1


def test_close_is_obeyed(through):
    client, _ = through()
    assert client.request("GET", "/", "connection: close").status == 200
    assert client.reader.closed()


def test_pipelined_requests_are_answered_in_order(through):
    client, _ = through(
        lambda request: b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n%b" % request.target.encode()
    )
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nhost: a\r\n\r\n" % number for number in range(5)))
    assert [client.response().body for _ in range(5)] == [b"/0", b"/1", b"/2", b"/3", b"/4"]


TARGETS = [
    "/a%2Fb//c/../d?x=%20",
    "/",
    "//",
    "//double/slash",
    "/./a/.",
    "/%2e%2e/up",
    "/lower%2fand%2Fupper",
    "/empty-query?",
    "/?a=1&a=2&b=&c",
    "/?q=?/:@!$&'()*+,;=",
    "/semi;param=1/next;p",
    "/%E6%97%A5%FF",
    "/~tilde/*star",
    "/long/" + "x" * 4000,
]


def test_a_target_is_passed_on_as_sent(through):
    client, requests = through()
    for target in TARGETS:
        assert client.request("GET", target).status == 200, target
    assert [request.target for request in requests] == TARGETS


# RFC 3986 wants these encoded, but real clients send them.
@pytest.mark.parametrize("target", ["/a|b", '/a"b', "/{id}", "/[x]", "/a\\b", "/a^b", "/ü?ü"], ids=ascii)
def test_a_careless_target_is_passed_on_or_refused(through, target):
    client, requests = through()
    status = client.request("GET", target.encode().decode("latin-1")).status
    assert (status, [request.target.encode("latin-1") for request in requests]) in (
        (200, [target.encode()]),
        (400, []),
    )


def test_options_asterisk(through):
    client, requests = through()
    assert client.request("OPTIONS", "*").status == 200
    assert requests[0].target == "*"


def test_methods_are_passed_on_as_sent(through):
    client, requests = through()
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "get"]
    for method in methods:
        assert client.request(method, "/").status == 200
    assert [request.method for request in requests] == methods


def test_the_host_is_kept(through):
    client, requests = through()
    client.request("GET", "/")
    assert requests[0].get("host") == "origin.test"


def test_request_fields_arrive_as_sent(through):
    client, requests = through()
    client.request(
        "GET", "/", "x-twice: 1", "x-twice: 2", "x-empty:", "x-bytes: caf\xe9 \xff", "x-long: " + "y" * 16000
    )
    request = requests[0]
    assert request.all("x-twice") == ["1", "2"]
    assert request.get("x-empty") == ""
    assert request.get("x-bytes") == "caf\xe9 \xff"
    assert request.get("x-long") == "y" * 16000


def test_response_fields_arrive_as_sent(through):
    client, _ = through(
        b"HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nx-between: 1\r\nset-cookie: b=2, c\r\nset-cookie: a=3\r\n"
        b"x-empty:\r\nx-bytes: caf\xe9\r\ncontent-length: 0\r\n\r\n"
    )
    response = client.request("GET", "/")
    assert response.all("set-cookie") == ["a=1; Path=/", "b=2, c", "a=3"]
    assert response.get("x-empty") == ""
    assert response.get("x-bytes") == "caf\xe9"


def test_the_connections_fields_are_not_passed_on(through):
    client, requests = through(
        b"HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nx-end: 1\r\ncontent-length: 0\r\n\r\n"
    )
    response = client.request(
        "GET", "/", "connection: x-mine, keep-alive", "x-mine: 1", "keep-alive: 5", "te: gzip", "x-end: 1"
    )
    for message in (requests[0], response):
        assert message.get("x-end") == "1"
        for name in ("x-hop", "x-mine", "keep-alive", "te"):
            assert message.all(name) == [], name


def test_a_chunked_request_streams(before, connect):
    """The origin has the first piece before the client sends the second."""
    pieces = []
    first = threading.Event()

    def serve(peer):
        request = peer.head()
        assert request.chunked
        pieces.append(peer.reader.chunk())
        first.set()
        read_chunked(peer.reader, request)
        pieces.append(request.body)
        peer.send(OK)

    _, proxy = before(serve)
    client = connect(proxy)
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    assert first.wait(20), "the first chunk was held back"
    client.send(b"6;ext=1\r\nsecond\r\n0\r\n\r\n")
    assert client.response().body == b"ok"
    assert pieces == [b"first", b"second"]


def test_a_chunked_response_streams(before, connect):
    """The client has the first piece before the origin sends the second."""
    go_on = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert go_on.wait(20)
        peer.send(b"6\r\nsecond\r\n0\r\n\r\n")

    _, proxy = before(serve)
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    response = client.head()
    assert response.chunked
    assert response.get(MARK) == MARK_VALUE
    assert client.reader.chunk() == b"first"
    go_on.set()
    read_chunked(client.reader, response)
    assert response.body == b"second"


def test_a_response_without_length_ends_with_the_connection(before, connect):
    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000)
        peer.socket.close()

    _, proxy = before(serve)
    assert connect(proxy).request("GET", "/").body == b"x" * 100_000


def test_trailers_pass_both_ways(before, connect):
    requests = []
    response = b"HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n"
    _, proxy = before(answer(response, requests))
    client = connect(proxy)
    client.send(
        b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n"
        b"4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n"
    )
    response = client.response()
    assert requests[0].body == b"body"
    assert requests[0].trailers == [("x-sum", "4")]
    assert response.body == b"ok"
    assert response.trailers == [("x-sum", "2")]


def test_a_head_response_has_a_length_and_no_body(through):
    client, _ = through(
        lambda request: b"HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n" if request.method == "HEAD" else OK
    )
    response = client.request("HEAD", "/")
    assert response.get("content-length") == "12345"
    assert client.request("GET", "/").body == b"ok", "the connection must go on"


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 204 No Content\r\nx-kept: 1\r\n\r\n",
        'HTTP/1.1 304 Not Modified\r\nx-kept: 1\r\netag: "e"\r\n\r\n',
        "HTTP/1.1 304 Not Modified\r\nx-kept: 1\r\ncontent-length: 500\r\n\r\n",
    ],
    ids=["204", "304", "304 with a length"],
)
def test_204_and_304_have_no_body(through, head):
    client, _ = through(lambda request: OK if request.target == "/next" else head.encode())
    response = client.request("GET", "/")
    assert response.status == int(head.split(" ")[1])
    assert response.get("x-kept") == "1"
    assert response.all("transfer-encoding") == []
    if response.status == 204:
        assert response.all("content-length") == []
    assert client.request("GET", "/next").body == b"ok", "the connection must go on"


def test_an_interim_response_does_not_replace_the_final_one(through):
    client, _ = through(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" + OK)
    response = client.request("GET", "/")
    if response.status == 103:
        response = client.response()
    assert (response.status, response.body) == (200, b"ok")


def test_a_body_is_sent_after_100_continue(through):
    client, requests = through()
    client.send(b"PUT /up HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
    assert client.head().status == 100
    client.send(b"body")
    assert client.response().body == b"ok"
    assert requests[0].body == b"body"


def test_a_refused_upload_is_answered_without_its_body(before, connect):
    def serve(peer):
        peer.head()
        peer.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")

    _, proxy = before(serve)
    client = connect(proxy)
    client.send(b"PUT /up HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n")
    response = client.response()
    if response.status == 100:  # allowed: the proxy may want the body before the origin has answered
        response = client.response()
    assert (response.status, response.body) == (403, b"no")


def test_a_client_of_http_1_0_gets_no_chunks(before, connect):
    _, proxy = before(answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
    client = connect(proxy)
    client.send(b"GET / HTTP/1.0\r\nhost: a\r\n\r\n")
    response = client.response()
    assert response.all("transfer-encoding") == []
    assert response.body == b"ok"
    assert client.reader.closed()


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"

AMBIGUOUS = {
    "length and chunks": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    % (5 + len(SMUGGLED)),
    "two lengths": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ncontent-length: %d\r\n\r\n"
    % len(SMUGGLED),
    "a space before the colon": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length : %d\r\n\r\n" % len(SMUGGLED),
    "a length with a sign": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +%d\r\n\r\n" % len(SMUGGLED),
    "chunked not last": b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_ambiguous_request_smuggles_nothing(through, name):
    """RFC 9112, section 11.2: where two readings are possible, the request is refused or the connection ends with it."""
    client, requests = through()
    client.send(AMBIGUOUS[name] + SMUGGLED)
    try:
        status = client.response().status
        if status not in (400, 501):
            # Allowed as chunked (RFC 9112, section 6.1), if the connection is closed after the response.
            assert name == "length and chunks", f"answered with {status}"
            assert client.reader.closed()
    except (EOFError, ConnectionError):
        pass
    assert [request.target for request in requests] in ([], ["/"])


def test_an_aborted_upload_never_looks_complete(before, connect):
    begun, ended = [], []

    def serve(peer):
        request = peer.head()
        if request.target != "/up":
            peer.send(OK)
            return
        begun.append(request)
        try:
            read_request_body(peer.reader, request)
            ended.append("complete")
        except (EOFError, ConnectionError):
            ended.append("broken off")

    _, proxy = before(serve)
    for head in (b"content-length: 1000000", b"transfer-encoding: chunked"):
        client = connect(proxy)
        before_it = len(begun)
        client.send(b"PUT /up HTTP/1.1\r\nhost: a\r\n" + head + b"\r\n\r\n5\r\nfirst\r\n")
        until(lambda: len(begun) > before_it, "the upload has begun")
        client.socket.close()
    until(lambda: len(ended) == 2, "the origin saw both uploads end")
    assert ended == ["broken off"] * 2
    assert connect(proxy).request("GET", "/").status == 200


def test_an_aborted_download_frees_the_backend(before, connect):
    """The origin, which would send for ever, is stopped when the client has gone."""
    ended = threading.Event()

    def serve(peer):
        request = peer.request()
        if request.target != "/down":
            peer.send(OK)
            return
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while True:
                peer.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except OSError:
            ended.set()

    _, proxy = before(serve)
    client = connect(proxy)
    client.send(b"GET /down HTTP/1.1\r\nhost: a\r\n\r\n")
    client.head()
    client.reader.chunk()
    client.socket.close()
    assert ended.wait(20), "the origin still sends"
    assert connect(proxy).request("GET", "/").status == 200


def test_a_slow_reader_holds_the_backend_back(before, connect):
    """Back pressure: of an endless body no more is taken from the origin than buffers hold."""
    sent = [0]

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        try:
            while sent[0] < 400_000_000:
                peer.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent[0] += 0x10000
        except OSError:
            pass

    _, proxy = before(serve)
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    client.head()
    seen = [-1, 0]

    def at_rest():
        """The same figure 30 times in a row: nothing moves any more."""
        seen[1] = seen[1] + 1 if sent[0] == seen[0] else 0
        seen[0] = sent[0]
        return seen[1] > 30

    until(at_rest, "the origin was held back", seconds=60)
    assert sent[0] < 100_000_000
