"""One process takes over from another: both on one port for a while, readiness, and the end of what still runs."""

import http.client
import socket
import threading
import time

import pytest
from harness.config import configured, free_port  # noqa: F401
from harness.http2 import Http2
from harness.origin import answer
from harness.traffic import Traffic, fresh, kept
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
SIZE = 3_000_000


def named(name):
    return answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(name), name.encode()))


def on(port, backend, **more):
    return {"listen": f"127.0.0.1:{port}", "backend": backend.url, **more}


def status(port, path):
    """The status of a GET to the admin listener; none when nobody listens there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (ConnectionError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@pytest.mark.parametrize("delay", ["0s", "500ms"])
def test_a_new_process_takes_over_without_a_failed_request(configured, origin, delay):  # noqa: F811
    port = free_port()
    more = {"reuse-port": True, "server": {"drain-delay": delay}}
    old = configured(on(port, origin(named("old")), **more))
    with Traffic(*[fresh(port)] * 3) as traffic:
        traffic.more(50)
        new = configured(on(port, origin(named("new")), **more))
        until(lambda: traffic.failures or traffic.seen[-1][1][1] == b"new", "the new process serves")
        old.process.terminate()
        assert old.process.wait() == 0
        traffic.more(200)
        # And once more, the other way round.
        third = configured(on(port, origin(named("third")), **more))
        until(lambda: traffic.failures or traffic.seen[-1][1][1] == b"third", "the third process serves")
        new.process.terminate()
        assert new.process.wait() == 0
        traffic.more(200)
    assert third.process.alive()
    bodies = [body for _, (_, body) in traffic.seen]
    assert set(bodies) == {b"old", b"new", b"third"}
    assert set(bodies[-100:]) == {b"third"}


def test_kept_connections_move_to_the_new_process(configured, origin):  # noqa: F811
    """No connection ends in the middle of an exchange."""
    port = free_port()
    old = configured(on(port, origin(named("old")), **{"reuse-port": True, "server": {"drain-delay": "300ms"}}))
    calls = [kept(port, reopen=True) for _ in range(4)]
    # With pauses none of them is always under way.
    pauses = [0, 0.001, 0.005, 0.02]

    def paused(call, pause):
        def called():
            time.sleep(pause)
            return call()

        return called

    with Traffic(*map(paused, calls, pauses)) as traffic:
        traffic.more(50)
        configured(on(port, origin(named("new")), **{"reuse-port": True}))
        old.process.terminate()
        assert old.process.wait() == 0
        traffic.more(100)
    assert {body for _, (_, body) in traffic.seen[-50:]} == {b"new"}


def test_the_flag_shares_the_port_too(configured, origin):  # noqa: F811
    port = free_port()
    first = configured(on(port, origin(named("a"))), arguments=["--reuse-port"])
    second = configured(on(port, origin(named("b"))), arguments=["--reuse-port"])
    assert first.port == second.port == port


@pytest.mark.parametrize("first", [True, False])
def test_a_port_that_is_not_shared_is_refused(configured, origin, first):  # noqa: F811
    port = free_port()
    backend = origin(answer(OK))
    configured(on(port, backend, **{"reuse-port": first}))
    second = configured(on(port, backend), ready=False)
    assert second.process.wait() != 0
    output = second.process.output()
    assert f"127.0.0.1:{port}" in output, output
    assert "another process listens there" in output, output


def test_readiness_turns_false_first(configured, origin, connect):  # noqa: F811
    admin = free_port()
    settings = {"backend": origin(answer(OK)).url, "admin": f"127.0.0.1:{admin}"}
    proxy = configured({**settings, "server": {"drain-delay": "2s"}})
    assert (status(admin, "/live"), status(admin, "/ready"), status(admin, "/other")) == (200, 200, 404)
    proxy.process.terminate()
    until(lambda: status(admin, "/ready") == 503, "it isn't ready any more")
    # A balancer hasn't noticed yet: new connections are still served.
    assert connect(proxy).request("GET", "/").body == b"ok"
    assert status(admin, "/live") == 200
    assert proxy.process.wait() == 0


def test_live_stays_until_the_end(configured, origin, connect):  # noqa: F811
    admin, go_on = free_port(), threading.Event()

    def serve(peer):
        peer.request()
        assert go_on.wait(30)
        peer.send(OK)

    backend = origin(serve)
    proxy = configured({"backend": backend.url, "admin": f"127.0.0.1:{admin}"})
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    until(lambda: backend.connections, "the request is with the backend")
    proxy.process.terminate()
    until(lambda: refuses(proxy), "new connections are refused")
    assert (status(admin, "/live"), status(admin, "/ready")) == (200, 503)
    go_on.set()
    assert client.response().body == b"ok"
    assert proxy.process.wait() == 0
    assert status(admin, "/live") is None


def refuses(proxy):
    try:
        socket.create_connection(proxy.address, timeout=5).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def halting(go_on, started):
    """An origin's `serve` whose body, either way, halts in its middle."""

    def serve(peer):
        request = peer.head()
        if request.method == "GET":
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % SIZE + b"x" * 1000)
            started.set()
            assert go_on.wait(30)
            peer.send(b"x" * (SIZE - 1000))
            return
        count = len(peer.reader.chunk())
        started.set()
        while piece := peer.reader.chunk():
            count += len(piece)
        peer.reader.fields()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%d" % (len(str(count)), count))

    return serve


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_http2_stream_ends_well_after_goaway(configured, origin, method):  # noqa: F811
    go_on, started = threading.Event(), threading.Event()
    proxy = configured({"backend": origin(halting(go_on, started)).url})
    client = Http2(proxy.address)
    stream = client.request(method, end=method == "GET")
    if method == "POST":
        client.send(stream, b"x" * 1000)
    assert started.wait(20)
    proxy.process.terminate()
    until(lambda: client.goaways or not client.receive(), "GOAWAY comes")
    assert client.goaways[0][1] == 0, "NO_ERROR"
    assert client.goaways[0][0] >= stream, "the stream that runs goes on"
    assert proxy.process.alive()
    go_on.set()
    if method == "POST":
        client.send(stream, b"x" * (SIZE - 1000), end=True)
        assert client.body(stream) == b"%d" % SIZE
    else:
        assert len(client.body(stream)) == SIZE
    assert client.goaways[-1][0] == stream, "the last GOAWAY names the last stream that was served"
    while client.receive():
        pass
    assert proxy.process.wait() == 0


def test_an_idle_http2_connection_is_told_and_holds_nothing_up(configured, origin):  # noqa: F811
    proxy = configured({"backend": origin(answer(OK)).url})
    client = Http2(proxy.address)
    assert client.body(client.request()) == b"ok"
    proxy.process.terminate()
    while client.receive():
        pass
    assert client.goaways and client.goaways[-1][1] == 0
    assert proxy.process.wait(20) == 0


def echoing(peer):
    """A backend that switches protocols and gives back what it gets."""
    request = peer.head()
    assert request.get("upgrade") == "echo"
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
    while True:
        peer.send(peer.reader.exactly(4))


def test_tunnels_end_at_the_drain_time(configured, origin, connect):  # noqa: F811
    proxy = configured({"backend": origin(echoing).url, "drain": "2s"})
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
    assert client.head().status == 101
    client.send(b"ping")
    assert client.reader.exactly(4) == b"ping"
    proxy.process.terminate()
    until(lambda: refuses(proxy), "new connections are refused")
    client.send(b"pong")
    assert client.reader.exactly(4) == b"pong", "the tunnel goes on for a while"
    client.reader.rest()
    proxy.process.wait(20)


def test_what_never_ends_is_cut_at_the_drain_time(configured, origin, connect):  # noqa: F811
    released = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf ")
        released.wait(30)

    proxy = configured({"backend": origin(serve).url, "drain": "1s"})
    client = connect(proxy)
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert client.head().status == 200
    proxy.process.terminate()
    proxy.process.wait(20)
    try:
        assert client.reader.rest() == b"half "
    except ConnectionResetError:
        pass
    released.set()
