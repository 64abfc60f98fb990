"""A plugin that reaches beyond the exchange by standard interfaces: wasi:http/outgoing-handler (by wstd) and wasi:keyvalue."""

import time

import pytest
from harness.origin import answer
from harness.standard import chained, standard  # noqa: F401

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def outgoing(chained, origin):  # noqa: F811
    """Starts a proxy with the plugin: outgoing(http=[…], state=True, settings={…})."""

    def start(settings=None, **allow):
        allow = {key.replace("_", "-"): value for key, value in allow.items()}
        settings = {"state": {"store": "memory"}, **(settings or {})}
        return chained(origin(answer(OK)).url, {"outgoing": standard("outgoing", allow=allow)}, settings=settings, arguments=())

    return start


def fetch(connect, proxy, url, body=b"", method="POST"):
    return connect(proxy).request(method, "/fetch", f"x-url: {url}", body=body)


def test_a_request_goes_out_with_its_body_and_comes_back(outgoing, origin, connect):
    requests = []
    peer = origin(answer(b"HTTP/1.1 201 Created\r\ncontent-length: 7\r\n\r\nwritten", requests))
    proxy = outgoing(http=[f"{peer.url}/a"], http_private=LOOPBACK, state=True)
    response = fetch(connect, proxy, f"{peer.url}/a/b?c", b"given")
    assert (response.status, response.body) == (201, b"written")
    [request] = requests
    assert (request.method, request.target, request.body) == ("POST", "/a/b?c", b"given")
    assert request.get("x-by") == "wstd" and request.get("host") == peer.url.removeprefix("http://")


def test_bodies_stream(outgoing, origin, connect):
    big = bytes(range(256)) * 4096 * 8
    requests = []
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(big)
    peer = origin(answer(head + big, requests))
    proxy = outgoing(http=[f"{peer.url}/"], http_private=LOOPBACK, state=True)
    response = fetch(connect, proxy, peer.url + "/", big)
    assert response.status == 200 and response.body == big
    assert requests[0].body == big


def test_what_is_not_granted_is_not_reached(outgoing, origin, connect):
    requests = []
    peer = origin(answer(OK, requests))
    proxy = outgoing(http=[f"{peer.url}/a"], http_private=LOOPBACK, state=True)
    response = fetch(connect, proxy, f"{peer.url}/b")
    assert response.status == 502 and b"is not allowed" in response.body and b'http = [\\"' in response.body, response.body
    assert not requests


def test_fetch_of_javascript(chained, origin, connect):  # noqa: F811
    requests = []
    peer = origin(answer(b"HTTP/1.1 201 Created\r\ncontent-length: 7\r\n\r\nwritten", requests))
    allow = {"http": [f"{peer.url}/a"], "http-private": LOOPBACK}
    proxy = chained(origin(answer(OK)).url, {"fetch": standard("stock-js-fetch", allow=allow)}, arguments=())
    response = connect(proxy).request("GET", "/", f"x-url: {peer.url}/a?b")
    assert (response.status, response.body) == (201, b"written")
    [request] = requests
    assert (request.target, request.get("x-by")) == ("/a?b", "fetch")
    assert connect(proxy).request("GET", "/", f"x-url: {peer.url}/b").status == 502
    assert len(requests) == 1


@pytest.mark.parametrize(("missing", "granted"), [("state", {"http": ["http://a.test/"]}), ("http", {"state": True})])
def test_an_interface_that_is_not_granted_keeps_the_plugin_out(outgoing, connect, missing, granted):
    proxy = outgoing(**granted)
    assert connect(proxy).request("GET", "/").status == 503
    assert f"[plugin.outgoing.allow] {missing} = " in " ".join(proxy.process.lines()).replace("\\n", " ")


def test_a_peer_that_hangs_fails_the_call(outgoing, origin, connect):
    def hang(connection, *_):
        time.sleep(5)

    peer = origin(hang)
    settings = {"outbound": {"timeout": "500ms"}}
    proxy = outgoing(settings, http=[f"{peer.url}/"], http_private=LOOPBACK, state=True)
    response = fetch(connect, proxy, f"{peer.url}/")
    assert response.status == 502 and b"HttpResponseTimeout" in response.body, response.body


def test_a_circle_ends(outgoing, connect):
    """Each call asks the proxy itself again."""
    proxy = outgoing(http=["http://127.0.0.1:*/"], http_private=LOOPBACK, state=True)
    response = fetch(connect, proxy, f"{proxy.url}/fetch")
    assert response.status in (502, 508), response
    assert b"LoopDetected" in response.body or response.status == 508, response.body


KEPT = {
    "draft": r"""Err(Error::NoSuchStore)
Ok(())
Ok(Some([49]))
Ok(false)
Ok(42)
true
Ok(())
Ok([Some(("c", [3])), None])
Ok(())
Ok(())
Ok((["a"], None))
true
Ok(())
[1000, 2]
Ok(())""",
    "draft2": r"""Err(Error::NoSuchStore)
Ok(())
Ok(Some([49]))
Ok(false)
Ok(-42)
Ok(Some([45, 52, 50]))
Ok(())
Ok(Some([110, 101, 119]))
true
Ok(Some([107, 101, 112, 116]))
Ok(())
Ok([Some(("c", [3])), None])
Ok(())
Ok(())
Ok((["a"], None))
Ok(())
[1000, 2]
Ok(())""",
}


@pytest.mark.parametrize("draft", KEPT)
def test_state_by_keyvalue(outgoing, connect, draft):
    proxy = outgoing(http=["http://a.test/"], state=True)
    for _ in range(2):
        response = connect(proxy).request("GET", f"/keyvalue/{draft}")
        assert response.status == 200, response
        assert response.body.decode() == KEPT[draft]


def test_a_shared_bucket_has_its_name_too(outgoing, connect):
    """And a bucket of another name is refused, or the first line would be Ok."""
    proxy = outgoing(http=["http://a.test/"], state="other")
    response = connect(proxy).request("GET", "/keyvalue/draft2")
    assert response.body.decode().splitlines()[0] == "Ok(())"
