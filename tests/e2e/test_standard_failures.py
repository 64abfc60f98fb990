"""Standard components that trap, hang, loop, drop what they were given or break what they make: before an answer the client
gets 502 that names the plugin; behind it a body that breaks off and never looks complete; and others are served on.
"""

import re
import threading
import time

import pytest
from harness.http2_peer import Lost
from harness.origin import answer
from harness.peers import resident
from harness.standard import MIDDLEWARE, PROXY, SERVICE, Plugin, chained, mark, ours, standard  # noqa: F401
from harness.traffic import Traffic, fresh, kept
from harness.waiting import until
from test_failures import proxy_error

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
KINDS = pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE, PROXY])
MIB = 1 << 20
SHORT = {"limits": {"deadline": "200ms", "memory": "16MiB"}}


def details(response):
    """What `proxy-status` says in words."""
    match = re.search(r'details="([^"]*)"', response.get("proxy-status") or "")
    assert match, f"{response.status} says nothing in proxy-status: {response.fields}"
    return match.group(1)


def blames(response, plugin="foreign"):
    assert response.status == 502, response
    assert f"plugin {plugin}: " in details(response), response.fields
    return details(response)


def broke_off(connect, proxy, *fields):
    """Whether the answer to a GET with these fields came without its end, or not at all."""
    client = connect(proxy)
    try:
        response = client.request("GET", "/", *fields)
    except (EOFError, ConnectionError):
        return True
    assert response.status == 502, f"{response.status} looks complete: {response.body!r}"
    return True


# Before the answer


@KINDS
@pytest.mark.parametrize(
    "action, kind_of_failure",
    [
        ("trap-before", "trapped"),
        ("trap-after-next", "trapped"),
        ("loop", "CPU time"),
        ("grow", "memory"),
        ("error", "returned an error"),
    ],
)
def test_no_answer_is_502_with_its_name(chained, origin, connect, kind, action, kind_of_failure):  # noqa: F811
    requests = []
    proxy = chained(origin(answer(OK, requests)).url, {"a": mark("frst"), "foreign": standard(kind)}, settings=SHORT)
    client = connect(proxy)
    for _ in range(3):
        response = client.request("GET", "/", f"x-do: {action}")
        assert kind_of_failure in blames(response)
        assert proxy_error(response) == "proxy_internal_error"
        assert b"as asked" not in response.body, "the component's own words are for the log"
    assert len(requests) == (3 if action == "trap-after-next" else 0)
    assert client.request("GET", "/", "x-do: pass").body == b"ok", "the next call is none the worse"


def test_a_component_that_ends_without_an_answer(chained, origin, connect):  # noqa: F811
    """wasi:http 0.2: the response-outparam is dropped."""
    client = connect(chained(origin(answer(OK)).url, {"foreign": standard(PROXY)}))
    for _ in range(3):
        blames(client.request("GET", "/", "x-do: no-answer"))
    assert client.request("GET", "/").body == b"ok"


# Far less than the time that a component has for its answer.
AT_ONCE = 15


def test_a_component_that_drops_what_it_would_answer_with(chained, origin, connect):  # noqa: F811
    """wasi:http 0.2: the response-outparam is dropped by a component that goes on to wait."""
    client = connect(chained(origin(answer(OK)).url, {"foreign": standard(PROXY)}))
    client.socket.settimeout(AT_ONCE)
    blames(client.request("GET", "/", "x-do: give-up"))
    assert client.request("GET", "/").body == b"ok"


@pytest.mark.parametrize("kind", [MIDDLEWARE, SERVICE])
def test_an_error_that_is_reported_and_no_answer(chained, origin, connect, kind):  # noqa: F811
    """wasi:http 0.3: the component reports that it could not handle the request's body, and never answers."""
    client = connect(chained(origin(answer(OK)).url, {"foreign": standard(kind)}))
    client.socket.settimeout(AT_ONCE)
    blames(client.request("GET", "/", "x-do: report"))
    assert client.request("GET", "/").body == b"ok"


@KINDS
def test_a_request_that_is_sent_on_and_breaks_off(chained, origin, connect, kind):  # noqa: F811
    """The component's request to what comes next ends with an error. There is no answer to wait for."""
    client = connect(chained(origin(answer(OK)).url, {"foreign": standard(kind)}))
    client.socket.settimeout(AT_ONCE)
    response = client.request("POST", "/", "x-do: broken-request")
    assert response.status in (502, 400), response
    assert client.request("GET", "/").body == b"ok"


@KINDS
@pytest.mark.parametrize(
    "error", ["connection-refused", "HTTP-request-denied", "HTTP-response-timeout", "loop-detected"]
)
def test_an_error_code_in_place_of_an_answer(chained, origin, connect, kind, error):  # noqa: F811
    backend = origin(answer(OK))
    response = connect(chained(backend.url, {"foreign": standard(kind)})).request(
        "GET", "/", "x-do: error", f"x-error: {error}"
    )
    blames(response)
    assert backend.connections == 0


def test_one_that_waits_for_nothing(chained, origin, connect):  # noqa: F811
    """Nothing could ever wake it. Whether that is noticed or waited out, it is the plugin's failure."""
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(MIDDLEWARE)})
    client = connect(proxy)
    client.socket.settimeout(90)
    response = client.request("GET", "/", "x-do: never")
    assert response.status in (502, 504)
    assert "plugin foreign: " in details(response)
    assert client.request("GET", "/").body == b"ok"


def test_those_that_hang_are_given_up_and_others_served_meanwhile(chained, origin, connect):  # noqa: F811
    """One of each kind waits for an hour; each of them serves others all the time."""
    plugins = {"mw": standard(MIDDLEWARE), "sv": standard(SERVICE), "px": standard(PROXY)}
    proxies = {name: chained(origin(answer(OK)).url, {name: plugin}) for name, plugin in plugins.items()}
    answers = {}

    def hang(name):
        client = connect(proxies[name])
        client.socket.settimeout(100)
        answers[name] = client.request("GET", "/", "x-do: hang")

    threads = [threading.Thread(target=hang, args=(name,), daemon=True) for name in plugins]
    for thread in threads:
        thread.start()
    served = 0
    while any(thread.is_alive() for thread in threads):
        for proxy in proxies.values():
            assert connect(proxy).request("GET", "/").body == b"ok"
            served += 1
        threads[0].join(0.5)
    assert served > len(plugins)
    for name in plugins:
        assert answers[name].status in (502, 504)
        assert f"plugin {name}: " in details(answers[name])


@KINDS
def test_others_are_served_while_many_loop(chained, origin, connect, kind):  # noqa: F811
    """More loops than there are threads."""
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(kind)}, settings={"limits": {"deadline": "500ms"}})
    loops = [connect(proxy) for _ in range(8)]
    for client in loops:
        client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx-do: loop\r\n\r\n")
    client = connect(proxy)
    for _ in range(5):
        assert client.request("GET", "/").body == b"ok"
    for client in loops:
        client.socket.settimeout(90)
        assert "CPU time" in blames(client.response())


@KINDS
def test_clients_that_leave_take_no_places_from_others(chained, origin, connect, kind):  # noqa: F811
    """A guest that never notices that its reader left is taken down; there are fewer places than it would hold."""
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(kind)})
    for number in range(1200):
        with connect(proxy) as client:
            client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx-do: hang-after-head\r\n\r\n")
            head = client.head()
            if head.status != 200:
                break
            assert client.reader.chunk() == b"first\n"
    until(lambda: connect(proxy).request("GET", "/").status == 200, f"others are served after {number} that left")


# Left out


@KINDS
def test_a_failure_that_is_open_goes_on_past_it(chained, origin, connect, kind):  # noqa: F811
    """As if the component weren't there: its own changes are undone, those behind it are asked."""
    requests = []
    plugins = {"a": mark("frst"), "foreign": standard(kind, on_failure="open"), "z": mark("last")}
    client = connect(chained(origin(answer(OK, requests)).url, plugins, settings=SHORT))
    for action in ("trap-before", "error", "loop"):
        response = client.request("GET", "/x", f"x-do: {action}")
        assert (response.status, response.body) == (200, b"ok"), action
        assert response.all("x-mark") == ["last", "frst"]
        assert requests[-1].all("x-mark") == ["frst", "last"]
        assert requests[-1].get("x-do") == action
    assert len(requests) == 3


@KINDS
@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_an_open_failure_before_the_body_was_read_keeps_it(chained, origin, connect, kind, size):  # noqa: F811
    requests = []
    proxy = chained(origin(answer(OK, requests)).url, {"foreign": standard(kind, on_failure="open")})
    body = b"b" * size
    response = connect(proxy).request("POST", "/", "x-do: trap-before", body=body)
    assert response.status == 200
    assert requests[0].body == body


@KINDS
def test_an_open_failure_after_the_body_was_read_is_502(chained, origin, connect, kind):  # noqa: F811
    """What is gone can't be sent again, and half of it must not be sent."""
    requests = []
    proxy = chained(origin(answer(OK, requests)).url, {"foreign": standard(kind, on_failure="open")})
    body = b"b" * (3 * MIB)
    response = connect(proxy).request("POST", "/", "x-do: trap-after-next", body=body)
    assert "trapped" in blames(response)
    assert [request.body == body for request in requests] == [True]


# Behind the answer's head


@KINDS
@pytest.mark.parametrize("action", ["trap-after-head", "loop-after-head", "short", "long"])
def test_a_body_that_its_maker_breaks_never_looks_complete(chained, origin, connect, http2, kind, action):  # noqa: F811
    proxy = chained(origin(answer(OK)).url, {"a": mark("frst"), "foreign": standard(kind)}, settings=SHORT)
    for _ in range(3):
        assert broke_off(connect, proxy, f"x-do: {action}")
    stream = http2(proxy).request("GET", "/", ("x-do", action))
    assert stream.outcome() in ("reset", 502)
    assert connect(proxy).request("GET", "/").body == b"ok"


@pytest.mark.parametrize("kind, action", [(MIDDLEWARE, "break"), (SERVICE, "break"), (PROXY, "unfinished")])
def test_a_body_that_ends_with_an_error_never_looks_complete(chained, origin, connect, http2, kind, action):  # noqa: F811
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(kind)})
    for _ in range(3):
        assert broke_off(connect, proxy, f"x-do: {action}")
    assert http2(proxy).request("GET", "/", ("x-do", action)).outcome() in ("reset", 502)


@pytest.mark.parametrize(
    "kind, action",
    [(MIDDLEWARE, "pass"), (MIDDLEWARE, "add"), (MIDDLEWARE, "pump"), (SERVICE, "pump"), (PROXY, "pass")],
)
def test_a_body_that_the_backend_breaks_breaks_off_behind_it(chained, origin, connect, kind, action):  # noqa: F811
    def serve(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nfirst\n\r\n")

    assert broke_off(connect, chained(origin(serve).url, {"foreign": standard(kind)}), f"x-do: {action}")


@pytest.mark.parametrize(
    "kind, action", [(MIDDLEWARE, "add"), (MIDDLEWARE, "pump"), (SERVICE, "pump"), (PROXY, "pass")]
)
def test_an_upload_that_the_client_breaks_never_looks_complete(chained, origin, connect, kind, action):  # noqa: F811
    """The backend must not take half of it for the whole."""
    seen, over, whole = threading.Event(), threading.Event(), []

    def serve(peer):
        try:
            head = peer.head()
            while peer.reader.chunk():
                seen.set()
            whole.append(head)
        finally:
            over.set()

    client = connect(chained(origin(serve).url, {"foreign": standard(kind)}))
    client.send(
        b"POST / HTTP/1.1\r\nhost: a\r\nx-do: %s\r\ntransfer-encoding: chunked\r\n\r\n6\r\nfirst\n\r\n"
        % action.encode()
    )
    assert seen.wait(20)
    client.socket.close()
    assert over.wait(20), "the backend still waits for the rest"
    assert whole == []


# Dropped bodies


@KINDS
@pytest.mark.parametrize("action", ["drop-request", "hello", "deny"])
def test_an_upload_that_it_leaves_unread(chained, origin, connect, kind, action):  # noqa: F811
    """The answer arrives though the client is still sending, and neither side is stuck."""
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(kind)})
    for _ in range(5):
        client = connect(proxy)
        head = b"POST / HTTP/1.1\r\nhost: a\r\nx-do: %s\r\ncontent-length: %d\r\n\r\n" % (action.encode(), 8 * MIB)
        sender = threading.Thread(target=send_quietly, args=(client, head + bytes(8 * MIB)), daemon=True)
        sender.start()
        response = client.response()
        assert response.status == (403 if action == "deny" else 200)
        assert response.body
        client.socket.close()
        sender.join(20)
        assert not sender.is_alive(), "the proxy holds the upload"
    assert connect(proxy).request("GET", "/").body == b"ok"


def send_quietly(client, data):
    try:
        client.send(data)
    except OSError:
        pass


@KINDS
def test_an_answer_from_behind_that_it_drops(chained, origin, connect, kind):  # noqa: F811
    """The backend is not left sending to nobody."""
    ended = []

    def serve(peer):
        try:
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 * MIB))
            for _ in range(64):
                peer.send(bytes(MIB))
        except OSError:
            pass
        ended.append(peer)

    backend = origin(serve)
    client = connect(chained(backend.url, {"foreign": standard(kind), "z": mark("last")}))
    for _ in range(5):
        response = client.request("GET", "/", "x-do: drop-next")
        assert (response.status, response.body) == (200, b"dropped\n")
        assert response.all("x-mark") == [], "what it dropped is not what it answers"
    until(lambda: len(ended) == backend.connections >= 1, "each connection of the backend comes to its end")


@KINDS
def test_a_backend_that_answers_before_the_upload_is_over(chained, origin, connect, kind):  # noqa: F811
    """The answer goes on through the component, which was still handing the upload on."""

    def serve(peer):
        peer.head()
        peer.send(b"HTTP/1.1 413 No\r\ncontent-length: 4\r\nconnection: close\r\n\r\nstop")
        peer.reader.exactly(1024)

    client = connect(chained(origin(serve).url, {"foreign": standard(kind)}))
    head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % (32 * MIB)
    sender = threading.Thread(target=send_quietly, args=(client, head + bytes(32 * MIB)), daemon=True)
    sender.start()
    response = client.response()
    assert (response.status, response.body) == (413, b"stop")
    client.socket.close()
    sender.join(20)
    assert not sender.is_alive()


@KINDS
def test_an_endless_answer_ends_with_its_reader(chained, origin, connect, kind):  # noqa: F811
    """It is not made faster than it is read, and not at all when nobody reads."""
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(kind)})
    connect(proxy).request("GET", "/")
    before = resident(proxy.process.pid)
    readers = [connect(proxy) for _ in range(10)]
    for client in readers:
        client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx-do: endless\r\n\r\n")
        assert client.head().status == 200
        for _ in range(100):
            assert client.reader.chunk()
    assert resident(proxy.process.pid) - before < 64 * MIB
    for client in readers:
        client.socket.close()
    assert connect(proxy).request("GET", "/").body == b"ok"
    until(lambda: idle(proxy.process.pid), "nothing computes any more", seconds=30)


def cpu(pid):
    """CPU time of a process in clock ticks."""
    with open(f"/proc/{pid}/stat") as file:
        values = file.read().rsplit(")", 1)[1].split()
    return int(values[11]) + int(values[12])


def idle(pid):
    """Whether it computes for less than a tenth of half a second."""
    before = cpu(pid)
    time.sleep(0.5)
    return cpu(pid) - before < 5


# Files


def test_it_is_replaced_while_its_body_streams(chained, origin, connect):  # noqa: F811
    """What began with the old file ends with it; what comes after it is answered by the new one."""
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(MIDDLEWARE)})
    old = connect(proxy)
    old.send(b"POST / HTTP/1.1\r\nhost: a\r\nx-do: turns\r\ntransfer-encoding: chunked\r\n\r\n")
    assert old.head().status == 200
    assert old.reader.chunk().startswith(b"id: 0\n")
    proxy.place("foreign", standard(SERVICE))
    new = connect(proxy)

    def replaced():
        return new.request("GET", "/", "x-do: fetch", "x-authority: elsewhere").body.startswith(b"ErrorCode")

    until(replaced, "the service stands where the middleware was")
    for number in range(1, 5):
        old.send(b"1\r\nx\r\n")
        assert old.reader.chunk().startswith(b"id: %d\n" % number)
    old.send(b"0\r\n\r\n")
    assert old.reader.chunk() == b""
    proxy.place("foreign", Plugin(".wasm", standard(MIDDLEWARE).content[:5000]))
    until(lambda: re.search("foreign.*truncated|foreign.*refused", proxy.log()), "the broken file is refused")
    assert replaced(), "and the one before it goes on"


@KINDS
def test_replacing_it_again_and_again_fails_no_request(chained, origin, kind):  # noqa: F811
    """Twenty versions under four clients, two of which send each request on a new connection."""
    plugins = {"a": mark("frst"), "foreign": standard(kind), "z": mark("last")}
    proxy = chained(origin(answer(OK)).url, plugins)
    calls = [fresh(proxy.address[1]), fresh(proxy.address[1], x_do="hello"), kept(proxy.address[1], reopen=True)]
    calls.append(kept(proxy.address[1], reopen=True, x_do="hello"))
    with Traffic(*calls) as traffic:
        for number in range(20):
            version = Plugin(".wasm", standard(kind).content + custom_section(b"version %d" % number))
            seen = len(re.findall("plugin foreign: version", proxy.log()))
            proxy.place("foreign", version)
            until(lambda: len(re.findall("plugin foreign: version", proxy.log())) > seen, "the new version serves")
            traffic.more(20)
    assert {body for _, (_, body) in traffic.seen} >= {b"ok"}
    assert len({body for _, (_, body) in traffic.seen}) == 2


def custom_section(content):
    """A section that says nothing and makes the file another one."""
    name = b"test"
    payload = bytes([len(name)]) + name + content
    assert len(payload) < 128
    return bytes([0, len(payload)]) + payload


def test_a_name_may_change_its_world(chained, origin, connect):  # noqa: F811
    """Service, proxy and a plugin of our own, one after the other in one place of the chain."""
    proxy = chained(origin(answer(OK)).url, {"foreign": standard(PROXY)})
    client = connect(proxy)
    own = Plugin(".wasm", ours("add-header").content)
    for plugin, fact in (
        (standard(SERVICE), lambda answer: answer.body == b"hello from a standard component\n"),
        (own, lambda answer: answer.get("x-tollgate") == "hello" and answer.body == b"ok"),
        (standard(PROXY), lambda answer: answer.body == b"hello from a stock proxy\n"),
    ):
        proxy.place("foreign", plugin)
        until(lambda: fact(client.request("GET", "/", "x-do: hello")), "the new file answers")


def test_a_stream_that_is_lost_is_told_over_http2(chained, origin, http2):  # noqa: F811
    """What came before the trap arrives, then RST_STREAM; the connection's other streams go on."""
    connection = http2(chained(origin(answer(OK)).url, {"foreign": standard(MIDDLEWARE)}))
    stream = connection.request("GET", "/", ("x-do", "trap-after-head"))
    with pytest.raises(Lost):
        stream.message()
    assert stream.reset_code is not None
    assert connection.request("GET", "/").message().body == b"ok"
