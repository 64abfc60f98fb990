"""Backends of one or more addresses: balance, addresses that fail, retries, timeouts, connections that end."""

import random
import socket
import threading
import time

import pytest
from harness.backends import Nginx, missing
from harness.config import configured, free_port  # noqa: F401
from harness.origin import answer
from harness.traffic import Traffic, fresh, kept
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

needs_nginx = pytest.mark.skipif(bool(missing("nginx")), reason="needs nginx")


def named(name, requests=None):
    return answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(name), name.encode()), requests)


@pytest.fixture
def before(configured):  # noqa: F811
    """Starts a tollgate before one backend of these addresses: before(urls, balance=…)."""

    def start(*addresses, **settings):
        backend = {"addresses": list(addresses), **settings}
        return configured({"backends": {"users": backend}, "routes": [{"backend": "users"}]})

    return start


def bodies(client, count):
    return [client.request("GET", "/").body.decode() for _ in range(count)]


def test_round_robin_gives_each_address_the_same(before, connect, origin):
    proxy = before(*[origin(named(name)).url for name in "abc"])
    got = bodies(connect(proxy), 30)
    assert {name: got.count(name) for name in "abc"} == {"a": 10, "b": 10, "c": 10}


def test_least_pending_leaves_a_busy_address_alone(before, connect, origin):
    go_on, held = threading.Event(), []

    def holding(name):
        def serve(peer):
            while True:
                if peer.request().target == "/hold":
                    held.append(name)
                    assert go_on.wait(30)
                peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" + name.encode())

        return serve

    proxy = before(*[origin(holding(name)).url for name in "abc"], balance="least-pending")
    waiting = [connect(proxy) for _ in range(2)]
    for number, client in enumerate(waiting):
        client.send(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
        until(lambda: len(held) == number + 1, "the request is held")
    assert len(set(held)) == 2, "the second takes an address without requests"
    (free,) = set("abc") - set(held)
    assert bodies(connect(proxy), 30) == [free] * 30
    go_on.set()
    assert sorted(client.response().body.decode() for client in waiting) == sorted(held)


@pytest.mark.parametrize("balance", ["round-robin", "least-pending"])
def test_a_dead_address_fails_no_request(before, origin, balance):
    dead = free_port()
    proxy = before(origin(named("a")).url, f"http://127.0.0.1:{dead}", origin(named("c")).url, balance=balance)
    with Traffic(fresh(proxy.port), kept(proxy.port)) as traffic:
        traffic.more(200)


def test_a_dead_address_is_left_out(before, connect, origin):
    dead = free_port()
    ejection = {"failures": 3, "time": "1h"}
    proxy = before(origin(named("a")).url, f"http://127.0.0.1:{dead}", ejection=ejection)
    client = connect(proxy)
    bodies(client, 20)
    # It is well again, but its time isn't over.
    revived = origin(named("b"), ("127.0.0.1", dead))
    assert bodies(client, 20) == ["a"] * 20
    assert revived.connections == 0


def test_an_address_that_is_left_out_comes_back(before, connect, origin):
    dead = free_port()
    proxy = before(origin(named("a")).url, f"http://127.0.0.1:{dead}", ejection={"failures": 3, "time": "1s"})
    client = connect(proxy)
    bodies(client, 20)
    origin(named("b"), ("127.0.0.1", dead))
    until(lambda: client.request("GET", "/").body == b"b", "the address serves again", seconds=20)
    got = bodies(client, 20)
    assert got.count("a") == got.count("b") == 10


def test_an_address_dies_and_returns_under_load(before, origin):
    first, second = origin(named("a")), origin(named("b"))
    proxy = before(first.url, second.url, ejection={"failures": 2, "time": "1s"})
    with Traffic(fresh(proxy.port), kept(proxy.port), kept(proxy.port)) as traffic:
        traffic.more(100)
        second.stop()
        traffic.more(200)
        # The port may stay busy for a moment, as connections of the old server end.
        origin(named("c"), second.address)
        until(lambda: traffic.failures or any(body == b"c" for _, (_, body) in traffic.seen), "it serves again")
    assert not [body for _, (_, body) in traffic.seen[-20:] if body == b"b"]


def test_when_all_are_dead_it_is_502_and_then_well_again(before, connect, origin):
    ports = [free_port(), free_port()]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    client = connect(before(*urls, ejection={"failures": 2, "time": "1s"}))
    for _ in range(10):
        response = client.request("GET", "/")
        # Once both are left out there is nobody to ask; either may be said.
        assert response.status in (502, 503), response
        assert "error=" in response.get("proxy-status")
    response = connect(before(urls[0], ejection={"failures": 0})).request("GET", "/")
    assert (response.status, "error=connection_refused" in response.get("proxy-status")) == (502, True)
    origin(named("a"), ("127.0.0.1", ports[0]))
    until(lambda: client.request("GET", "/").status == 200, "the first address serves", seconds=20)


def dies_at(number, requests):
    """Each connection ends, without an answer, when its `number`-th request is there."""

    def serve(peer):
        for count in range(1, number + 1):
            requests.append(peer.request())
            if count < number:
                # Without content, so that it is the answer to HEAD as well.
                peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    return serve


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "PUT"])
def test_an_idempotent_request_is_sent_again_when_a_used_connection_dies(before, connect, origin, method):
    requests = []
    client = connect(before(origin(dies_at(3, requests)).url))
    for number in range(9):
        assert client.request(method, f"/{number}").status == 200
    targets = [request.target for request in requests]
    assert len(targets) > 9, "some were sent twice"
    assert sorted(set(targets)) == [f"/{number}" for number in range(9)]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_requests_are_sent_once(before, connect, origin, method):
    requests = []
    client = connect(before(origin(dies_at(2, requests)).url))
    statuses = [client.request(method, f"/{number}", body=b"once").status for number in range(4)]
    assert statuses == [200, 502, 200, 502]
    assert [request.target for request in requests] == ["/0", "/1", "/2", "/3"]
    assert {request.body for request in requests} == {b"once"}


def test_a_new_connection_that_dies_is_an_answer(before, connect, origin):
    """Nothing says that the backend didn't act, and trying for ever would be a storm."""
    requests = []
    client = connect(before(origin(dies_at(1, requests)).url))
    response = client.request("GET", "/")
    assert response.status == 502
    assert "error=connection_terminated" in response.get("proxy-status")
    assert 1 <= len(requests) <= 2


@needs_nginx
def test_a_unix_socket(before, connect, tmp_path):
    path = tmp_path / "backend.sock"
    server = Nginx(tmp_path / "nginx", server=f"listen unix:{path}; location = /who {{ return 200 unix; }}")
    try:
        client = connect(before(f"unix:{path}"))
        assert bodies_of(client, "/who", 20) == {b"unix"}
        (server.files / "big").write_bytes(bytes(3_000_000))
        assert client.request("GET", "/big").body == bytes(3_000_000)
    finally:
        server.stop()
    # nginx has taken its socket away: there is nobody to refuse.
    response = client.request("GET", "/who")
    assert response.status in (502, 503)
    assert "error=" in response.get("proxy-status")
    assert str(tmp_path) not in response.get("proxy-status") + response.body.decode()


def bodies_of(client, target, count):
    return {client.request("GET", target).body for _ in range(count)}


def test_a_name_is_looked_up(before, connect, origin):
    """`localhost` may be ::1 first, where nobody listens."""
    _, port = origin(named("a")).address
    assert bodies(connect(before(f"http://localhost:{port}")), 3) == ["a"] * 3


def test_a_name_that_is_not_there(before, connect):
    response = connect(before("http://nothing.invalid:80")).request("GET", "/")
    assert response.status in (502, 504)
    assert "error=dns_" in response.get("proxy-status")


@needs_nginx
def test_cleartext_http2_with_prior_knowledge(before, connect, configured, tmp_path):  # noqa: F811
    report = "location / { return 200 '$server_protocol $connection'; }"
    server = Nginx(tmp_path / "nginx", "http2", report)
    try:
        client = connect(before(server.url, protocol="http2"))
        (one,) = bodies_of(client, "/", 10)
        assert one.startswith(b"HTTP/2.0 ")
        url = f"h2c://127.0.0.1:{server.port}"
        short = connect(configured({"backend": url}))
        assert short.request("GET", "/").body.startswith(b"HTTP/2.0 ")
    finally:
        server.stop()


@pytest.mark.parametrize(
    "host, expected", [("keep", "origin.test"), ("rewrite", None), ("inner.test:81", "inner.test:81")]
)
def test_the_host_field(before, connect, origin, host, expected):
    requests = []
    backend = origin(named("a", requests))
    connect(before(backend.url, host=host)).request("GET", "/")
    assert requests[0].get("host") == (expected or "{}:{}".format(*backend.address))
    assert requests[0].get("x-forwarded-host") == "origin.test"


def test_rewritten_hosts_name_the_address_that_is_asked(before, connect, origin):
    requests = []
    backends = [origin(named(name, requests)) for name in "ab"]
    client = connect(before(*[each.url for each in backends], host="rewrite"))
    bodies(client, 4)
    assert {request.get("host") for request in requests} == {"{}:{}".format(*each.address) for each in backends}


@needs_nginx
@pytest.mark.parametrize("requests", [1, 2, 7])
def test_a_backend_that_ends_its_connections_fails_no_request(before, tmp_path, requests):
    server = Nginx(tmp_path / "nginx", http=f"keepalive_requests {requests};")
    (server.files / "a").write_bytes(b"x" * 5000)
    try:
        port = before(server.url).port
        with Traffic(kept(port, "/a"), kept(port, "/a"), kept(port, "/a"), fresh(port, "/a")) as traffic:
            traffic.more(400)
        assert {body for _, (_, body) in traffic.seen} == {b"x" * 5000}
    finally:
        server.stop()


@needs_nginx
def test_idle_connections_that_the_backend_ends_fail_no_request(before, tmp_path):
    """The backend closes after 20 ms; requests come at about that time."""
    server = Nginx(tmp_path / "nginx", http="keepalive_timeout 20ms;")
    (server.files / "a").write_bytes(b"x")
    pauses = random.Random(3)
    try:
        port = before(server.url).port

        def paused():
            time.sleep(pauses.uniform(0.015, 0.025))
            return call()

        call = kept(port, "/a")
        with Traffic(paused) as traffic:
            traffic.more(100)
    finally:
        server.stop()


@pytest.fixture
def deaf():
    """The port of a listener whose queue is full: a connection to it never comes about."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        while True:
            waiting.append(socket.socket())
            waiting[-1].settimeout(0.5)
            try:
                waiting[-1].connect(("127.0.0.1", port))
            except TimeoutError:
                break
        yield port
        for each in waiting:
            each.close()


def test_connect_timeout(before, connect, deaf, origin):
    url = f"http://127.0.0.1:{deaf}"
    response = connect(before(url, **{"connect-timeout": "500ms"})).request("GET", "/")
    assert (response.status, "error=connection_timeout" in response.get("proxy-status")) == (504, True)
    client = connect(before(url, origin(named("b")).url, **{"connect-timeout": "300ms"}))
    assert bodies(client, 4) == ["b"] * 4


def test_first_byte_timeout(before, connect, origin):
    released = threading.Event()

    def serve(peer):
        peer.request()
        released.wait(30)

    client = connect(before(origin(serve).url, **{"first-byte-timeout": "500ms"}))
    response = client.request("GET", "/")
    released.set()
    assert (response.status, "error=http_response_timeout" in response.get("proxy-status")) == (504, True)


def test_body_timeout_cuts_the_response(before, connect, origin):
    released = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf ")
        released.wait(30)

    client = connect(before(origin(serve).url, **{"body-timeout": "500ms"}))
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert client.head().status == 200
    try:
        assert client.reader.rest() == b"half "
    except ConnectionResetError:
        pass
    released.set()


def test_a_timeout_is_for_silence_and_not_for_length(before, connect, origin):
    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.15)
            peer.send(b"x")

    client = connect(before(origin(serve).url, **{"body-timeout": "1s", "first-byte-timeout": "1s"}))
    assert client.request("GET", "/").body == b"x" * 10


def test_max_connections_of_a_backend(before, connect, origin):
    """The second request waits for the only connection; one that waits too long is told so."""
    released = threading.Event()

    def serve(peer):
        while True:
            if peer.request().target == "/hold":
                assert released.wait(30)
            peer.send(OK)

    backend = origin(serve)
    proxy = before(backend.url, **{"max-connections": 1, "connect-timeout": "1s"})
    holding, waiting = connect(proxy), connect(proxy)
    holding.send(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
    until(lambda: backend.connections == 1, "the connection is taken")
    response = waiting.request("GET", "/")
    assert response.status == 503
    assert "error=" in response.get("proxy-status")
    waiting.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    released.set()
    assert holding.response().status == 200
    assert waiting.response().status == 200
    assert backend.connections == 1


def test_idle_connections_to_a_backend_are_closed(before, connect, origin):
    ended = threading.Event()

    def serve(peer):
        peer.request()
        peer.send(OK)
        peer.reader.rest()
        ended.set()

    client = connect(before(origin(serve).url, **{"idle-timeout": "1s"}))
    assert client.request("GET", "/").body == b"ok"
    assert ended.wait(30)
