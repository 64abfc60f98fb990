"""The plugin rate-limit: exact by itself, and across two hosts that share a Redis server; and when that server is away."""

import threading
from collections import Counter

import pytest
from harness.config import free_port
from harness.origin import answer
from harness.process import Process
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MOST = 25


@pytest.fixture
def redis(tmp_path):
    """Starts a Redis server: redis() gives its port, redis(port) starts one there again."""
    started = []

    def start(port=None):
        port = port or free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        server = Process("redis", command)
        server.wait_for("Ready to accept connections")
        started.append(server)
        return port, server

    yield start
    for each in started:
        each.stop()


def limited(store):
    settings = {"rate-limit": {"requests": MOST, "seconds": 86400, "by": "field:x-user"}}
    allow = f'[plugin.rate-limit.allow]\nstate = true\n\n[state]\nstore = "{store}"\ntimeout = "500ms"\n'
    return {"plugins": settings, "config": allow}


def statuses(connect, proxies, requests):
    """Of so many requests through each proxy at the same time."""
    counted = Counter()

    def ask(client):
        for _ in range(requests):
            counted[client.request("GET", "/", "x-user: ann").status] += 1

    threads = [threading.Thread(target=ask, args=(connect(proxy),)) for proxy in proxies for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counted


def test_one_host_lets_through_exactly_what_it_may(tollgate, origin, connect):
    proxy = tollgate(origin(answer(OK)).url, **limited("memory"))
    assert statuses(connect, [proxy], 20) == {200: MOST, 429: 60 - MOST}
    refused = connect(proxy).request("GET", "/", "x-user: ann")
    # One token in a day's 25th part.
    assert 0 < int(refused.get("retry-after")) <= 86400 // MOST
    assert refused.get("ratelimit-policy") == f'"default";q={MOST};w=86400'
    assert connect(proxy).request("GET", "/", "x-user: bob").status == 200


def test_two_hosts_share_one_limit(tollgate, origin, connect, redis):
    port, _ = redis()
    backend = origin(answer(OK)).url
    proxies = [tollgate(backend, **limited(f"redis://127.0.0.1:{port}")) for _ in range(2)]
    assert statuses(connect, proxies, 20) == {200: MOST, 429: 120 - MOST}


def test_a_redis_server_that_is_away_fails_the_call_and_not_the_proxy(tollgate, origin, connect, redis):
    port, server = redis()
    proxy = tollgate(origin(answer(OK)).url, **limited(f"redis://127.0.0.1:{port}"))
    client = connect(proxy)
    assert client.request("GET", "/", "x-user: ann").status == 200
    server.stop()
    away = client.request("GET", "/", "x-user: ann")
    assert away.status == 502 and "plugin rate-limit" in away.get("proxy-status"), away
    redis(port)
    until(lambda: client.request("GET", "/", "x-user: ann").status == 200, "it is used again")
