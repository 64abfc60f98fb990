"""SIGTERM: what runs is finished, nothing new is begun, the process ends with 0."""

import socket
import threading

import pytest
from conftest import add_header
from harness.origin import answer
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
SIZE = 5_000_000


def refuses(proxy):
    """Whether new connections are refused."""
    try:
        socket.create_connection(proxy.address, timeout=5).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it waited in the backlog as that closed
        return True
    return False


def test_a_download_completes(tollgate, connect, origin):
    go_on = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % SIZE + b"x" * 1000)
        assert go_on.wait(30)
        peer.send(b"x" * (SIZE - 1000))

    proxy = tollgate(origin(serve).url, add_header())
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert client.head().get("content-length") == str(SIZE)
    client.reader.exactly(1000)
    proxy.process.terminate()
    until(lambda: refuses(proxy), "new connections are refused while the download runs")
    assert proxy.process.alive()
    go_on.set()
    assert client.reader.exactly(SIZE - 1000) == b"x" * (SIZE - 1000)
    assert client.reader.closed(), "a connection is not kept for a next request"
    assert proxy.process.wait() == 0


def test_an_upload_completes(tollgate, connect, origin):
    started = threading.Event()
    received = []

    def serve(peer):
        request = peer.head()
        received.append(peer.reader.exactly(1000))
        started.set()
        received.append(peer.reader.exactly(int(request.get("content-length")) - 1000))
        peer.send(OK)

    proxy = tollgate(origin(serve).url, add_header())
    client = connect(proxy)
    client.send(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % SIZE + b"x" * 1000)
    assert started.wait(20)
    proxy.process.terminate()
    until(lambda: refuses(proxy), "new connections are refused while the upload runs")
    client.send(b"x" * (SIZE - 1000))
    assert client.response().body == b"ok"
    assert sum(map(len, received)) == SIZE
    assert proxy.process.wait() == 0


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_an_idle_connection_holds_nothing_up(tollgate, connect, origin, used):
    proxy = tollgate(origin(answer(OK)).url, add_header())
    client = connect(proxy)
    if used:
        client.request("GET", "/")
    proxy.process.terminate()
    assert proxy.process.wait(seconds=20) == 0
    assert client.reader.closed()
