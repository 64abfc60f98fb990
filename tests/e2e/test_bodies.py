"""Bodies: framing of every kind both ways, trailers, no body where there is none, streams without delay."""

import hashlib
import random
import threading

import pytest
from conftest import MARK, add_header
from harness import http2_peer
from harness.message import read_chunked
from harness.origin import answer
from harness.raw import BEHIND, OK, Recorder, converse
from harness.servers import Tollgate

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="module")
def proxy(recorder, tmp_path_factory):
    proxy = Tollgate(recorder.url, tmp_path_factory.mktemp("bodies") / "tollgate", add_header())
    yield proxy
    proxy.stop()


@pytest.fixture
def through(recorder, proxy):
    """through(data, response): the conversation with another request behind, and what the backend got first."""

    def send(data, response=OK, method="GET", follow=BEHIND):
        left = [response]
        recorder.respond = lambda request: left.pop() if left else OK
        seen = len(recorder.received)
        got = converse(proxy.address, data + follow, [method])
        return got, recorder.received[seen]

    return send


def chunks(data, *sizes):
    """Chunked coding of `data` in pieces of these sizes, again and again."""
    coded, at, number = [], 0, 0
    while at < len(data):
        piece = data[at : at + sizes[number % len(sizes)]]
        coded.append(b"%x\r\n%b\r\n" % (len(piece), piece))
        at, number = at + len(piece), number + 1
    return b"".join(coded) + b"0\r\n\r\n"


NOISE = random.Random(7).randbytes(1_500_000)
FRAMED = {
    "a length": (b"Content-Length: %d\r\n\r\n" % len(NOISE), NOISE),
    "odd chunks": (b"Transfer-Encoding: chunked\r\n\r\n", chunks(NOISE, 1, 17, 4096, 65537, 3)),
    "one chunk": (b"Transfer-Encoding: chunked\r\n\r\n", chunks(NOISE, len(NOISE))),
    "small chunks": (b"Transfer-Encoding: chunked\r\n\r\n", chunks(NOISE, 50)),
}


def digest(data):
    return len(data), hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("framing", FRAMED)
def test_a_request_body_arrives_byte_for_byte(through, framing):
    head, body = FRAMED[framing]
    got, received = through(b"POST /x HTTP/1.1\r\nHost: a\r\n" + head + body)
    assert got.statuses == [200, 200]
    assert digest(received.body) == digest(NOISE)
    if framing == "a length":
        assert received.get("content-length") == str(len(NOISE)), "a known length stays known"


@pytest.mark.parametrize("framing", FRAMED)
def test_a_response_body_arrives_byte_for_byte(through, framing):
    head, body = FRAMED[framing]
    got, _ = through(GET, b"HTTP/1.1 200 OK\r\n" + head + body)
    assert got.statuses == [200, 200]
    assert digest(got.responses[0].body) == digest(NOISE)
    if framing == "a length":
        assert got.responses[0].get("content-length") == str(len(NOISE))


def test_a_response_that_ends_with_its_connection(through):
    got, _ = through(GET, b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + NOISE)
    assert digest(got.responses[0].body) == digest(NOISE)
    assert got.statuses == [200, 200], "the client's connection needn't end with it"


TRAILED = b"2\r\nok\r\n0\r\nX-Sum: 2\r\nX-Twice: a\r\nX-Twice: b\r\n\r\n"


def test_trailers_go_both_ways(through):
    """The backend sees that the client wants them, and both see what is announced."""
    got, received = through(
        b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: te\r\nTE: trailers\r\nTrailer: X-Sum, X-Twice\r\nTransfer-Encoding: chunked\r\n\r\n"
        + TRAILED,
        b"HTTP/1.1 200 OK\r\nTrailer: X-Sum, X-Twice\r\nTransfer-Encoding: chunked\r\n\r\n" + TRAILED,
    )
    expected = [("x-sum", "2"), ("x-twice", "a"), ("x-twice", "b")]
    response = got.responses[0]
    assert (received.body, response.body) == (b"ok", b"ok")
    assert received.trailers == expected
    assert response.trailers == expected
    assert received.get("te") == "trailers"
    for message in (received, response):
        assert {name.strip().lower() for name in message.get("trailer").split(",")} == {"x-sum", "x-twice"}


def test_a_client_that_takes_no_trailers_still_gets_its_body(through):
    got, received = through(GET, b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" + TRAILED)
    assert got.statuses == [200, 200]
    assert got.responses[0].body == b"ok"
    assert received.all("te") == []


def test_trailers_of_a_response_frame_nothing(through):
    trailers = (
        b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nSet-Cookie: a=1\r\nX-Sum: 2\r\n"
    )
    got, _ = through(
        b"GET /x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + trailers + b"\r\n",
    )
    assert got.statuses[0] == 200
    names = {name for name, _ in got.responses[0].trailers}
    assert not names & {"content-length", "transfer-encoding", "connection"}, names


BODILESS = {
    "HEAD with a length": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", "12345"),
    "HEAD with length 0": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0"),
    "HEAD with chunks": ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
    "HEAD with nothing": ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n", None),
    "HEAD and 404": ("HEAD", b"HTTP/1.1 404 Not Found\r\nContent-Length: 77\r\n\r\n", "77"),
    "204": ("GET", b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", None),
    "204 to POST": ("POST", b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", None),
    "304": ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\n\r\n', None),
    "304 with a length": ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\nContent-Length: 500\r\n\r\n', "500"),
    "length 0": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0"),
    "205": ("GET", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", "0"),
}


@pytest.mark.parametrize("name", BODILESS)
def test_what_has_no_body_gets_none(through, name):
    """And the connection goes on at the right byte, on both sides."""
    method, response, length = BODILESS[name]
    data = b"%b /x HTTP/1.1\r\nHost: a\r\n\r\n" % method.encode()
    if method == "POST":
        data = data.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\nup")
    got, received = through(data, response, method)
    assert received.method == method
    assert len(got.statuses) == 2, f"the connection must go on: {got}"
    first, second = got.responses
    assert first.status == int(response.split(b" ")[1])
    assert first.body == b"" and second.body == b"ok"
    if name.startswith("204"):
        assert not first.all("content-length") and not first.all("transfer-encoding")
    elif name.startswith("304"):
        assert first.get("content-length") in (None, length)  # RFC 9110, section 8.6 leaves it open
    elif length is not None:
        assert first.get("content-length") == length
    assert first.get(MARK)


def test_a_request_without_body_gets_no_framing(through):
    """A GET without one stays without; a POST of nothing says so."""
    _, received = through(GET)
    assert not received.all("content-length") and not received.all("transfer-encoding")
    _, received = through(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert received.get("content-length") == "0"


def test_ranges_pass(through):
    part = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\nAccept-Ranges: bytes\r\nContent-Length: 4\r\n\r\n2345"
    got, received = through(b'GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=2-5\r\nIf-Range: "e"\r\n\r\n', part)
    assert (received.get("range"), received.get("if-range")) == ("bytes=2-5", '"e"')
    response = got.responses[0]
    assert (response.status, response.get("content-range"), response.body) == (206, "bytes 2-5/10", b"2345")
    got, _ = through(
        GET, b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\nContent-Length: 0\r\n\r\n"
    )
    assert (got.responses[0].status, got.responses[0].get("content-range")) == (416, "bytes */10")


def test_several_ranges_pass(through):
    body = b"--b\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--b\r\nContent-Range: bytes 2-2/9\r\n\r\nc\r\n--b--\r\n"
    head = (
        b"HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=b\r\nContent-Length: %d\r\n\r\n"
    )
    got, _ = through(b"GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-2\r\n\r\n", head % len(body) + body)
    assert got.responses[0].body == body
    assert got.responses[0].get("content-type") == "multipart/byteranges; boundary=b"


@pytest.mark.parametrize("kept", [b"", b"Connection: keep-alive\r\n"], ids=["close", "keep-alive"])
def test_http_1_0_gets_no_chunks(through, kept):
    """The body ends with the connection, whatever the client asked for."""
    got, _ = through(
        b"GET /x HTTP/1.0\r\nHost: a\r\n" + kept + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + TRAILED,
        follow=b"",
    )
    assert got.closed and got.statuses == [200]
    response = got.responses[0]
    assert not response.all("transfer-encoding") and not response.all("trailer")
    assert response.body == b"ok"


def test_http_1_0_keeps_its_connection_when_it_asks(through):
    """With a known length, and the proxy says so (RFC 9112, section 9.3)."""
    got, _ = through(b"GET /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    assert got.statuses == [200, 200]
    assert got.responses[0].get("connection").lower() == "keep-alive"
    got, _ = through(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n", follow=b"")
    assert got.closed and got.statuses == [200]


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_events_come_one_by_one(tollgate, origin, connect, framing):
    """SSE: the backend sends the next event only when the client has the one before."""
    seen = threading.Semaphore(0)
    events = [b"id: %d\ndata: %b\n\n" % (number, b"x" * (number % 7)) for number in range(30)]

    def serve(peer):
        peer.request()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        head += {"chunked": b"Transfer-Encoding: chunked\r\n", "length": b"Content-Length: %d\r\n" % sum(map(len, events)), "close": b""}[framing]  # fmt: skip
        peer.send(head + b"\r\n")
        for event in events:
            peer.send(b"%x\r\n%b\r\n" % (len(event), event) if framing == "chunked" else event)
            assert seen.acquire(timeout=20), "an event was held back"
        if framing == "chunked":
            peer.send(b"0\r\n\r\n")

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(GET)
    response = client.head()
    assert response.get("content-type") == "text/event-stream"
    for event in events:
        got = b""
        while len(got) < len(event):
            got += client.reader.chunk() if response.chunked else client.reader.exactly(len(event))
        assert got == event
        seen.release()
    if response.chunked:
        assert client.reader.chunk() == b""


def test_a_head_comes_before_its_body(tollgate, origin, connect):
    go_on = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        assert go_on.wait(20)
        peer.send(b"ok")

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(GET)
    assert client.head().get("content-length") == "2"
    go_on.set()
    assert client.reader.exactly(2) == b"ok"


def test_both_ways_at_once(tollgate, origin, connect):
    """The backend echoes each chunk before it has the next: neither side waits for the other's end."""

    def serve(peer):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while piece := peer.reader.chunk():
            peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        peer.reader.fields()
        peer.send(b"0\r\n\r\n")

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    response = client.head()
    assert response.status == 200
    for number in range(20):
        word = b"word %d" % number
        client.send(b"%x\r\n%b\r\n" % (len(word), word))
        assert client.reader.chunk() == word
    client.send(b"0\r\n\r\n")
    read_chunked(client.reader, response)
    assert response.body == b""


ENDLESS = 200_000_000


@pytest.mark.parametrize("then", ["stops reading", "hangs up"])
@pytest.mark.parametrize(
    "framing", [b"Content-Length: %d" % ENDLESS, b"Transfer-Encoding: chunked"], ids=["length", "chunked"]
)
def test_an_early_answer_reaches_a_client_that_still_sends(tollgate, origin, connect, framing, then):
    """The backend answers on the head and takes no more: the proxy must look for an answer while it can't write, and after."""

    def serve(peer):
        peer.head()
        peer.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        if then == "stops reading":
            done.wait(30)

    done = threading.Event()
    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(b"PUT / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
    sender = threading.Thread(target=upload, args=(client, framing, done), daemon=True)
    sender.start()
    try:
        response = client.response()
    finally:
        done.set()
        client.socket.close()
        sender.join(20)
    assert (response.status, response.body) == (403, b"no")


def upload(client, framing, stop):
    piece = b"x" * 65536
    data = b"10000\r\n" + piece + b"\r\n" if b"chunked" in framing else piece
    try:
        for _ in range(ENDLESS // len(data)):
            if stop.is_set():
                return
            client.send(data)
    except OSError:
        pass


def test_an_early_answer_of_a_backend_that_reads_on(tollgate, origin, connect):
    """The answer comes at once; once the upload has ended the connection is good for more, or closed."""
    answered = threading.Event()

    def serve(peer):
        request = peer.head()
        peer.send(OK)
        answered.set()
        if request.chunked:
            read_chunked(peer.reader, request)
            peer.request()
            peer.send(OK)

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    response = client.response()
    assert (response.status, response.body) == (200, b"ok")
    try:
        client.send(b"3\r\ntwo\r\n0\r\n\r\n" + GET)
        assert client.response().status == 200
    except (EOFError, ConnectionError):
        pass


def test_a_body_that_no_plugin_reads_is_not_gathered(tollgate, origin, connect):
    """The backend has the first piece while the client still holds the second; see test_http1.py for the way back."""
    first = threading.Event()

    def serve(peer):
        peer.head()
        peer.reader.exactly(3)
        first.set()
        peer.reader.exactly(3)
        peer.send(OK)

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\none")
    assert first.wait(20)
    client.send(b"two")
    assert client.response().status == 200


def test_an_answer_to_head_is_not_awaited(tollgate, origin, connect):
    """Nothing follows its head, though a length is there: the next request goes on at once."""
    proxy = tollgate(origin(answer(lambda r: OK if r.method == "GET" else OK[: -len(b"ok")])).url, add_header())
    client = connect(proxy)
    for _ in range(5):
        assert client.request("HEAD", "/").get("content-length") == "2"
        assert client.request("GET", "/").body == b"ok"


@pytest.mark.parametrize("backend", ["http1", "http2"])
@pytest.mark.parametrize("sender", ["http1", "http2"])
def test_an_empty_body_that_a_plugin_has_read_has_a_length(tollgate, origin, http2_origin, connect, http2, sender, backend):
    """Without one, a server waits for a body, or answers 411. The plugin reads what may be the creation of a bucket."""
    requests = []
    if backend == "http1":
        url = origin(answer(OK, requests)).url
    else:
        url = http2_origin(http2_peer.answer(200, requests=requests)).url
    region = {"client": "eu-west-1", "backend": "eu-west-2"}
    proxy = tollgate(url, {**add_header(), "arn-rewrite": {"region": region}})
    signed = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request"
    if sender == "http1":
        client = connect(proxy)
        head = f"PUT /bucket HTTP/1.1\r\nhost: a\r\nauthorization: {signed}\r\ntransfer-encoding: chunked\r\n\r\n"
        client.send(head.encode() + b"0\r\n\r\n")
        assert client.response().status == 200
    else:
        stream = http2(proxy).request("PUT", "/bucket", ("authorization", signed), end=False, authority="a")
        stream.send_data(b"", end=True)
        assert stream.message().status == 200
    (request,) = requests
    assert (request.body, request.all("content-length"), request.all("transfer-encoding")) == (b"", ["0"], [])
