"""Components that others wrote: the examples of the crates wstd and wasip3 as they are published, built by
tests/stock/build.sh from the registry.
"""

import pytest
from harness.origin import answer
from harness.standard import chained, mark, standard  # noqa: F401
from test_sse import at_once

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-backend: 1\r\n\r\nok"


@pytest.fixture
def server(chained, origin):  # noqa: F811
    """wstd's example http_server, between two plugins of ours; nothing goes on to the backend."""
    backend = origin(answer(OK))
    yield chained(backend.url, {"a": mark("frst"), "server": standard("wstd-http-server"), "z": mark("last")})
    assert backend.connections == 0


def test_wstd_server_answers(server, connect):
    client = connect(server)
    for target, status, body in (
        ("/", 200, b"Hello, wasi:http/proxy world!\n"),
        ("/nowhere", 404, b""),
    ):
        response = client.request("GET", target)
        assert (response.status, response.body) == (status, body)
        assert response.all("x-mark") == ["frst"]
    assert client.request("GET", "/wait-response").body.startswith(b"slept for 1")
    assert client.request("GET", "/wait-body").body.startswith(b"slept for 1")


def test_wstd_server_streams(server, connect):
    client = connect(server)
    client.send(b"GET /stream-body HTTP/1.1\r\nhost: a\r\n\r\n")
    head = client.head()
    assert (head.status, head.chunked) == (200, True)
    for _ in range(5):
        assert client.reader.chunk().startswith(b"stream started ")
    assert client.reader.chunk() == b""


def test_wstd_server_echoes(server, connect):
    client = connect(server)
    body = bytes(range(256)) * 4096
    assert client.request("POST", "/echo", body=body).body == body
    response = client.request("GET", "/echo-headers", "x-twice: 1", "x-twice: 2")
    assert response.all("x-twice") == ["1", "2"]
    at_once(client).send(
        b"POST /echo-trailers HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
        b"2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n"
    )
    assert client.response().status == 200
    assert client.request("GET", "/").status == 200


def test_wstd_server_echoes_trailers_over_http2(server, http2):
    stream = http2(server).request("POST", "/echo-trailers", ("te", "trailers"), end=False)
    stream.send_data(b"ok")
    stream.send_head([("x-sum", "2")], end=True)
    assert stream.message().trailers == [("x-sum", "2")]


@pytest.mark.parametrize("status", [200, 204, 302, 404, 418, 503])
def test_wstd_server_sets_the_status(server, connect, status):
    client = connect(server)
    response = client.request("GET", "/response-status", f"x-response-status: {status}")
    assert (response.status, response.body) == (status, b"")
    assert client.request("GET", "/").status == 200


def test_wstd_server_fails_as_it_says(server, connect):
    client = connect(server)
    response = client.request("GET", "/response-fail")
    assert response.status == 502
    assert "plugin server: " in response.get("proxy-status")
    try:
        response = client.request("GET", "/response-body-fail")
    except (EOFError, ConnectionError):
        pass
    else:
        assert response.status == 502, "a body that failed looks complete"
    assert connect(server).request("GET", "/").status == 200


def test_wstd_proxy_sends_to_the_chain(chained, origin, connect):  # noqa: F811
    """It takes its target from the environment, which a component gets from its settings."""
    requests = []
    settings = {"TARGET_URL": "http://backend.internal/"}
    plugins = {"proxy": standard("wstd-http-server-proxy", settings=settings), "z": mark("last")}
    client = connect(chained(origin(answer(OK, requests)).url, plugins))
    response = client.request("POST", "/proxy/a/b?c", "x-kept: 1", body=b"sent")
    assert (response.status, response.body, response.get("x-backend")) == (200, b"ok", "1")
    assert (requests[0].start, requests[0].body) == ("POST /a/b?c HTTP/1.1", b"sent")
    assert (requests[0].get("x-kept"), requests[0].get("x-mark")) == ("1", "last")
    assert client.request("GET", "/elsewhere").status == 404
    assert len(requests) == 1


def test_wstd_proxy_may_not_send_elsewhere(chained, origin, connect):  # noqa: F811
    backend, stranger = origin(answer(OK)), origin(answer(OK))
    settings = {"TARGET_URL": f"{stranger.url}/"}
    proxy = chained(backend.url, {"proxy": standard("wstd-http-server-proxy", settings=settings)})
    response = connect(proxy).request("GET", "/proxy/x")
    assert response.status == 502
    assert "returned an error" in response.get("proxy-status"), "it is told, and doesn't trap"
    assert (backend.connections, stranger.connections) == (0, 0)


@pytest.mark.parametrize("name", ["wasip3-http-proxy", "wasip3-http-proxy-compat"])
def test_wasip3_examples(chained, origin, connect, name):  # noqa: F811
    """wasi:http 0.3.2, a later patch of the standard than the host's."""
    backend = origin(answer(OK))
    client = connect(chained(backend.url, {"a": mark("frst"), "hello": standard(name), "z": mark("last")}))
    for _ in range(3):
        response = client.request("GET", "/")
        assert (response.status, response.body) == (200, b"Hello, WASI!")
        assert response.all("x-mark") == ["frst"]
    assert client.request("POST", "/", body=bytes(100_000)).body == b"Hello, WASI!"
    assert backend.connections == 0
