"""Standard components in one chain with our own plugins: who is asked in which order, and what each may change or reach."""

import re

import pytest
from harness.origin import answer
from harness.standard import MIDDLEWARE, PROXY, SERVICE, chained, mark, standard  # noqa: F401
from test_failures import proxy_error

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
KINDS = pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE, PROXY])
WORDY = (
    b'HTTP/1.1 201 Created\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-empty:\r\nx-text: \xe4 "q"\r\n'
    b"content-type: text/plain\r\ncontent-length: 7\r\n\r\nwritten"
)


# What is a standard component, and whether it may run


@KINDS
def test_it_must_be_switched_on(chained, origin, connect, kind):  # noqa: F811
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(kind)}, arguments=())
    assert "standard-components" in everything(proxy), "the refusal says how to switch it on"
    response = connect(proxy).request("GET", "/", "x-do: deny")
    assert response.status == 503, "the configuration names it, so nothing goes past it"
    assert "plugin foreign is required" in response.get("proxy-status")
    optional = chained(origin(answer(OK)).url, {"foreign": standard(kind, required=False)}, arguments=())
    assert connect(optional).request("GET", "/", "x-do: deny").status == 200, "the component isn't asked"


SWITCHES = {
    "flag": {"arguments": ["--standard-components"]},
    "file": {"arguments": [], "settings": {"standard-components": True}},
    "environment": {"arguments": [], "env": {"TOLLGATE_STANDARD_COMPONENTS": "true"}},
}


@pytest.mark.parametrize("way", SWITCHES)
def test_it_is_switched_on(chained, origin, connect, way):  # noqa: F811
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(MIDDLEWARE)}, **SWITCHES[way])
    assert connect(proxy).request("GET", "/", "x-do: deny").status == 403


def everything(proxy):
    return "\n".join(proxy.process.lines())


# Passing on


@KINDS
def test_what_it_hands_on_is_what_came(chained, origin, connect, kind):  # noqa: F811
    """As without it, but for `x-…` of its own; both bodies, repeated fields and the target byte for byte."""
    requests = []
    backend = origin(answer(WORDY, requests))
    request = (
        b"POST /%2F/a%20b/./../c?x=%ff&y[]=1|2 HTTP/1.1\r\nHost: client.test:81\r\nx-twice: 1\r\nx-twice: 2\r\n"
        b"x-empty:\r\nx-text: \xe4\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nbody"
    )
    responses = []
    for plugins in ({}, {"foreign": standard(kind)}):
        client = connect(chained(backend.url, plugins))
        client.send(request)
        responses.append(client.response())
    assert requests[1].start == requests[0].start
    assert (requests[1].body, responses[1].body) == (b"body", b"written")
    assert unordered(requests[1]) == unordered(requests[0])
    assert (responses[1].status, unordered(responses[1])) == (201, unordered(responses[0]))


def unordered(message):
    """Fields without those that differ from exchange to exchange; lines of one name keep their order."""
    own = ("date", "x-request-id", "traceparent")
    return sorted((line for line in message.fields if line[0] not in own), key=lambda line: line[0])


@pytest.mark.parametrize(
    "kind, action",
    [
        (MIDDLEWARE, "pass"),
        (MIDDLEWARE, "add"),
        (SERVICE, "pass"),
        (SERVICE, "add"),
        (PROXY, "pass"),
        ("stock-forward", "pass"),
    ],
)
@pytest.mark.parametrize(
    "fields",
    [
        ["proxy-authorization: Basic eDp5", "authorization: Basic eDp5"],
        ["connection: keep-alive, x-hop", "keep-alive: timeout=5", "x-hop: 1"],
        ["connection: te", "te: trailers, deflate"],
        ["proxy-connection: keep-alive"],
        ["connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAoAAAAAIAAAAA"],
        ["cookie: a=1; b=2", "forwarded: for=1.2.3.4", "via: 1.0 elsewhere", "max-forwards: 3"],
        ["accept: " + "x/y, " * 500 + "a/b"],
    ],
    ids=lambda fields: fields[0][:20] if isinstance(fields, list) else fields,
)
def test_fields_that_wasi_http_forbids_break_nothing(chained, origin, connect, kind, action, fields):  # noqa: F811
    """What a guest may not set can still come in a request; it goes on as without a guest, or not at all."""
    requests = []
    backend = origin(answer(OK, requests))
    for plugins in ({}, {"foreign": standard(kind)}):
        response = connect(chained(backend.url, plugins)).request("GET", "/", *fields, f"x-do: {action}")
        assert (response.status, response.body) == (200, b"ok")
    without, through = (dict(request.fields) for request in requests)
    allowed_to_go = {"proxy-authorization", "te", "x-do"}
    assert {name for name in without if name not in through} <= allowed_to_go
    assert all(without[name] == value for name, value in through.items() if name in without and name != "x-do")


@KINDS
@pytest.mark.parametrize(
    "head",
    [
        b"OPTIONS * HTTP/1.1\r\nhost: a\r\n",
        b"GET / HTTP/1.0\r\n",
        b"GET http://other.test:8080/p?q HTTP/1.1\r\nhost: other.test:8080\r\n",
        b"M-SEARCH /x HTTP/1.1\r\nhost: [::1]:80\r\n",
        b"GET /" + b"t" * 4000 + b"?" + b"q" * 3000 + b" HTTP/1.1\r\nhost: a\r\n",
        b"DELETE /x HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n",
        b"GET /? HTTP/1.1\r\nhost: xn--bcher-kva.example\r\n",
    ],
    ids=lambda head: head.decode("latin-1")[:12],
)
def test_odd_requests_go_on_as_without_it(chained, origin, connect, kind, head):  # noqa: F811
    if kind == PROXY and b" * " in head:
        pytest.skip("wasi:http 0.2 takes no path but one that begins with a slash")
    requests, statuses = [], []
    backend = origin(answer(OK, requests))
    for plugins in ({}, {"foreign": standard(kind)}):
        client = connect(chained(backend.url, plugins))
        client.send(head + b"connection: close\r\n\r\n")
        statuses.append(client.response().status)
    assert statuses[0] == statuses[1]
    assert [request.start for request in requests[1:]] == [request.start for request in requests[:1]]
    assert [unordered(request) for request in requests[1:]] == [unordered(request) for request in requests[:1]]


@KINDS
def test_a_body_that_waits_to_be_asked_for(chained, origin, connect, kind):  # noqa: F811
    """`Expect: 100-continue`: the client is asked when the body is wanted, and told at once when it is not."""
    requests = []
    proxy = chained(origin(answer(OK, requests)).url, {"foreign": standard(kind)})
    head = b"POST / HTTP/1.1\r\nhost: a\r\nx-do: %s\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n"
    client = connect(proxy)
    client.send(head % b"pass")
    assert client.head().status == 100
    client.send(b"body")
    assert client.response().body == b"ok"
    assert requests[0].body == b"body"
    client.send(head % b"deny")
    assert client.response().status == 403


def test_a_middleware_changes_both_directions(chained, origin, connect):  # noqa: F811
    requests = []
    proxy = chained(origin(answer(WORDY, requests)).url, {"foreign": standard(MIDDLEWARE)})
    response = connect(proxy).request("PUT", "/a?b", "x-do: add", "x-kept: 1", body=b"sent")
    assert (response.status, response.get("x-stock"), response.body) == (201, "response", b"written")
    assert response.all("set-cookie") == ["a=1", "b=2"]
    [request] = requests
    assert request.start == "PUT /a?b HTTP/1.1"
    assert (request.get("x-stock"), request.get("x-kept"), request.body) == ("request", "1", b"sent")
    assert request.get("host") == "origin.test"
    assert request.all("x-do") == []


@pytest.mark.parametrize("action", ["pass", "add", "pump"])
@pytest.mark.parametrize("status", [204, 304, 200])
def test_responses_without_a_body(chained, origin, connect, action, status):  # noqa: F811
    """204, 304, and what answers HEAD: the connection is where it should be afterwards."""

    def respond(request):
        if request.target == "/then":
            return OK
        length = b"content-length: 5\r\n" if status != 204 else b""
        return b"HTTP/1.1 %d Some\r\n%sx-it: 1\r\n\r\n" % (status, length)

    client = connect(chained(origin(answer(respond)).url, {"foreign": standard(MIDDLEWARE)}))
    method = "HEAD" if status == 200 else "GET"
    for _ in range(2):
        response = client.request(method, "/", f"x-do: {action}")
        assert (response.status, response.get("x-it")) == (status, "1")
        if status == 200:
            assert response.get("content-length") == "5"
        then = client.request("GET", "/then", f"x-do: {action}")
        assert (then.status, then.body) == (200, b"ok")


@KINDS
@pytest.mark.parametrize("status", [204, 304, 205, 404])
def test_responses_without_a_body_that_it_makes(chained, origin, connect, kind, status):  # noqa: F811
    client = connect(chained(origin(answer(OK)).url, {"foreign": standard(kind)}))
    for method in ("GET", "HEAD"):
        response = client.request(method, "/", "x-do: status", f"x-status: {status}")
        assert (response.status, response.get("x-made"), response.body) == (status, "status", b"")
    response = client.request("HEAD", "/", "x-do: hello")
    assert (response.status, response.body) == (200, b"")
    assert client.request("GET", "/", "x-do: pass").body == b"ok"


@pytest.mark.parametrize("action", ["pass", "add", "pump"])
def test_trailers_go_both_ways(chained, origin, connect, action):  # noqa: F811
    requests = []
    trailed = b"2\r\nok\r\n0\r\nx-sum: 2\r\nx-twice: a\r\nx-twice: b\r\n\r\n"
    response = b"HTTP/1.1 200 OK\r\ntrailer: x-sum, x-twice\r\ntransfer-encoding: chunked\r\n\r\n" + trailed
    client = connect(chained(origin(answer(response, requests)).url, {"foreign": standard(MIDDLEWARE)}))
    client.send(
        b"POST / HTTP/1.1\r\nhost: a\r\nx-do: %s\r\nconnection: te\r\nte: trailers\r\ntrailer: x-sum, x-twice\r\n"
        b"transfer-encoding: chunked\r\n\r\n" % action.encode() + trailed
    )
    got = client.response()
    expected = [("x-sum", "2"), ("x-twice", "a"), ("x-twice", "b")]
    assert (got.body, requests[0].body) == (b"ok", b"ok")
    assert sorted(got.trailers) == expected
    assert sorted(requests[0].trailers) == expected


@KINDS
def test_trailers_that_it_makes(chained, origin, connect, kind):  # noqa: F811
    client = connect(chained(origin(answer(OK)).url, {"foreign": standard(kind)}))
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx-do: trailers\r\nconnection: te\r\nte: trailers\r\n\r\n")
    got = client.response()
    assert (got.body, got.trailers) == (b"with trailers\n", [("x-made", "trailer")])


@pytest.mark.parametrize("action", ["add", "pump"])
def test_http2_on_both_sides(chained, http2, http2_origin, action):  # noqa: F811
    def serve(stream):
        request = stream.message()
        stream.send_head([(":status", "200"), ("x-got", request.get("x-stock") or "")])
        stream.send_data(request.body * 2)
        stream.send_head([("x-end", "1")], end=True)

    proxy = chained(http2_origin(serve).url, {"foreign": standard(MIDDLEWARE)})
    connection = http2(proxy)
    fields = [("x-do", action), ("te", "trailers")]
    streams = [connection.request("POST", "/", *fields, body=b"%d" % number) for number in range(20)]
    for number, stream in enumerate(streams):
        message = stream.message()
        assert (message.status, message.body) == (200, b"%d" % number * 2)
        assert message.trailers == [("x-end", "1")]
        if action == "add":
            assert (message.get("x-got"), message.get("x-stock")) == ("request", "response")


# The chain


def test_a_middleware_stands_between_the_plugins_around_it(chained, origin, connect):  # noqa: F811
    requests = []
    plugins = {"a": mark("frst"), "foreign": standard(MIDDLEWARE), "z": mark("last")}
    proxy = chained(origin(answer(OK, requests)).url, plugins)
    response = connect(proxy).request("GET", "/", "x-do: add")
    assert requests[0].all("x-mark") == ["frst", "last"]
    assert response.all("x-mark") == ["last", "frst"]
    assert (requests[0].get("x-stock"), response.get("x-stock")) == ("request", "response")


@pytest.mark.parametrize(
    "kind, action, status, body",
    [
        (MIDDLEWARE, "deny", 403, b"denied\n"),
        (SERVICE, "hello", 200, b"hello from a standard component\n"),
        (PROXY, "hello", 200, b"hello from a stock proxy\n"),
    ],
)
def test_an_answer_of_its_own_is_seen_by_those_before_it_alone(chained, origin, connect, kind, action, status, body):  # noqa: F811
    backend = origin(answer(OK))
    proxy = chained(backend.url, {"a": mark("frst"), "foreign": standard(kind), "z": mark("last")})
    response = connect(proxy).request("GET", "/", f"x-do: {action}")
    assert (response.status, response.body) == (status, body)
    assert response.all("x-mark") == ["frst"]
    assert backend.connections == 0


@KINDS
def test_each_try_goes_through_those_behind_it(chained, origin, connect, kind):  # noqa: F811
    requests = []

    def respond(request):
        if len(requests) < 3:
            return b"HTTP/1.1 503 No\r\ncontent-length: 6\r\n\r\nnot it"
        return OK

    plugins = {"a": mark("frst"), "foreign": standard(kind), "z": mark("last")}
    response = connect(chained(origin(answer(respond, requests)).url, plugins)).request("GET", "/x", "x-do: twice")
    assert (response.status, response.body, response.get("x-tries")) == (200, b"ok", "3")
    assert response.all("x-mark") == ["last", "frst"]
    assert [request.all("x-mark") for request in requests] == [["frst", "last"]] * 3


def test_two_requests_at_the_same_time(chained, origin, connect):  # noqa: F811
    plugins = {"foreign": standard(MIDDLEWARE), "z": mark("last")}
    response = connect(chained(origin(answer(OK)).url, plugins)).request("GET", "/", "x-do: both")
    assert (response.status, response.body) == (200, b"okok")


def test_only_the_head_goes_on_and_comes_back(chained, origin, connect):  # noqa: F811
    requests = []
    proxy = chained(origin(answer(WORDY, requests)).url, {"foreign": standard(MIDDLEWARE)})
    response = connect(proxy).request("POST", "/", "x-do: head-only", body=b"not this")
    assert requests[0].body == b"request 0\nrequest 1\nrequest 2\n"
    assert (response.status, response.body) == (201, b"response 0\nresponse 1\nresponse 2\n")


def test_all_worlds_in_one_chain(chained, origin, connect):  # noqa: F811
    """Each takes its word of x-do and leaves the rest; the wstd proxy in the middle leaves it alone."""
    requests = []
    plugins = {
        "a": mark("aaaa"),
        "b": standard(MIDDLEWARE),
        "c": mark("cccc"),
        "d": standard("stock-forward"),
        "e": standard(SERVICE),
        "f": standard(PROXY),
        "g": standard(MIDDLEWARE),
        "h": mark("hhhh"),
    }
    client = connect(chained(origin(answer(OK, requests)).url, plugins))
    response = client.request("POST", "/q?r", "x-do: add, add, pass, add", body=b"sent")
    assert (response.status, response.body) == (200, b"ok")
    assert requests[0].start == "POST /q?r HTTP/1.1"
    assert requests[0].body == b"sent"
    assert requests[0].all("x-mark") == ["aaaa", "cccc", "hhhh"]
    assert requests[0].all("x-stock") == ["request", "request", "request"]
    assert response.all("x-mark") == ["hhhh", "cccc", "aaaa"]
    assert response.all("x-stock") == ["response", "response", "response"]
    assert (requests[0].get("x-forward"), response.get("x-forward")) == ("request", "response")
    answered = client.request("GET", "/", "x-do: add, hello")
    assert answered.body == b"hello from a standard component\n", "the service is the first that this word reaches"
    assert answered.all("x-mark") == ["cccc", "aaaa"]


# What it can reach


@pytest.mark.parametrize("kind", [SERVICE, PROXY])
def test_it_reaches_the_chain_and_nothing_else(chained, origin, connect, kind):  # noqa: F811
    """An address that would answer is refused as well: there is no permission for it."""
    requests = []
    backend, stranger = origin(answer(OK, requests)), origin(answer(OK))
    client = connect(chained(backend.url, {"foreign": standard(kind), "z": mark("last")}))
    for authority in ("{}:{}".format(*stranger.address), "example.com", "{}:{}".format(*backend.address), "localhost"):
        response = client.request("GET", "/", "x-do: fetch", f"x-authority: {authority}")
        assert (response.status, response.body) == (200, b"ErrorCode::HttpRequestDenied\n"), authority
    assert (stranger.connections, requests) == (0, [])
    for authority in ("backend.internal", "backend.internal:80", "BACKEND.internal"):
        response = client.request("GET", "/", "x-do: fetch", f"x-authority: {authority}")
        assert (response.status, response.body) == (200, b"200\n"), authority
    assert [request.all("x-mark") for request in requests] == [["last"]] * 3
    assert [request.get("host") for request in requests] == ["origin.test"] * 3


@KINDS
def test_what_it_is_told_of_a_backend_that_is_down(chained, origin, connect, kind):  # noqa: F811
    """It learns an error code, and may answer as if nothing were; handed on, the error is told as without it."""
    backend = origin(answer(OK))
    backend.stop()
    client = connect(chained(backend.url, {"foreign": standard(kind)}))
    response = client.request("GET", "/", "x-do: fetch")
    assert response.status == 200
    assert re.match(rb"ErrorCode::(Destination|Connection)\w+\n", response.body), response.body
    response = client.request("GET", "/", "x-do: pass")
    assert response.status == 502
    assert proxy_error(response) == "connection_refused"


@KINDS
def test_a_plugin_behind_it_answers(chained, origin, connect, kind):  # noqa: F811
    """`hello` of a second component is for the first the answer of what comes next."""
    plugins = {"foreign": standard(kind), "second": standard(MIDDLEWARE)}
    response = connect(chained(origin(answer(OK)).url, plugins)).request("GET", "/", "x-do: fetch, deny")
    assert (response.status, response.body) == (200, b"403\n")
