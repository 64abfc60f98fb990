"""Slow clients hold nothing that a fast one needs."""

import socket
import threading
import time

import pytest
from conftest import MARK, add_header
from harness.client import Client
from harness.config import configured  # noqa: F401
from harness.message import read_request_body
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
COUNT = 32
# Longer than a response may take beside slow clients, shorter than any of tollgate's times.
BOUND = 5.0


class Crowd:
    """Slow clients, each with a thread that does `step` again and again until it is told to stop."""

    def __init__(self, proxy, start, step):
        self.stopped = threading.Event()
        self.steps = [0] * COUNT
        self.errors = []
        self.clients = [Client(proxy.address) for _ in range(COUNT)]
        for client in self.clients:
            start(client)
        threads = [threading.Thread(target=self._run, args=(number, step), daemon=True) for number in range(COUNT)]
        self.threads = threads
        for thread in threads:
            thread.start()

    def _run(self, number, step):
        try:
            while not self.stopped.wait(0.1):
                step(self.clients[number], self.steps[number])
                self.steps[number] += 1
        except (OSError, EOFError) as error:
            self.errors.append(error)

    def under_way(self):
        return all(self.steps)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(10)
        for client in self.clients:
            client.socket.close()


@pytest.fixture
def backend(origin):
    """Answers when the body has come; `/endless` it sends until the proxy takes no more."""

    def serve(peer):
        while True:
            request = peer.head()
            if request.target == "/endless":
                peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                while True:
                    peer.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            read_request_body(peer.reader, request)
            peer.send(OK)

    return origin(serve)


def slow_head(client, step):
    client.send(b"x")


def slow_body(client, step):
    client.send(b"1\r\nx\r\n")


def slow_reader(client, step):
    assert client.socket.recv(100)


SLOW = {
    "heads": (b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", slow_head),
    "bodies": (b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", slow_body),
    "readers": (b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n", slow_reader),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_fast_client_beside_slow_ones(tollgate, backend, kind):
    proxy = tollgate(backend.url, add_header())
    opening, step = SLOW[kind]
    crowd = Crowd(proxy, lambda client: client.send(opening), step)
    try:
        until(crowd.under_way, "every slow client is under way")
        before = sum(crowd.steps)
        slowest = serve_fast(proxy, lambda: sum(crowd.steps) >= before + 3 * COUNT)
        assert slowest < BOUND, f"an answer took {slowest:.2f} s beside slow {kind}"
        assert not crowd.errors, f"slow {kind} were cut off: {crowd.errors[:3]}"
    finally:
        crowd.stop()


def test_a_reader_that_is_slow_but_steady_gets_all(configured, origin):  # noqa: F811
    """The time counts from the last byte that the client took, not from the last that the system had room for."""
    size = 4 << 20

    def serve(peer):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)

    proxy = configured({"backend": origin(serve).url, "server": {"body-timeout": "1s"}})
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        client.settimeout(20)
        client.connect(proxy.address)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        got = b""
        while len(got) < size:
            piece = client.recv(16 << 10)
            assert piece, f"cut off after {len(got)} bytes"
            got += piece
            time.sleep(0.04 * len(piece) / (16 << 10))
    assert got.endswith(b"x")


def serve_fast(proxy, enough):
    """Requests on one connection and on new ones until `enough()`; returns the seconds of the slowest."""
    slowest = 0.0
    with Client(proxy.address) as kept:
        while not enough():
            with Client(proxy.address) as fresh:
                for client in (kept, fresh):
                    begun = time.monotonic()
                    response = client.request("GET", "/fast")
                    slowest = max(slowest, time.monotonic() - begun)
                    assert (response.status, response.body) == (200, b"ok")
                    assert response.get(MARK)
    return slowest


def test_a_slow_body_arrives_whole(tollgate, backend, connect):
    """Slow is not wrong: after all the dripping the request is answered."""
    proxy = tollgate(backend.url, add_header())
    opening, step = SLOW["bodies"]
    crowd = Crowd(proxy, lambda client: client.send(opening), step)
    try:
        until(lambda: min(crowd.steps) >= 3, "each has sent some chunks")
        crowd.stopped.set()
        for thread in crowd.threads:
            thread.join(10)
        for client in crowd.clients:
            client.send(b"0\r\n\r\n")
        assert [client.response().status for client in crowd.clients] == [200] * COUNT
    finally:
        crowd.stop()
