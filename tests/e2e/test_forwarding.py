"""What a backend is told of the client, and what goes through as it came."""

import itertools
import re

import pytest
from conftest import MARK, MARK_VALUE, add_header
from harness.raw import BEHIND, OK, Recorder, converse
from harness.servers import Tollgate

CLIENT = "127.0.0.1"


@pytest.fixture(scope="module")
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="module")
def proxies(recorder, tmp_path_factory):
    """proxies(config): a proxy with it before the recorder, one for each config."""
    started = {}
    serial = itertools.count()

    def start(config=""):
        if config not in started:
            directory = tmp_path_factory.mktemp(f"forwarding-{next(serial)}")
            started[config] = Tollgate(recorder.url, directory / "tollgate", add_header(), config)
        return started[config]

    yield start
    for proxy in started.values():
        proxy.stop()


@pytest.fixture
def through(recorder, proxies):
    """through(fields…): sends a GET for /x through a proxy; returns it as the backend got it."""

    def send(*fields, config="", host="origin.test:8080", target="/x", response=OK):
        recorder.respond = lambda request: response
        seen = len(recorder.received)
        data = "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *fields]).encode("latin-1") + b"\r\n\r\n"
        got = converse(proxies(config).address, data + BEHIND)
        assert got.statuses[0] == 200, got
        received = recorder.received[seen]
        received.answer = got.responses[0]
        return received

    return send


def forwarding(**keys):
    return "[forwarding]\n" + "".join(
        f"{key.replace('_', '-')} = {str(each).lower() if isinstance(each, bool) else repr(each)}\n"
        for key, each in keys.items()
    )


GIVEN = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: shown.test")


def told(received):
    """The values of each of the three, lines joined as RFC 9110, section 5.2 has it."""
    return tuple(", ".join(received.all(f"x-forwarded-{name}")) for name in ("for", "proto", "host"))


@pytest.mark.parametrize(
    "mode, given, expected",
    [
        ("replace", (), (CLIENT, "http", "origin.test:8080")),
        ("replace", GIVEN, (CLIENT, "http", "origin.test:8080")),
        ("replace", GIVEN + GIVEN, (CLIENT, "http", "origin.test:8080")),
        ("keep", (), ("", "", "")),
        ("keep", GIVEN, ("192.0.2.1", "https", "shown.test")),
        ("remove", (), ("", "", "")),
        ("remove", GIVEN + GIVEN, ("", "", "")),
        ("append", (), (CLIENT, "http", "origin.test:8080")),
    ],
)
def test_x_forwarded(through, mode, given, expected):
    assert told(through(*given, config=forwarding(x_forwarded=mode))) == expected


def test_x_forwarded_is_appended_in_order(through):
    """The client's lines come first, this hop is the last; how the client came to the first proxy stays known."""
    received = through(
        "X-Forwarded-For: 192.0.2.1, 192.0.2.2",
        *GIVEN[1:],
        "X-Forwarded-For: 192.0.2.3",
        config=forwarding(x_forwarded="append"),
    )
    addresses, scheme, host = told(received)
    assert re.split(", ?", addresses) == ["192.0.2.1", "192.0.2.2", "192.0.2.3", CLIENT]
    assert scheme.split(",")[0] == "https"
    assert host.split(",")[0] == "shown.test"


def test_the_default_believes_nobody(through):
    assert told(through(*GIVEN, "Forwarded: for=192.0.2.1")) == (CLIENT, "http", "origin.test:8080")
    assert through("Forwarded: for=192.0.2.1").all("forwarded") == []


def elements(received):
    """`forwarded` (RFC 7239) as a list of {parameter: value as written}, quotes kept."""
    text = ", ".join(received.all("forwarded"))
    pair = re.compile(r'([A-Za-z]+)=([!#$%&\'*+.^_`|~0-9A-Za-z-]+|"(?:[^"\\]|\\.)*")')
    found = []
    for element in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', text):
        pairs = [pair.fullmatch(part.strip()) for part in re.findall(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+', element)]
        assert all(pairs), f"not of the form of RFC 7239: {text}"
        found.append({match[1].lower(): match[2] for match in pairs})
    return found


@pytest.mark.parametrize(
    "host, written", [("origin.test", ("origin.test", '"origin.test"')), ("origin.test:8080", ('"origin.test:8080"',)), ("[2001:db8::1]:80", ('"[2001:db8::1]:80"',))]
)  # fmt: skip
def test_forwarded(through, host, written):
    """A value with a colon or a bracket is a quoted string."""
    (element,) = elements(through("Forwarded: for=192.0.2.1", config=forwarding(forwarded="replace"), host=host))
    assert element["for"].strip('"') == CLIENT
    assert element["proto"] == "http"
    assert element["host"] in written


def test_forwarded_is_appended(through):
    first, second = elements(
        through('Forwarded: for="[2001:db8::17]:47011";proto=https', config=forwarding(forwarded="append"))
    )
    assert first == {"for": '"[2001:db8::17]:47011"', "proto": "https"}
    assert second["for"].strip('"') == CLIENT


def test_forwarded_is_kept_or_removed(through):
    given = 'Forwarded: for=_hidden, for="_x;y"'
    assert through(given, config=forwarding(forwarded="keep")).all("forwarded") == ['for=_hidden, for="_x;y"']
    assert through(given, config=forwarding(forwarded="remove")).all("forwarded") == []


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Host", "Via"])
def test_connection_takes_nothing_away_that_the_proxy_says(through, name):
    """`Connection: x-forwarded-for` is how clients make a careless proxy hide them."""
    received = through(f"Connection: close, {name}", config=forwarding(forwarded="replace"))
    assert received.all(name), received.head


def test_via_both_ways(through):
    received = through("Via: 1.0 first", response=b"HTTP/1.1 200 OK\r\nvia: 1.1 inner\r\ncontent-length: 2\r\n\r\nok")
    for values in (received.all("via"), received.answer.all("via")):
        hops = [hop.strip() for value in values for hop in value.split(",")]
        assert len(hops) == 2 and re.fullmatch(r"1\.1 tollgate\b.*", hops[1]), hops
    silent = through("Via: 1.0 first", config=forwarding(via=False))
    assert silent.all("via") == ["1.0 first"]
    assert silent.answer.all("via") == []


def test_via_says_which_version_came(recorder, proxies):
    recorder.respond = lambda request: OK
    seen = len(recorder.received)
    assert converse(proxies().address, b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n").statuses == [200]
    assert recorder.received[seen].get("via").startswith("1.0 tollgate")


def host_key(recorder, host):
    return (
        f'[backends.tested]\naddress = "{recorder.url}"\nhost = "{host}"\n[[routes]]\npath = "/"\nbackend = "tested"\n'
    )


@pytest.mark.parametrize(
    "key, expected", [("keep", "origin.test:8080"), ("rewrite", None), ("fixed.test:81", "fixed.test:81")]
)
def test_host(through, recorder, key, expected):
    """And the first host stays known."""
    received = through(config=host_key(recorder, key))
    assert received.get("host") == (expected or recorder.url.removeprefix("http://"))
    assert received.get("x-forwarded-host") == "origin.test:8080"


def test_fields_go_on_as_they_came(through):
    """Order among equals, case of names, bytes of values."""
    sent = [
        "X-One: 1",
        "x-TWO: a,b ,c",
        "X-One: 2",
        "X-Bytes: \xff\xfe caf\xe9",
        "X-One:",
        'X-Quoted: "a, b"',
        "COOKIE: a=1",
        "Cookie: b=2",
    ]
    received = through(*sent)
    kept = [
        (name, value)
        for name, value in received.fields
        if name.lower().startswith("x-") and "forwarded" not in name.lower()
    ]
    ours = [(name, value) for name, value in kept if name.lower() != MARK]
    assert received.all("x-one") == ["1", "2", ""]
    assert received.all("x-bytes") == ["\xff\xfe caf\xe9"]
    assert received.all("x-two") == ["a,b ,c"]
    assert received.all("x-quoted") == ['"a, b"']
    assert received.all("cookie") == ["a=1", "b=2"]
    assert received.all(MARK) == [MARK_VALUE], "it went through the plugin"
    assert sorted({name.lower() for name, _ in ours}) == ["x-bytes", "x-one", "x-quoted", "x-two"]


def test_response_fields_go_on_as_they_came(through):
    response = (
        b"HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\nX-A: \r\nX-A: 3\r\n"
        b"X-Bytes: caf\xe9 \xff\r\nServer: inner\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\ncontent-length: 2\r\n\r\nok"
    )
    answer = through(response=response).answer
    assert answer.all("set-cookie") == ["a=1", "b=2"]
    assert answer.all("x-a") == ["1", "", "3"]
    assert answer.get("x-bytes") == "caf\xe9 \xff"
    assert answer.get("server") == "inner"
    assert answer.get("date") == "Tue, 15 Nov 1994 08:12:31 GMT"


def test_a_response_without_a_date_gets_one(through):
    """RFC 9110, section 6.6.1."""
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", through().answer.get("date") or "")


TARGETS = ["/a%2Fb//c/../d?x=%20", "//double/slash", "/./a/.", "/%2e%2e/up", "/empty?", "/?q=?/:@!$&'()*+,;=", "/%FF%00", "/semi;a=1/b;c", "/" + "x" * 8000]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:30])
def test_a_target_goes_on_byte_for_byte(through, target):
    assert through(target=target).target == target


@pytest.mark.parametrize("options", ["close, x-foo", "X-FOO", "keep-alive,x-foo", "x-foo, , close", "x-foo,x-bar"])
def test_what_connection_names_ends_here(through, options):
    received = through(f"Connection: {options}", "X-Foo: 1", "X-Foo: 2", "X-Stays: 1")
    assert received.all("x-foo") == []
    assert received.all("x-stays") == ["1"]
    assert not {"x-foo", "close"} & {o.strip().lower() for o in ",".join(received.all("connection")).split(",")}


def test_fields_of_one_hop_end_here(through):
    response = b"HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\nx-end: 1\r\ncontent-length: 2\r\n\r\nok"
    received = through(
        "Keep-Alive: 5", "Proxy-Connection: keep-alive", "TE: gzip", "Upgrade: x", "X-End: 1", response=response
    )
    for message in (received, received.answer):
        assert message.all("x-end") == ["1"]
        for name in ("keep-alive", "proxy-connection", "te", "upgrade", "x-hop"):
            assert message.all(name) == [], name
