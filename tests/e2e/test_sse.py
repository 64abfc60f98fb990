"""Streams without delay: each event is at its reader before its writer sends the next, through plugins, both ways."""

import socket
import threading

import pytest
from conftest import MARK, MARK_VALUE, PAGE, add_header, cors
from harness.message import read_head

EVENTS = 20
BACKENDS = pytest.mark.parametrize("backend", ["http1", "http2"])
CLIENTS = pytest.mark.parametrize("client", ["http1", "http2"])
PLUGINS = {**add_header(), **cors()}


def event(number):
    return b"id: %d\ndata: something\n\n" % number


def at_once(peer):
    """Small writes leave at once, so that what holds back is the proxy or nobody."""
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


class Turn:
    """What the reader has seen, for the writer to wait for."""

    def __init__(self):
        self._seen = threading.Semaphore(0)

    def seen(self):
        self._seen.release()

    def wait(self):
        assert self._seen.acquire(timeout=10), "the reader never saw what was sent: it is held back on the way"


class Reader:
    """The client's side of a streamed response."""

    def __init__(self, proxy, client, connect, http2, *fields):
        if client == "http1":
            self._connection = at_once(connect(proxy))
            lines = ["GET /events HTTP/1.1", "host: a", "accept: text/event-stream", *map(": ".join, fields)]
            self._connection.send("\r\n".join(lines).encode() + b"\r\n\r\n")
            self.head = self._connection.head()
        else:
            self._stream = http2(proxy).request("GET", "/events", ("accept", "text/event-stream"), *fields)
            self.head = self._stream.head()
        self._is_http1 = client == "http1"

    def event(self, number):
        wanted = event(number)
        got = b""
        while len(got) < len(wanted):
            got += self._connection.reader.chunk() if self._is_http1 else self._stream.read(len(wanted))
        assert got == wanted

    def end(self):
        if self._is_http1:
            assert self._connection.reader.chunk() == b""
        else:
            assert self._stream.message().body == b""

    def leave(self):
        self._connection.socket.close() if self._is_http1 else self._stream.reset()


@pytest.fixture
def streaming(origin, http2_origin):
    """Starts a backend of either version: streaming("http1", write); write(send) sends the body."""

    def start(backend, write):
        def serve1(peer):
            at_once(peer).request()
            peer.send(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )
            write(lambda data: peer.send(b"%x\r\n%s\r\n" % (len(data), data)))
            peer.send(b"0\r\n\r\n")

        def serve2(stream):
            stream.message()
            stream.send_head([(":status", "200"), ("content-type", "text/event-stream"), ("cache-control", "no-store")])
            write(stream.send_data)
            stream.send_data(b"", end=True)

        return (origin(serve1) if backend == "http1" else http2_origin(serve2)).url

    return start


@CLIENTS
@BACKENDS
def test_each_event_arrives_before_the_next_is_sent(tollgate, connect, http2, streaming, client, backend):
    turn = Turn()

    def write(send):
        turn.wait()  # the head alone is not held back either
        for number in range(EVENTS):
            send(event(number))
            turn.wait()

    proxy = tollgate(streaming(backend, write), PLUGINS)
    reader = Reader(proxy, client, connect, http2, ("origin", PAGE))
    assert reader.head.status == 200
    assert reader.head.get("content-type") == "text/event-stream"
    assert reader.head.get(MARK) == MARK_VALUE
    assert reader.head.get("access-control-allow-origin") == PAGE
    turn.seen()
    for number in range(EVENTS):
        reader.event(number)
        turn.seen()
    reader.end()


@CLIENTS
@BACKENDS
def test_a_reader_that_leaves_ends_the_stream(tollgate, connect, http2, streaming, client, backend):
    stopped = threading.Event()

    def write(send):
        try:
            # More than fits into all buffers on the way: it ends because nobody listens any more.
            for number in range(1 << 20):
                send(event(0) * 100)
        except Exception:
            stopped.set()
            raise

    reader = Reader(tollgate(streaming(backend, write), PLUGINS), client, connect, http2)
    assert reader.head.status == 200
    reader.leave()
    assert stopped.wait(20)


@CLIENTS
@BACKENDS
def test_an_upload_arrives_piece_by_piece(tollgate, connect, http2, origin, http2_origin, client, backend):
    turn = Turn()

    def serve1(peer):
        read_head(at_once(peer).reader)
        for number in range(EVENTS):
            got = b""
            while len(got) < len(event(number)):
                got += peer.reader.chunk()
            assert got == event(number)
            turn.seen()
        assert peer.reader.chunk() == b""
        peer.reader.fields()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    def serve2(stream):
        for number in range(EVENTS):
            assert stream.read(len(event(number))) == event(number)
            turn.seen()
        stream.message()
        stream.send_head([(":status", "200")])
        stream.send_data(b"ok", end=True)

    proxy = tollgate((origin(serve1) if backend == "http1" else http2_origin(serve2)).url, PLUGINS)
    if client == "http1":
        peer = at_once(connect(proxy))
        peer.send(b"POST /upload HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(EVENTS):
            peer.send(b"%x\r\n%s\r\n" % (len(event(number)), event(number)))
            turn.wait()
        peer.send(b"0\r\n\r\n")
        response = peer.response()
    else:
        stream = http2(proxy).request("POST", "/upload", end=False)
        for number in range(EVENTS):
            stream.send_data(event(number))
            turn.wait()
        stream.send_data(b"", end=True)
        response = stream.message()
    assert (response.status, response.body) == (200, b"ok")


@CLIENTS
@BACKENDS
def test_a_conversation_in_one_exchange(tollgate, connect, http2, origin, http2_origin, client, backend):
    """The answer begins before the request ends, and each piece of one answers a piece of the other."""

    def serve1(peer):
        read_head(at_once(peer).reader)
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while piece := peer.reader.chunk():
            said = b"re: " + piece
            peer.send(b"%x\r\n%s\r\n" % (len(said), said))
        peer.reader.fields()
        peer.send(b"0\r\n\r\n")

    def serve2(stream):
        stream.send_head([(":status", "200")])
        for number in range(EVENTS):
            stream.send_data(b"re: " + stream.read(len(event(number))))
        stream.message()
        stream.send_data(b"", end=True)

    proxy = tollgate((origin(serve1) if backend == "http1" else http2_origin(serve2)).url, PLUGINS)
    if client == "http1":
        peer = at_once(connect(proxy))
        peer.send(b"POST /talk HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        assert peer.head().status == 200
        for number in range(EVENTS):
            peer.send(b"%x\r\n%s\r\n" % (len(event(number)), event(number)))
            got = b""
            while len(got) < 4 + len(event(number)):
                got += peer.reader.chunk()
            assert got == b"re: " + event(number)
        peer.send(b"0\r\n\r\n")
        assert peer.reader.chunk() == b""
    else:
        stream = http2(proxy).request("POST", "/talk", end=False)
        assert stream.head().status == 200
        for number in range(EVENTS):
            stream.send_data(event(number))
            assert stream.read(4 + len(event(number))) == b"re: " + event(number)
        stream.send_data(b"", end=True)
        assert stream.message().body == b""
