"""HTTP/2 keeps the rules of HTTP/1.1, one bad request ends one stream, and a reset is told with its code (RFC 9113)."""

import re
import socket
import threading

import pytest
from conftest import add_header
from harness import http2_peer
from harness.certificates import authority  # noqa: F401
from harness.config import configured  # noqa: F401
from harness.http2_peer import CANCEL, INTERNAL_ERROR, PROTOCOL_ERROR, REFUSED_STREAM
from harness.message import Reader
from harness.origin import Peer, answer
from hyperframe.frame import GoAwayFrame, PingFrame

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HEAD = [(":method", "GET"), (":scheme", "http"), (":authority", "origin.test"), (":path", "/bad")]

# What HPACK can carry and no message may hold. Each is what changes in a good head.
MALFORMED = {
    "a name in capitals": [("X-Up", "1")],
    "a name with a line feed": [("x\nb", "1")],
    "a name with a space": [("x b", "1")],
    "a name with a quote": [('x"b', "1")],
    "an empty name": [("", "value")],
    "a value with CR LF": [("x-a", "a\r\nx-b: c")],
    "a value with NUL": [("x-a", "a\x00")],
    "a value with 0x01": [("x-a", "\x01")],
    "a long value with 0x7f": [("x-a", "y" * 300 + "\x7f")],
    "an unknown pseudo-header": [(":what", "1")],
    "a status": [(":status", "2x")],
    "a path that is no UTF-8": {":path": b"/\xff"},
    "a method that is no token": {":method": "G(T"},
    "an empty method": {":method": ""},
    "an authority that is no UTF-8": {":authority": b"a\xff"},
}


def head_with(change):
    if isinstance(change, dict):
        return [(name, change.get(name, value)) for name, value in HEAD]
    if change[0][0].startswith(":"):
        return change + HEAD
    return HEAD + change


@pytest.mark.parametrize("arguments", [(), ("--tls", "self-signed")], ids=["cleartext", "tls"])
def test_one_malformed_request_ends_its_stream_alone(tollgate, origin, http2, arguments):
    """Bad heads of all kinds between good ones, while a slow request waits on the same connection."""
    go = threading.Event()

    def serve(peer):
        while True:
            request = peer.request()
            assert request.target != "/bad", "no malformed request may reach a backend"
            if request.target == "/slow":
                assert go.wait(30)
            peer.send(OK)

    client = http2(tollgate(origin(serve).url, add_header(), arguments=arguments))
    slow = client.request("GET", "/slow")
    for name, change in MALFORMED.items():
        for _ in range(2):  # The second time HPACK's table has what was bad.
            bad = client.stream()
            bad.send_head(head_with(change), end=True)
            assert bad.outcome() == "reset", name
            assert bad.reset_code == PROTOCOL_ERROR, name
        fields = [("x-a", "fine"), ("x-up", "1")]
        assert client.request("GET", "/", *fields).message().status == 200, f"after {name}"
    trailers = client.request("POST", "/", body=b"up", end=False)
    trailers.send_head([("X-Up", "1")], end=True)
    assert trailers.outcome() == "reset"
    go.set()
    assert slow.message().status == 200
    assert not client.goaways


def test_names_and_values_that_are_unusual_but_right_pass(tollgate, origin, http2):
    """Nothing is taken for malformed that isn't: any text of latin-1, tabs, all tokens, long fields over several frames."""
    requests = []
    client = http2(tollgate(origin(answer(OK, requests)).url, add_header()))
    fields = [("x-!#$%&'*+-.^_`|~1", "a\tb"), ("x-latin", b"\xe4\xff".decode("latin-1")), ("x-long", "z" * 40_000)]
    for _ in range(3):
        assert client.request("GET", "/ok?a=%ff", *fields).message().status == 200
    assert [request.get("x-long") for request in requests] == ["z" * 40_000] * 3


# One set of rules


@pytest.mark.parametrize(
    "fields, status",
    [
        ([("expect", "200-ok")], 417),
        ([("expect", "100-continue"), ("expect", "x")], 417),
        ([("content_length", "5")], 400),
        ([("transfer_encoding", "chunked")], 400),
        ([("content-length", "00")], 200),
    ],
)
def test_requests_follow_the_rules_of_http1(tollgate, origin, http2, fields, status):
    requests = []
    client = http2(tollgate(origin(answer(OK, requests)).url, add_header()))
    got = client.request("POST", "/", *fields).message()
    assert (got.status, len(requests)) == (status, int(status == 200))
    if requests:
        assert requests[0].get("content-length") == "0"
    assert client.request("GET", "/").message().status == 200


@pytest.mark.parametrize(
    "scheme, target, host, is_same",
    [
        ("http", "a.test:80", "a.test", True),
        ("http", "a.test", "A.test:80", True),
        ("http", "a.test", "a.test:", True),
        ("https", "a.test", "a.test:443", True),
        ("http", "[::1]:80", "[::1]", True),
        ("https", "a.test", "a.test:80", False),
        ("http", "a.test", "a.test:8080", False),
        ("http", "a.test:80", "b.test", False),
        ("http", "a.test", "", False),
    ],
)
def test_an_authority_and_a_host_that_name_the_same_are_served(tollgate, origin, http2, scheme, target, host, is_same):
    """RFC 9113, section 8.3.1: they are compared as the scheme reads them. What goes on is the authority."""
    requests = []
    client = http2(tollgate(origin(answer(OK, requests)).url, add_header()))
    stream = client.stream()
    pseudo = [(":method", "GET"), (":scheme", scheme), (":authority", target), (":path", "/")]
    stream.send_head([*pseudo, ("host", host)], end=True)
    if is_same:
        assert stream.message().status == 200
        assert [request.all("host") for request in requests] == [[target]]
    else:
        assert stream.outcome() == "reset"
        assert (stream.reset_code, requests) == (PROTOCOL_ERROR, [])


# What a target may hold is the same on both protocols: each is what is sent and whether it arrives.
TARGETS = {
    '/?query=up{job="x"}': True,
    "/`a`?`a`": True,
    '/"a"': True,
    "/<a>?<a>": True,
    "/[a]{b}|^\\?[a]{b}|^\\'": True,
    "/ü/中?ü=😀": True,
    "/ü`": True,
    "/a%2Fb//c/../d?x=%20&&": True,
    "/a#b": False,
    "/a?b#c": False,
    "/a b": False,
    "/#": False,
}


@pytest.mark.parametrize("target, arrives", TARGETS.items(), ids=TARGETS)
def test_targets_follow_the_rules_of_http1(tollgate, origin, http2, connect, target, arrives):
    requests = []
    proxy = tollgate(origin(answer(OK, requests)).url, add_header())
    two = http2(proxy)
    texts = []
    for _ in range(3):  # The second and the third time HPACK's table has it.
        stream = two.stream()
        fields = [(name, target if name == ":path" else value) for name, value in HEAD]
        stream.send_head([*fields, ("accept", "text/plain")], end=True)
        message = stream.message()
        assert message.status == (200 if arrives else 400)
        assert [value for name, value in message.fields if name == '"path"'] == []
        texts.append(message.body)
    one = connect(proxy)
    if arrives:
        one.send(b"GET " + target.encode() + b" HTTP/1.1\r\nhost: a\r\naccept: text/plain\r\n\r\n")
        assert one.response().status == 200
        assert [request.target.encode("latin-1").decode() for request in requests] == [target] * 4
        assert [request.all('"path"') for request in requests] == [[]] * 4
    else:
        assert requests == []
        bad = next(character for character in "# " if character in target)
        shown = {"#": "'#'", " ": "a space"}[bad]
        assert all(f"{shown} at byte {target.index(bad) + 1}," in text.decode() for text in texts)
        one.send(b"GET " + target.encode() + b" HTTP/1.1\r\nhost: a\r\naccept: text/plain\r\n\r\n")
        assert one.response().status == 400


@pytest.mark.parametrize("length", [20_000, 70_000])
def test_a_target_that_is_too_long_is_414(tollgate, origin, http2, connect, length):
    requests = []
    config = '[server]\nmax-head = "256KiB"\n'
    proxy = tollgate(origin(answer(OK, requests)).url, add_header(), config=config)
    two = http2(proxy)
    for character in "p`":
        target = "/" + character * length
        for _ in range(2):
            assert two.request("GET", target).message().status == 414
        assert connect(proxy).request("GET", target).status == 414
    assert two.request("GET", "/").message().status == 200
    assert len(requests) == 1


def test_a_target_that_http2_cannot_carry_becomes_no_other(tollgate, http2_origin, connect):
    """Towards a backend of HTTP/2, `h2` takes less than a target may hold; encoded it is three times as long."""
    paths = []

    def serve(stream):
        paths.append(stream.message().get(":path"))
        stream.send_head([(":status", "200")], end=True)

    config = '[server]\nmax-head = "128KiB"\nmax-target = 65534\n'
    client = connect(tollgate(http2_origin(serve).url, add_header(), config=config))
    for count, status in [(10, 200), (30_000, 502), (1, 200)]:
        assert client.request("GET", "/" + "`" * count).status == status
    assert paths == ["/" + "%60" * 10, "/%60"]


@pytest.mark.parametrize("fields, status", [(90, 200), (110, 431)])
def test_a_head_has_as_many_fields_as_over_http1(tollgate, origin, http2, connect, fields, status):
    requests = []
    proxy = tollgate(origin(answer(OK, requests)).url, add_header(), config="[server]\nmax-fields = 100\n")
    lines = [(f"x-{number}", "1") for number in range(fields)]
    assert http2(proxy).request("GET", "/", *lines).message().status == status
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    one = connect(proxy)
    one.send(f"GET / HTTP/1.1\r\nhost: a\r\n{head}\r\n".encode())
    assert one.response().status == status
    assert len(requests) == (2 if status == 200 else 0)


def test_a_host_comes_once(tollgate, origin, http2):
    requests = []
    client = http2(tollgate(origin(answer(OK, requests)).url, add_header()))
    for fields in [HEAD, HEAD[:2] + HEAD[3:]]:
        for second in ["origin.test", "origin.test:80"]:
            stream = client.stream()
            stream.send_head([*fields, ("host", "origin.test"), ("host", second)], end=True)
            assert (stream.outcome(), stream.reset_code) == ("reset", PROTOCOL_ERROR)
    assert requests == []


LENGTHS = {
    ("2",): "2",
    ("2", "2"): "2",
    ("2, 2",): "2",
    ("002",): "2",
    ("2", "3"): None,
    ("2, 3",): None,
}


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("over", ["http1", "http2"])
def test_a_response_has_one_length(tollgate, origin, http2_origin, http2, connect, over, method, lengths):
    """Whatever protocol it comes by and goes out by. A list over HTTP/2 may be refused as well: `h2` takes none."""
    body = b"ok" if method == "GET" else b""

    def serve2(stream):
        stream.message()
        stream.send_head([(":status", "200"), *(("content-length", length) for length in lengths)], end=not body)
        if body:
            stream.send_data(body, end=True)

    head = "".join(f"content-length: {length}\r\n" for length in lengths).encode()
    backend = origin(answer(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + body)) if over == "http1" else http2_origin(serve2)
    proxy = tollgate(backend.url, add_header())
    two = http2(proxy).request(method, "/").message()
    one = connect(proxy).request(method, "/")
    expected = LENGTHS[lengths]
    for status, all_lengths, content in [
        (two.status, two.all("content-length"), two.body),
        (one.status, one.all("content-length"), one.body),
    ]:
        if over == "http2" and "," in lengths[0] and expected and status == 502:
            continue
        if expected is None:
            assert status == 502
        else:
            assert (status, all_lengths, content) == (200, [expected], body)


@pytest.mark.parametrize("over", ["http1", "http2"])
def test_no_content_has_neither_length_nor_content(tollgate, origin, http2_origin, http2, over):
    def serve2(stream):
        stream.message()
        stream.send_head([(":status", "204"), ("content-length", "2")])
        stream.send_data(b"xx", end=True)

    backend = origin(answer(b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n")) if over == "http1" else http2_origin(serve2)
    got = http2(tollgate(backend.url, add_header())).request("GET", "/").message()
    assert (got.status, got.get("content-length"), got.body) == (204, None, b"")


def test_an_interim_response_has_no_fields_of_the_backends_hop(tollgate, origin, http2):
    early = b"HTTP/1.1 103 Early Hints\r\nconnection: x-hop, close\r\nx-hop: 1\r\nkeep-alive: 5\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\nupgrade: h2c\r\nlink: </a>\r\n\r\n"
    got = http2(tollgate(origin(answer(early + OK)).url, add_header())).request("GET", "/").message()
    assert got.status == 200
    assert [interim.fields for interim in got.interim] == [[(":status", "103"), ("link", "</a>")]]


def test_trailers_have_no_fields_of_one_hop(tollgate, http2_origin, http2):
    seen = []

    def serve(stream):
        seen.append(stream.message().trailers)
        stream.send_head([(":status", "200")])
        stream.send_data(b"ok")
        stream.send_head([("x-good", "1"), ("content-length", "9"), ("host", "x"), ("trailer", "a")], end=True)

    client = http2(tollgate(http2_origin(serve).url, add_header()))
    stream = client.request("POST", "/", body=b"up", end=False)
    stream.send_head([("x-good", "1"), ("host", "x"), ("content_length", "9")], end=True)
    assert stream.message().trailers == [("x-good", "1")]
    assert seen == [[("x-good", "1")]]


# What a backend says when it ends a stream


@pytest.mark.parametrize(
    "code, kind, name",
    [
        (INTERNAL_ERROR, "http_response_incomplete", "INTERNAL_ERROR"),
        (CANCEL, "http_response_incomplete", "CANCEL"),
        (0xB, "http_response_incomplete", "ENHANCE_YOUR_CALM"),
        (PROTOCOL_ERROR, "http_protocol_error", "PROTOCOL_ERROR"),
        (REFUSED_STREAM, "http_response_incomplete", "REFUSED_STREAM"),
    ],
)
def test_a_reset_is_told_with_its_code(tollgate, http2_origin, http2, code, kind, name):
    def serve(stream):
        stream.message()
        stream.reset(code)

    got = http2(tollgate(http2_origin(serve).url, add_header())).request("GET", "/").message()
    assert got.status == 502
    why = got.get("proxy-status")
    assert f"error={kind}" in why and f"reset the stream of the request: {name}" in why, why


def test_a_missing_socket_answers_like_a_closed_port(tollgate, connect, tmp_path):
    """RFC 9209: connection_refused, 502, for whatever takes no connections."""
    got = connect(tollgate(f"unix:{tmp_path}/missing.sock", add_header())).request("GET", "/", "accept: text/plain")
    assert got.status == 502 and got.get("retry-after") is None
    assert "error=connection_refused" in got.get("proxy-status")
    assert re.search(r"takes no connections", got.body.decode())
    assert str(tmp_path) not in repr(got.fields) + got.body.decode()


# Frames without content


@pytest.mark.parametrize("over", ["http1", "http2"])
def test_window_that_is_earned_is_no_flood(tollgate, origin, http2_origin, http2, over):
    """40,000 messages of ten bytes, each in a frame of its own, which this client answers with two WINDOW_UPDATE."""
    count = 40_000
    asked = []

    def serve1(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(count // 100):
            peer.send(b"a\r\n0123456789\r\n" * 100)
        peer.send(b"0\r\n\r\n")

    def serve2(stream):
        stream.message()
        stream.send_head([(":status", "200")])
        for sent in range(count):
            if sent % 1000 == 0:  # A backend may be no more ahead of its client than memory is for so small frames.
                asked[0].wait(lambda: len(asked[0].body) >= 10 * (sent - 1000), "the client")
            stream.send_data(b"0123456789")
        stream.send_data(b"", end=True)

    backend = origin(serve1) if over == "http1" else http2_origin(serve2)
    client = http2(tollgate(backend.url, add_header()))
    stream = client.stream()
    asked.append(stream)
    stream.send_head(HEAD, end=True)
    stream.wait(lambda: stream.ended, "the end", 90)
    assert len(stream.body) == 10 * count
    assert not client.goaways


def test_small_messages_up_are_no_flood(tollgate, http2_origin, http2):
    """20,000 messages of ten bytes, with a PING behind each."""
    seen = []

    def serve(stream):
        seen.append(len(stream.message().body))
        stream.send_head([(":status", "200")], end=True)

    client = http2(tollgate(http2_origin(serve).url, add_header()))
    stream = client.request("POST", "/", end=False)
    ping = PingFrame(0, opaque_data=b"measured").serialize()
    for _ in range(20_000):
        stream.send_data(b"0123456789")
        client.write(ping)
    stream.send_data(b"", end=True)
    assert stream.message().status == 200
    assert seen == [200_000] and not client.goaways


# Requests that a backend did not process


@pytest.mark.parametrize("how", ["REFUSED_STREAM", "GOAWAY"])
@pytest.mark.parametrize("client_speaks", ["http1", "http1 chunked", "http2", "http2 with trailers"])
def test_a_small_body_is_sent_again(tollgate, http2_origin, http2, connect, how, client_speaks):
    """RFC 9113, section 8.7. The backend has read the whole request before it says that it has not processed it."""
    answered, refused = [], []

    def serve(stream):
        message = stream.message()
        if stream.connection is backend.connections[0] and not (refused and how == "REFUSED_STREAM"):
            refused.append(message.body)
            if how == "GOAWAY":
                stream.connection.send(GoAwayFrame(0, last_stream_id=0, error_code=0))
            else:
                stream.reset(REFUSED_STREAM)
            return
        answered.append((message.body, message.trailers))
        stream.send_head([(":status", "200")], end=True)

    backend = http2_origin(serve)
    proxy = tollgate(backend.url, add_header())
    trailers = []
    if client_speaks == "http1":
        status = connect(proxy).request("POST", "/", body=b"small").status
    elif client_speaks == "http1 chunked":
        client = connect(proxy)
        client.send(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nsm\r\n3\r\nall\r\n0\r\n\r\n")
        status = client.response("POST").status
    else:
        stream = http2(proxy).request("POST", "/", body=b"small", end="trailers" not in client_speaks)
        if "trailers" in client_speaks:
            trailers = [("x-sum", "1")]
            stream.send_head(trailers, end=True)
        status = stream.message().status
    assert status == 200
    assert refused == [b"small"]
    assert answered == [(b"small", trailers)]


def test_a_body_that_was_not_kept_is_not_sent_again(tollgate, http2_origin, http2):
    refused = []

    def serve(stream):
        refused.append(len(stream.message().body))
        stream.reset(REFUSED_STREAM)

    client = http2(tollgate(http2_origin(serve).url, add_header()))
    got = client.request("POST", "/", body=b"x" * 200_000).message()
    assert got.status == 502 and "REFUSED_STREAM" in got.get("proxy-status")
    assert refused == [200_000]


class Changeable:
    """A backend with TLS that agrees on HTTP/2 and then wants HTTP/1.1."""

    def __init__(self, pair, how):
        self.how = how
        self.context = pair.server_context(["h2", "http/1.1"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "https://127.0.0.1:{}".format(self.listener.getsockname()[1])
        self.seen = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            sock = self.context.wrap_socket(sock, server_side=True)
            if sock.selected_alpn_protocol() != "h2":
                answer(OK, self.seen)(Peer(sock, 0))
                return
            reader = Reader(sock)
            assert reader.exactly(len(http2_peer.PREFACE)) == http2_peer.PREFACE, "the preface"
            http2_peer.Connection(sock, None, self.refuse).start(b"")
        except (EOFError, OSError):
            pass

    def refuse(self, stream):
        self.seen.append("h2")
        if self.how == "GOAWAY":
            stream.connection.send(GoAwayFrame(0, last_stream_id=0, error_code=0xD))
        else:
            stream.reset(0xD)


@pytest.mark.parametrize("how", ["RST_STREAM", "GOAWAY"])
def test_a_backend_that_wants_http1_gets_it(configured, connect, authority, how):  # noqa: F811
    """RFC 9113, section 7: HTTP_1_1_REQUIRED. Once is enough to know it."""
    backend = Changeable(authority.issue("127.0.0.1"), how)
    settings = {"address": backend.url, "tls": {"ca": authority.ca}}
    client = connect(configured({"backends": {"secure": settings}, "routes": [{"backend": "secure"}]}))
    for _ in range(3):
        assert client.request("POST", "/", body=b"small").status == 200
    backend.listener.close()
    assert backend.seen[0] == "h2"
    assert [request.body for request in backend.seen[1:]] == [b"small"] * 3
