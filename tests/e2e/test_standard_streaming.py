"""Bodies through standard components: nothing is held back either way, and no body needs the memory of all of it."""

import hashlib
import random
import socket
import threading

import pytest
from harness.message import read_head
from harness.origin import answer
from harness.peers import resident
from harness.standard import MIDDLEWARE, PROXY, SERVICE, chained, mark, standard  # noqa: F401
from test_sse import Reader, Turn, at_once, event

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MIB = 1 << 20
EVENTS = 10
# How a body gets through: handed on as it is, in a new response, copied by the guest, by another API.
WAYS = pytest.mark.parametrize(
    "kind, action",
    [
        (MIDDLEWARE, "pass"),
        (MIDDLEWARE, "add"),
        (MIDDLEWARE, "pump"),
        (SERVICE, "pass"),
        (SERVICE, "add"),
        (SERVICE, "pump"),
        (PROXY, "pass"),
        ("stock-forward", "pass"),
    ],
)
CLIENTS = pytest.mark.parametrize("client", ["http1", "http2"])


def event_stream(write):
    """A `serve` whose answer is an event stream that `write(send)` writes."""

    def serve(peer):
        at_once(peer).request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        write(lambda data: peer.send(b"%x\r\n%s\r\n" % (len(data), data)))
        peer.send(b"0\r\n\r\n")

    return serve


@CLIENTS
@WAYS
def test_each_event_arrives_before_the_next_is_sent(chained, origin, connect, http2, kind, action, client):  # noqa: F811
    turn = Turn()

    def write(send):
        turn.wait()
        for number in range(EVENTS):
            send(event(number))
            turn.wait()

    plugins = {"a": mark("frst"), "foreign": standard(kind), "z": mark("last")}
    proxy = chained(origin(event_stream(write)).url, plugins)
    reader = Reader(proxy, client, connect, http2, ("x-do", action))
    assert reader.head.status == 200
    assert reader.head.all("x-mark") == ["last", "frst"]
    turn.seen()
    for number in range(EVENTS):
        reader.event(number)
        turn.seen()
    reader.end()


@WAYS
def test_a_stream_outlives_the_call_that_handed_it_on(chained, origin, connect, http2, kind, action):  # noqa: F811
    """The guest has long returned; what it handed on or copies goes on to its end all the same."""
    pause = threading.Event()

    def write(send):
        for number in range(4):
            send(event(number))
            pause.wait(1.3)

    reader = Reader(
        chained(origin(event_stream(write)).url, {"foreign": standard(kind)}), "http1", connect, http2, ("x-do", action)
    )
    for number in range(4):
        reader.event(number)
    reader.end()


@WAYS
def test_a_reader_that_leaves_ends_the_stream(chained, origin, connect, http2, kind, action):  # noqa: F811
    stopped = threading.Event()

    def write(send):
        try:
            while True:
                send(event(0) * 100)
        except OSError:
            stopped.set()
            raise

    proxy = chained(origin(event_stream(write)).url, {"foreign": standard(kind)})
    reader = Reader(proxy, "http1", connect, http2, ("x-do", action))
    assert reader.head.status == 200
    reader.leave()
    assert stopped.wait(60), "the backend still sends though nobody reads"


@WAYS
def test_an_upload_arrives_piece_by_piece(chained, origin, connect, kind, action):  # noqa: F811
    turn = Turn()

    def serve(peer):
        read_head(at_once(peer).reader)
        for number in range(EVENTS):
            got = b""
            while len(got) < len(event(number)):
                got += peer.reader.chunk()
            assert got == event(number)
            turn.seen()
        assert peer.reader.chunk() == b""
        peer.reader.fields()
        peer.send(OK)

    client = at_once(connect(chained(origin(serve).url, {"foreign": standard(kind)})))
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\nx-do: %s\r\ntransfer-encoding: chunked\r\n\r\n" % action.encode())
    for number in range(EVENTS):
        client.send(b"%x\r\n%s\r\n" % (len(event(number)), event(number)))
        turn.wait()
    client.send(b"0\r\n\r\n")
    assert client.response().body == b"ok"


@pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE, PROXY])
def test_it_answers_while_it_is_asked(chained, origin, connect, kind):  # noqa: F811
    """Each event of its own is made when the client has sent for it."""
    client = at_once(connect(chained(origin(answer(OK)).url, {"foreign": standard(kind)})))
    client.send(b"POST / HTTP/1.1\r\nhost: a\r\nx-do: turns\r\ntransfer-encoding: chunked\r\n\r\n")
    head = client.head()
    assert (head.status, head.get("content-type")) == (200, "text/event-stream")
    for number in range(EVENTS):
        wanted, got = event(number), b""
        while len(got) < len(wanted):
            got += client.reader.chunk()
        assert got == wanted
        client.send(b"1\r\nx\r\n")
    client.send(b"0\r\n\r\n")
    rest = b""
    while piece := client.reader.chunk():
        rest += piece
    assert rest == event(EVENTS)


@pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE, PROXY])
@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_it_answers_before_it_reads(chained, origin, connect, kind, size):  # noqa: F811
    """The request's body is still there when the head of the answer is long on its way."""
    body = random.Random(size).randbytes(size)
    got = exchange(connect(chained(origin(answer(OK)).url, {"foreign": standard(kind)})), "late", body)
    assert (len(got), digest(got)) == (len(body) + 6, digest(b"first\n" + body))


@pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE, PROXY])
@pytest.mark.parametrize("client", ["http1", "http2"])
def test_an_echo_byte_for_byte(chained, origin, connect, http2, kind, client):  # noqa: F811
    """Both directions at once, of far more than fits into all buffers on the way."""
    body = random.Random(5).randbytes(5 * MIB + 77)
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(kind)})
    if client == "http1":
        got = exchange(connect(proxy), "echo", body)
    else:
        stream = http2(proxy).request("POST", "/", ("x-do", "echo"), end=False)
        stream.send_data(body, end=True)
        got = stream.message().body
    assert (len(got), digest(got)) == (len(body), digest(body))


@WAYS
def test_large_bodies_byte_for_byte_and_in_bounded_memory(chained, origin, connect, kind, action):  # noqa: F811
    """48 MiB up and 48 MiB down; what the proxy takes more than after a small one is far less."""
    size = 48 * MIB
    sent = random.Random(6).randbytes(MIB)
    digests = []

    def serve(peer):
        while True:
            request = peer.head()
            count = int(request.get("content-length") or 0)
            digest_of = hashlib.sha256()
            while count > 0:
                piece = peer.reader.exactly(min(count, 65536))
                digest_of.update(piece)
                count -= len(piece)
            digests.append(digest_of.hexdigest())
            length = int(request.get("x-size"))
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length)
            for _ in range(length // MIB):
                peer.send(sent)

    proxy = chained(origin(serve).url, {"foreign": standard(kind)})
    client = connect(proxy)
    peaks = []
    for length in (MIB, size):
        client.send(
            b"POST / HTTP/1.1\r\nhost: a\r\nx-do: %s\r\nx-size: %d\r\ncontent-length: %d\r\n\r\n"
            % (action.encode(), length, length)
        )
        for _ in range(length // MIB):
            client.send(sent)
        peaks.append(resident(proxy.process.pid))
        head = client.head()
        assert (head.status, head.get("content-length")) == (200, str(length))
        got = hashlib.sha256()
        for number in range(length // MIB):
            got.update(client.reader.exactly(MIB))
            if number == length // MIB // 2:
                peaks.append(resident(proxy.process.pid))
        expected = hashlib.sha256(sent * (length // MIB)).hexdigest()
        assert (digests[-1], got.hexdigest()) == (expected, expected)
    assert max(peaks[2:]) - max(peaks[:2]) < 20 * MIB, [peak // MIB for peak in peaks]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def exchange(client, action, body):
    """Sends a body while it reads the answer's."""
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = b"POST / HTTP/1.1\r\nhost: a\r\nx-do: %s\r\ncontent-length: %d\r\n\r\n" % (action.encode(), len(body))
    sender = threading.Thread(target=client.send, args=(head + body,), daemon=True)
    sender.start()
    got = client.response().body
    sender.join(20)
    return got
