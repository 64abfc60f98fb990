"""HTTP/2 with clients and with backends (RFC 9113): streams, fields, trailers, flow control, endings, abuse."""

import hashlib
import os
import socket
import threading

import pytest
from conftest import MARK, MARK_VALUE, add_header, cors
from harness import http2_floods, http2_peer
from harness.http2_peer import CANCEL, PROTOCOL_ERROR, REFUSED_STREAM
from harness.message import read_head
from harness.origin import Origin, answer
from harness.peers import Tls, resident, run
from harness.servers import Tollgate
from harness.waiting import until
from hyperframe.frame import GoAwayFrame, SettingsFrame
from test_draining import refuses

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MIB = 1 << 20

TLS = ("--tls", "self-signed")
BOTH = pytest.mark.parametrize("arguments", [(), TLS], ids=["cleartext", "tls"])
BOTH_BACKENDS = pytest.mark.parametrize("listen", ["", "http2"], ids=["http1", "http2"])


def nginx_url(server, listen):
    return "{}://{}:{}".format("h2c" if listen else "http", *server.address)


# Clients and backends that nobody here wrote


@pytest.fixture(scope="module")
def files(nginx):
    """nginx with HTTP/1.1 or HTTP/2: 1 KiB at /small, 8 MiB at /big."""

    def start(listen):
        if listen not in started:
            server = started[listen] = nginx("http2_max_concurrent_streams 512;" if listen else "", listen)
            (server.root / "small").write_bytes(os.urandom(1024))
            (server.root / "big").write_bytes(os.urandom(8 * MIB))
        return started[listen]

    started = {}
    return start


@BOTH
@BOTH_BACKENDS
def test_curl(tollgate, files, arguments, listen):
    server = files(listen)
    proxy = tollgate(nginx_url(server, listen), {**add_header(), **cors()}, arguments=arguments)
    if "HTTP2" not in run("curl", "--version"):
        pytest.skip("this curl was built without HTTP/2")
    version = "--http2" if arguments else "--http2-prior-knowledge"
    got = server.root.parent / "got"
    shown = run("curl", "-sS", "-k", version, "-D", "-", "-o", got, "-w", "v%{http_version}", f"{proxy.url}/big")
    assert shown.startswith("HTTP/2 200") and shown.endswith("v2")
    assert f"{MARK}: {MARK_VALUE}" in shown
    assert got.read_bytes() == (server.root / "big").read_bytes()


def test_the_client_chooses_by_alpn(tollgate, origin):
    proxy = tollgate(origin(answer(OK)).url, add_header(), arguments=TLS)
    assert Tls(proxy, "h2", "http/1.1").protocol == "h2"
    assert Tls(proxy, "http/1.1").protocol == "http/1.1"
    assert run("curl", "-sS", "-k", "--http1.1", "-w", "%{http_version}", proxy.url) == "ok1.1"


@BOTH
@BOTH_BACKENDS
def test_h2load(tollgate, files, arguments, listen):
    proxy = tollgate(nginx_url(files(listen), listen), add_header(), arguments=arguments)
    shown = run("h2load", "-n", 2000, "-c", 4, "-m", 32, f"{proxy.url}/small")
    assert "2000 succeeded, 0 failed, 0 errored" in shown, shown
    assert "2000 2xx" in shown, shown


@BOTH_BACKENDS
def test_a_large_body_up_and_down(tollgate, origin, http2_origin, http2, listen):
    body = os.urandom(8 * MIB)
    digest = hashlib.sha256(body).hexdigest()
    seen = []

    def serve1(peer):
        request = peer.request()
        seen.append(hashlib.sha256(request.body).hexdigest())
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(request.body) + request.body)

    def serve2(stream):
        request = stream.message()
        seen.append(hashlib.sha256(request.body).hexdigest())
        stream.send_head([(":status", "200")])
        stream.send_data(request.body, end=True)

    backend = http2_origin(serve2) if listen else origin(serve1)
    client = http2(tollgate(backend.url, add_header()))
    length = ("content-length", str(len(body)))
    for fields in ([length], []):
        got = client.request("POST", "/", *fields, body=body).message()
        assert got.status == 200
        assert hashlib.sha256(got.body).hexdigest() == digest
    assert seen == [digest, digest]


# Streams


@BOTH_BACKENDS
def test_streams_run_side_by_side(tollgate, origin, http2_origin, http2, listen):
    """50 requests are all at the backend before it answers the first; answers come in another order."""
    everybody = threading.Barrier(50)
    turns = [threading.Event() for _ in range(50)]

    def number_of(path):
        everybody.wait(20)
        number = int(path[1:])
        assert turns[number].wait(20)
        return number

    def serve1(peer):
        number = number_of(peer.request().target)
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n%02d" % number)

    def serve2(stream):
        number = number_of(stream.message().get(":path"))
        stream.send_head([(":status", "200")])
        stream.send_data(b"%02d" % number, end=True)

    backend = http2_origin(serve2) if listen else origin(serve1)
    client = http2(tollgate(backend.url, add_header()))
    streams = [client.request(path=f"/{number}") for number in range(50)]
    for number in reversed(range(50)):
        turns[number].set()
        got = streams[number].message()
        assert (got.status, got.body) == (200, b"%02d" % number)
        assert sum(stream.ended for stream in streams) == 50 - number
    if listen:
        assert len(backend.connections) <= 4, "streams share connections to the backend"


def test_the_limit_of_streams(tollgate, origin, http2):
    go_on = threading.Event()
    arrived = threading.Semaphore(0)

    def serve(peer):
        peer.request()
        arrived.release()
        assert go_on.wait(20)
        peer.send(OK)

    backend = origin(serve)
    client = http2(tollgate(backend.url, add_header(), config="[server]\nmax-streams = 5\n"))
    client.wait(lambda: client.settings, "SETTINGS")
    assert client.settings[SettingsFrame.MAX_CONCURRENT_STREAMS] == 5
    streams = [client.request() for _ in range(5)]
    for _ in streams:
        assert arrived.acquire(timeout=20)
    # RFC 9113, section 5.1.2: one more is a stream error of one of these two types.
    over = client.request()
    assert over.outcome() == "reset"
    assert over.reset_code in (REFUSED_STREAM, PROTOCOL_ERROR)
    go_on.set()
    assert [stream.message().status for stream in streams] == [200] * 5
    assert client.request().message().status == 200, "there is room again"
    assert backend.connections <= 6


def test_the_backends_limit_of_streams(tollgate, http2_origin, http2):
    """A backend that allows two streams on a connection never gets three, once the proxy can know."""
    running, most, lock = {}, [0], threading.Lock()

    def serve(stream):
        with lock:
            here = running[stream.connection] = running.get(stream.connection, 0) + 1
            if stream.connection.acknowledged:
                most.append(here)
        stream.connection.ping()
        with lock:
            running[stream.connection] -= 1
        stream.send_head([(":status", "200")], end=True)

    backend = http2_origin(serve, {SettingsFrame.MAX_CONCURRENT_STREAMS: 2})
    proxy = tollgate(backend.url, add_header())
    client = http2(proxy)
    assert client.request().message().status == 200, "SETTINGS have arrived"
    streams = [client.request() for _ in range(40)]
    assert [stream.message().status for stream in streams] == [200] * 40
    assert max(most) <= 2


@BOTH_BACKENDS
@pytest.mark.parametrize("moment", ["before the answer", "in the answer"])
def test_a_reset_ends_the_backends_request(tollgate, origin, http2_origin, http2, listen, moment):
    arrived, gone = threading.Event(), threading.Event()

    def serve1(peer):
        peer.request()
        if moment == "in the answer":
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nsome")
        arrived.set()
        if peer.reader.closed():
            gone.set()

    def serve2(stream):
        stream.message()
        if moment == "in the answer":
            stream.send_head([(":status", "200")])
            stream.send_data(b"some")
        arrived.set()
        stream.connection.wait(lambda: stream.reset_code == CANCEL, "RST_STREAM with CANCEL")
        gone.set()

    backend = http2_origin(serve2) if listen else origin(serve1)
    client = http2(tollgate(backend.url, add_header()))
    stream = client.request()
    assert arrived.wait(20)
    if moment == "in the answer":
        stream.read(4)
    stream.reset()
    assert gone.wait(20), "the backend never learnt that nobody waits any more"
    client.ping()


@BOTH_BACKENDS
def test_an_answer_that_breaks_off_never_looks_complete(tollgate, origin, http2_origin, http2, listen):
    def serve1(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this")

    def serve2(stream):
        stream.message()
        stream.send_head([(":status", "200"), ("content-length", "1000")])
        stream.send_data(b"only this")
        stream.reset(http2_peer.INTERNAL_ERROR)

    backend = http2_origin(serve2) if listen else origin(serve1)
    client = http2(tollgate(backend.url, add_header()))
    stream = client.request()
    assert stream.outcome() in ("reset", 502)
    client.ping()


def test_a_request_that_the_backend_refused_is_sent_again(tollgate, http2_origin, http2):
    """REFUSED_STREAM says that nothing was done (RFC 9113, section 8.7): even a POST may be sent again."""
    seen = []

    def serve(stream):
        seen.append(stream.message().body)
        if len(seen) == 2:
            stream.reset(REFUSED_STREAM)
        else:
            stream.send_head([(":status", "200")], end=True)

    client = http2(tollgate(http2_origin(serve).url, add_header()))
    assert client.request("GET").message().status == 200
    assert client.request("GET").message().status == 200
    assert len(seen) == 3


def test_a_request_behind_the_backends_goaway_is_sent_again(tollgate, http2_origin, http2):
    """A backend that is restarted says which streams it still does; the others go to a new connection."""
    connections = []

    def serve(stream):
        stream.message()
        if stream.connection not in connections:
            connections.append(stream.connection)
        if len(connections) == 1 and stream.number > 1:
            stream.connection.send(GoAwayFrame(0, last_stream_id=1, error_code=0))
            return
        stream.send_head([(":status", "200")], end=True)

    client = http2(tollgate(http2_origin(serve).url, add_header()))
    assert client.request().message().status == 200
    assert client.request().message().status == 200
    assert len(connections) == 2


# Messages


def test_what_an_http1_backend_sees(tollgate, origin, http2):
    requests = []
    client = http2(tollgate(origin(answer(OK, requests)).url, add_header()))
    fields = [("cookie", "a=1"), ("x-twice", "1"), ("cookie", "b=2"), ("x-twice", "2"), ("cookie", "c")]
    assert client.request("GET", "/a//b/../%7e?q=%20&;", *fields).message().status == 200
    seen = requests[0]
    assert seen.start == "GET /a//b/../%7e?q=%20&; HTTP/1.1"
    assert seen.get("host") == "origin.test"
    assert seen.get("cookie") == "a=1; b=2; c", "RFC 9113, section 8.2.3"
    assert seen.all("x-twice") == ["1", "2"]
    assert seen.get("via") == "2 tollgate"
    assert [name for name, _ in seen.fields if name.startswith(":")] == []
    assert seen.get("content-length") is None and seen.get("transfer-encoding") is None


def test_what_an_http2_backend_sees(tollgate, http2_origin, connect):
    requests = []
    serve = http2_peer.answer(200, b"ok", ("set-cookie", "a"), ("set-cookie", "b"), requests=requests)
    client = connect(tollgate(http2_origin(serve).url, add_header()))
    client.send(
        b"POST /p?q=%20 HTTP/1.1\r\nHost: origin.test\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
        b"X-Twice: 1\r\nX-Twice: 2\r\nTE: trailers, gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n"
    )
    response = client.response()
    assert (response.status, response.body, response.all("set-cookie")) == (200, b"ok", ["a", "b"])
    seen = requests[0]
    pseudo = dict(field for field in seen.fields if field[0].startswith(":"))
    assert pseudo == {":method": "POST", ":scheme": "http", ":path": "/p?q=%20", ":authority": "origin.test"}
    assert seen.body == b"abc"
    assert ("x-sum", "6") in seen.trailers
    assert seen.all("x-twice") == ["1", "2"]
    names = {name for name, _ in seen.fields}
    assert not names & {"connection", "keep-alive", "x-hop", "transfer-encoding", "upgrade", "proxy-connection"}
    assert seen.get("te") in (None, "trailers")
    assert all(name == name.lower() for name in names)


def test_the_order_of_repeated_fields_in_an_answer(tollgate, origin, http2):
    response = (
        b"HTTP/1.1 200 OK\r\nset-cookie: a\r\nX-B: 1\r\nSet-Cookie: b\r\ncontent-length: 0\r\nset-cookie: c\r\n\r\n"
    )
    got = http2(tollgate(origin(answer(response)).url, add_header())).request().message()
    assert got.all("set-cookie") == ["a", "b", "c"]
    assert got.get(MARK) == MARK_VALUE


def test_fields_of_the_connection_stay_behind(tollgate, origin, http2):
    response = (
        b"HTTP/1.1 200 OK\r\nconnection: x-hop, keep-alive\r\nkeep-alive: timeout=5\r\nx-hop: 1\r\nx-end: 2\r\n"
        b"proxy-connection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )
    got = http2(tollgate(origin(answer(response)).url, add_header())).request().message()
    assert got.body == b"ok"
    names = {name for name, _ in got.fields}
    assert "x-end" in names
    assert not names & {"connection", "keep-alive", "x-hop", "proxy-connection", "transfer-encoding"}


@pytest.mark.parametrize(
    ("method", "response", "status", "length"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n", 200, "1234"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204, None),
        ("GET", b"HTTP/1.1 304 Not Modified\r\netag: \"e\"\r\n\r\n", 304, None),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, "0"),
    ],
    ids=["HEAD", "204", "304", "empty"],
)
def test_answers_without_content(tollgate, origin, http2, method, response, status, length):
    got = http2(tollgate(origin(answer(response)).url, add_header())).request(method).message()
    assert (got.status, got.body, got.get("content-length")) == (status, b"", length)


def test_trailers_to_and_from_an_http1_backend(tollgate, origin, http2):
    requests = []
    response = (
        b"HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n"
        b"4\r\nbody\r\n0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n"
    )
    client = http2(tollgate(origin(answer(response, requests)).url, {**add_header(), **cors()}))
    stream = client.request("POST", "/", ("te", "trailers"), ("trailer", "x-check"), body=b"upload", end=False)
    stream.send_head([("x-check", "7")], end=True)
    got = stream.message()
    assert (got.status, got.body, got.trailers) == (200, b"body", [("x-sum", "1"), ("x-more", "2")])
    assert (requests[0].body, requests[0].trailers) == (b"upload", [("x-check", "7")])


@pytest.mark.parametrize("length", [(), [("content-length", "6")]], ids=["no length", "length"])
@pytest.mark.parametrize("pieces", [[b"upload"], [b"up", b"load"], []], ids=["one", "two", "none"])
def test_trailers_that_nothing_announces_reach_an_http1_backend(tollgate, origin, http2, length, pieces):
    """No `trailer` and no `te`. HTTP/1.1 has no place for trailers behind a body whose length is told."""
    requests = []
    client = http2(tollgate(origin(answer(OK, requests)).url, {**add_header(), **cors()}))
    length = [(name, str(sum(map(len, pieces)))) for name, _ in length]
    for _ in range(2):  # On one backend connection, if its framing holds.
        stream = client.request("POST", "/", *length, end=False)
        for piece in pieces:
            stream.send_data(piece)
        stream.send_head([("x-check", "7"), ("x-more", "8"), ("x-check", "9")], end=True)
        assert stream.message().status == 200
    for request in requests:
        assert request.body == b"".join(pieces)
        assert request.all("content-length") == [value for _, value in length]
        expected = [] if length else [("x-check", "7"), ("x-check", "9"), ("x-more", "8")]
        assert sorted(request.trailers) == expected
    assert len(requests) == 2


def test_trailers_between_http2_and_http2(tollgate, http2_origin, http2):
    requests = []

    def serve(stream):
        requests.append(stream.message())
        stream.send_head([(":status", "200")])
        stream.send_data(b"body")
        stream.send_head([("x-sum", "1")], end=True)

    client = http2(tollgate(http2_origin(serve).url, add_header()))
    stream = client.request("POST", "/", ("te", "trailers"), body=b"upload", end=False)
    stream.send_head([("x-check", "7")], end=True)
    got = stream.message()
    assert (got.status, got.body, got.trailers) == (200, b"body", [("x-sum", "1")])
    assert (requests[0].body, requests[0].trailers) == (b"upload", [("x-check", "7")])


def test_an_http1_client_gets_an_http2_backends_trailers(tollgate, http2_origin, connect):
    def serve(stream):
        stream.message()
        stream.send_head([(":status", "200"), ("trailer", "x-sum")])
        stream.send_data(b"body")
        stream.send_head([("x-sum", "1")], end=True)

    client = connect(tollgate(http2_origin(serve).url, add_header()))
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n\r\n")
    got = client.response()
    assert (got.status, got.body, got.trailers) == (200, b"body", [("x-sum", "1")])


@BOTH_BACKENDS
def test_early_hints_come_before_the_answer(tollgate, origin, http2_origin, http2, listen):
    hinted = threading.Event()

    def serve1(peer):
        peer.request()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n")
        assert hinted.wait(20)
        peer.send(OK)

    def serve2(stream):
        stream.message()
        stream.send_head([(":status", "103"), ("link", "</a.css>; rel=preload")])
        assert hinted.wait(20)
        stream.send_head([(":status", "200")])
        stream.send_data(b"ok", end=True)

    backend = http2_origin(serve2) if listen else origin(serve1)
    stream = http2(tollgate(backend.url, add_header())).request()
    hint = stream.head(0)
    assert (hint.status, hint.get("link")) == (103, "</a.css>; rel=preload")
    hinted.set()
    got = stream.message()
    assert (got.status, got.body, got.get(MARK)) == (200, b"ok", MARK_VALUE)


def test_expect_continue(tollgate, origin, http2):
    """The client is asked for its body when the backend asks, not before."""
    arrived, ask = threading.Event(), threading.Event()
    bodies = []

    def serve(peer):
        request = read_head(peer.reader)
        assert request.get("expect") == "100-continue"
        arrived.set()
        assert ask.wait(20)
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        bodies.append(peer.reader.exactly(int(request.get("content-length"))))
        peer.send(OK)

    client = http2(tollgate(origin(serve).url, add_header()))
    stream = client.request("PUT", "/", ("expect", "100-continue"), ("content-length", "4"), end=False)
    assert arrived.wait(20)
    client.ping()
    assert stream.heads == [], "nobody has asked yet"
    ask.set()
    assert stream.head(0).status == 100
    stream.send_data(b"body", end=True)
    got = stream.message()
    assert (got.status, got.body, bodies) == (200, b"ok", [b"body"])


def test_an_answer_before_the_request_has_ended(tollgate, origin, http2):
    """The backend refuses an upload; the client gets that although it is still sending."""

    def serve(peer):
        read_head(peer.reader)
        peer.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")

    client = http2(tollgate(origin(serve).url, add_header()))
    stream = client.request("PUT", "/", body=b"x" * 1000, end=False)
    assert stream.head().status == 403
    assert stream.read(2) == b"no"


# Flow control


@BOTH_BACKENDS
def test_a_stalled_stream_holds_up_no_other(tollgate, files, http2, listen):
    server = files(listen)
    big = (server.root / "big").read_bytes()
    client = http2(tollgate(nginx_url(server, listen), add_header()))
    stalled = [client.request(path="/big", hold=True) for _ in range(4)]
    for stream in stalled:
        stream.head()
        stream.wait(lambda stream=stream: len(stream.body) >= 65535, "a full window")
    for _ in range(20):
        assert client.request(path="/small").message().status == 200
    assert hashlib.sha256(client.request(path="/big").message().body).digest() == hashlib.sha256(big).digest()
    for stream in stalled:
        assert len(stream.body) <= 65535
        stream.release()
    for stream in stalled:
        assert stream.message().body == big


def sent_until_stalled(count):
    """Waits until count() has stood still for half a second."""
    before, since = count(), [0]

    def still():
        nonlocal before
        now = count()
        since[0] = since[0] + 1 if now == before else 0
        before = now
        return since[0] >= 25

    until(still, "the backend is held up", seconds=30)
    return before


def endless(sent):
    """A backend that writes zeros for as long as it is let, at most 64 MiB for each request."""

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 * MIB))
        for _ in range(1024):
            peer.send(bytes(65536))
            sent.append(65536)

    return serve


def test_what_stalled_readers_cost(tollgate, origin, http2):
    """20 clients that read nothing hold the backend up instead of filling memory: 1.25 GiB are on offer."""
    sent = []
    proxy = tollgate(origin(endless(sent)).url, add_header())
    client = http2(proxy)
    assert client.request(hold=True).head().status == 200
    before = resident(proxy.process.pid)
    for _ in range(19):
        client.request(hold=True)
    sent_until_stalled(lambda: len(sent))
    assert resident(proxy.process.pid) - before < 24 * MIB


def test_what_a_stalled_backend_costs(tollgate, origin, http2):
    """An upload that the backend doesn't read is held up at the client, and others are served."""
    go_on = threading.Event()

    def serve(peer):
        request = read_head(peer.reader)
        if request.target == "/upload":
            assert go_on.wait(30)
        else:
            # Or the upload may be sent on this connection while it ends.
            peer.send(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))

    proxy = tollgate(origin(serve).url, add_header())
    client = http2(proxy)
    assert client.request().message().status == 200
    before = resident(proxy.process.pid)
    upload = client.request("PUT", "/upload", end=False)
    taken = 0
    with pytest.raises(AssertionError, match="window"):
        while taken < 256 * MIB:
            upload.send_data(bytes(65536), seconds=1)
            taken += 65536
    assert resident(proxy.process.pid) - before < 24 * MIB
    assert http2(proxy).request().message().status == 200, "another client"
    upload.reset()
    go_on.set()


# Heads that are refused


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A proxy for requests that may not get through, and what the backend has got in full."""
    requests = []
    backend = Origin(answer(OK, requests))
    config = '[server]\nmax-head = "32KiB"\nmax-target = "16KiB"\n'
    proxy = Tollgate(backend.url, tmp_path_factory.mktemp("strict") / "tollgate", add_header(), config=config)
    proxy.requests = requests
    yield proxy
    assert proxy.stop() == 0
    backend.stop()


GET = [(":method", "GET"), (":scheme", "http"), (":authority", "origin.test"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]


def without(name):
    return [field for field in GET if field[0] != name]


def instead(name, value):
    return [(key, value if key == name else old) for key, old in GET]


# RFC 9113, sections 8.1 to 8.3, and for the values RFC 9110, section 5.5.
MALFORMED = {
    "no :path": without(":path"),
    "no :method": without(":method"),
    "no :scheme": without(":scheme"),
    "no authority and no host": without(":authority"),
    "empty :path": instead(":path", ""),
    "path without slash": instead(":path", "foo"),
    "path is *": instead(":path", "*"),
    "path is a URL": instead(":path", "http://other.test/"),
    "space in path": instead(":path", "/a b"),
    "space and version in path": instead(":path", "/ HTTP/1.1"),
    "line feed in path": instead(":path", "/a\nx: y"),
    "NUL in path": instead(":path", "/\0"),
    "space in method": instead(":method", "GET /x"),
    "empty method": instead(":method", ""),
    "line feed in method": instead(":method", "GET\r\n"),
    "twice :path": [*GET, (":path", "/other")],
    "twice :method": [(":method", "GET"), *GET],
    "twice :authority": [*GET, (":authority", "other.test")],
    "unknown pseudo-field": [*GET, (":other", "x")],
    "a response's pseudo-field": [*GET, (":status", "200")],
    ":protocol without CONNECT": [*GET, (":protocol", "websocket")],
    "pseudo-field after field": [*GET[:3], ("x-a", "1"), GET[3]],
    "upper case": [*GET, ("X-Upper", "1")],
    "connection": [*GET, ("connection", "keep-alive")],
    "keep-alive": [*GET, ("keep-alive", "timeout=5")],
    "proxy-connection": [*GET, ("proxy-connection", "keep-alive")],
    "transfer-encoding": [*GET, ("transfer-encoding", "chunked")],
    "upgrade": [*GET, ("upgrade", "websocket")],
    "te: gzip": [*GET, ("te", "gzip")],
    "te: trailers, gzip": [*GET, ("te", "trailers, gzip")],
    "host is not :authority": [*GET, ("host", "other.test")],
    "two hosts": [*without(":authority"), ("host", "origin.test"), ("host", "other.test")],
    "userinfo in authority": instead(":authority", "user@origin.test"),
    "slash in authority": instead(":authority", "origin.test/x"),
    "space in authority": instead(":authority", "origin.test x"),
    "empty name": [*GET, ("", "1")],
    "space in name": [*GET, ("x a", "1")],
    "colon in name": [*GET, ("x:a", "1")],
    "line feed in name": [*GET, ("x\na", "1")],
    "line feed in value": [*GET, ("x-a", "1\ny: 2")],
    "carriage return in value": [*GET, ("x-a", "1\r\nhost: x")],
    "NUL in value": [*GET, ("x-a", "1\0")],
    "no number in content-length": [*POST, ("content-length", "x")],
    "sign in content-length": [*POST, ("content-length", "+0")],
    "two content-lengths": [*POST, ("content-length", "0"), ("content-length", "5")],
    "content-length without content": [*POST, ("content-length", "5")],
    "plain CONNECT": [(":method", "CONNECT"), (":authority", "origin.test:80")],
    "CONNECT with path": [(":method", "CONNECT"), *GET[1:]],
}


@pytest.mark.parametrize("fields", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_head_is_refused(strict, http2, fields):
    del strict.requests[:]
    client = http2(strict)
    stream = client.stream()
    stream.send_head(fields, end=True)
    outcome = stream.outcome()
    assert outcome in ("reset", "closed") or 400 <= outcome < 600, f"it was answered with {outcome}"
    # What the proxy sent, if it did, came before this.
    assert http2(strict).request(path="/after").message().status == 200
    assert [request.target for request in strict.requests] == ["/after"]


@pytest.mark.parametrize("body", [b"too long", b"tiny"], ids=["longer", "shorter"])
def test_content_of_another_length_is_refused(strict, http2, body):
    del strict.requests[:]
    stream = http2(strict).request("POST", "/", ("content-length", "6"), body=body)
    outcome = stream.outcome()
    assert outcome in ("reset", "closed") or 400 <= outcome < 600
    assert http2(strict).request(path="/after").message().status == 200
    assert [request.target for request in strict.requests] == ["/after"], "the backend got a whole request"


@pytest.mark.parametrize(
    "trailers",
    [[("X-Upper", "1")], [("connection", "close")], [("x-a", "1\n")]],
    ids=["upper", "connection", "line feed"],
)
def test_malformed_trailers_are_refused(strict, http2, trailers):
    del strict.requests[:]
    stream = http2(strict).request("POST", "/", body=b"x", end=False)
    stream.send_head(trailers, end=True)
    outcome = stream.outcome()
    assert outcome in ("reset", "closed") or 400 <= outcome < 600
    assert http2(strict).request(path="/after").message().status == 200
    assert [request.target for request in strict.requests] == ["/after"]


@pytest.mark.parametrize("path", ["/other", "/other#"])
def test_pseudo_fields_in_trailers_get_nowhere(strict, http2, path):
    """RFC 9113, section 8.1."""
    del strict.requests[:]
    stream = http2(strict).request("POST", "/", ("trailer", "x-sum"), body=b"x", end=False)
    stream.send_head([(":path", path), ("x-sum", "1")], end=True)
    assert stream.outcome() == "reset"
    assert http2(strict).request(path="/after").message().status == 200
    assert [request.target for request in strict.requests] == ["/after"]


def test_host_alone_names_the_authority(strict, http2):
    """Not malformed: RFC 9113, section 8.3.1 allows `host` in place of `:authority`."""
    del strict.requests[:]
    stream = http2(strict).stream()
    stream.send_head([*without(":authority"), ("host", "origin.test")], end=True)
    assert stream.message().status == 200
    assert strict.requests[0].all("host") == ["origin.test"]


def test_options_for_the_server_as_a_whole(strict, http2):
    del strict.requests[:]
    stream = http2(strict).stream()
    stream.send_head([(":method", "OPTIONS"), *GET[1:3], (":path", "*")], end=True)
    assert stream.message().status == 200
    assert strict.requests[0].start == "OPTIONS * HTTP/1.1"


@pytest.mark.parametrize(
    ("fields", "statuses"),
    [
        ([*GET, *[(f"x-{number}", "x" * 4096) for number in range(10)]], [431]),
        ([*GET, ("x-big", "x" * 100_000)], [431]),
        (instead(":path", "/" + "p" * 20_000), [414, 431]),
        # 4 KiB said once and named 15,000 times: 60 MB of fields in 20 KB.
        ([*GET, *[("x-bomb", "x" * 4000)] * 15_000], [431]),
    ],
    ids=["many fields", "one field", "target", "hpack bomb"],
)
def test_an_oversize_head_is_refused(strict, http2, fields, statuses):
    del strict.requests[:]
    before = resident(strict.process.pid)
    client = http2(strict)
    beside = http2(strict)
    stream = client.stream()
    try:
        stream.send_head(fields, end=True)
        assert stream.outcome() in ["reset", "closed", *statuses]
    except OSError:  # closed while the head was being sent
        pass
    assert beside.request(path="/after").message().status == 200
    assert [request.target for request in strict.requests] == ["/after"]
    assert resident(strict.process.pid) - before < 24 * MIB


# Abuse


@pytest.mark.parametrize("pieces", http2_floods.FLOODS, ids=lambda pieces: pieces.__name__)
def test_a_flood_hurts_nobody_else(tollgate, origin, http2, pieces):
    """While one floods the proxy, another is served; what that costs in memory and at the backend is bounded."""
    backend = origin(answer(OK))
    proxy = tollgate(backend.url, add_header())
    client = http2(proxy)
    for _ in range(10):
        assert client.request().message().status == 200
    before = resident(proxy.process.pid)
    floods = [http2_floods.Flood(proxy.address, pieces()) for _ in range(2)]
    served = 0
    while served < 20 or not all(flood.done.is_set() for flood in floods):
        assert client.request().message().status == 200
        served += 1
    assert resident(proxy.process.pid) - before < 32 * MIB
    if pieces in (http2_floods.continuation, http2_floods.rapid_reset, *http2_floods.EMPTY):
        assert all(flood.refused or flood.is_cut() for flood in floods), "this can only be meant badly"
    for flood in floods:
        flood.close()
    assert http2(proxy).request().message().status == 200
    # At most what two connections may have at once, and what was under way as each was taken back.
    assert backend.connections < 1000


@pytest.mark.parametrize(
    "nonsense",
    [b"\x16\x03\x01 garbage", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", http2_peer.PREFACE + b"\xff" * 100],
    ids=["half a TLS hello", "half a preface", "no SETTINGS"],
)
def test_a_broken_beginning_is_refused(strict, http2, nonsense):
    with socket.create_connection(strict.address, timeout=20) as sock:
        sock.sendall(nonsense)
        sock.shutdown(socket.SHUT_WR)
        try:
            while sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
    assert http2(strict).request().message().status == 200


# The end


@BOTH
def test_sigterm_lets_streams_finish(tollgate, origin, http2, arguments):
    go_on = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst")
        assert go_on.wait(30)
        peer.send(b"-last")

    proxy = tollgate(origin(serve).url, add_header(), arguments=arguments)
    client, idle = http2(proxy), http2(proxy)
    idle.ping()
    streams = [client.request() for _ in range(3)]
    for stream in streams:
        assert stream.read(5) == b"first"
    proxy.process.terminate()
    client.wait(lambda: client.goaways, "GOAWAY")
    assert client.goaways[0][1] == http2_peer.NO_ERROR
    until(lambda: refuses(proxy), "new connections are refused while streams run")
    idle.wait_closed()
    assert proxy.process.alive()
    go_on.set()
    for stream in streams:
        assert stream.message().body == b"-last"
    client.wait_closed()
    last, code = client.goaways[-1]
    assert code == http2_peer.NO_ERROR and last >= streams[-1].number
    assert proxy.process.wait() == 0
