"""Nothing is smuggled: a request that two readers could read in two ways is refused before plugin and backend see it.

RFC 9112, section 11.2. Each case goes on a connection of its own with another request behind it, once to a proxy whose
plugin would answer everything and once to one before a backend that records every byte (`harness/raw.py`).
"""

import pytest
from conftest import MARK, add_header
from harness.raw import BEHIND, OK, Gate, converse

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    gate = Gate(tmp_path_factory.mktemp("smuggling"), add_header())
    yield gate
    gate.stop()


def request(line, *fields, body=b""):
    return "\r\n".join([line, *fields]).encode("latin-1") + b"\r\n\r\n" + body


def post(*fields, body=b""):
    return request("POST /x HTTP/1.1", "Host: a", *fields, body=body)


def get(*fields):
    return request("GET /x HTTP/1.1", "Host: a", *fields)


def chunked(*fields, body=b"5\r\nhello\r\n0\r\n\r\n"):
    return post("Transfer-Encoding: chunked", *fields, body=body)


def length(value):
    return post(f"Content-Length: {value}", body=b"hello")


def coding(value):
    return post(f"Transfer-Encoding: {value}", body=b"5\r\nhello\r\n0\r\n\r\n")


# Two framings, a length that is no number, a coding that is not exactly `chunked`.
FRAMING = {
    "length, then chunked": (post("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "chunked, then length": (post("Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"), 400),
    "length 0 and chunked": (post("Content-Length: 0", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "length and an unknown coding": (post("Content-Length: 5", "Transfer-Encoding: cow", body=b"hello"), 400, 501),
    "two lengths": (post("Content-Length: 5", "Content-Length: 6", body=b"hello"), 400),
    "two lengths, one of them 0": (post("Content-Length: 0", "Content-Length: 5", body=b"hello"), 400),
    "two lengths far apart": (post("Content-Length: 5", "X-Between: 1", "content-length: 50", body=b"hello"), 400),
    "a list of lengths": (length("5, 6"), 400),
    "length +5": (length("+5"), 400),
    "length -5": (length("-5"), 400),
    "length 0x5": (length("0x5"), 400),
    "length 5.0": (length("5.0"), 400),
    "length 5e0": (length("5e0"), 400),
    "length '5 5'": (length("5 5"), 400),
    "length 5;": (length("5;"), 400),
    'length "5"': (length('"5"'), 400),
    "length 5_0": (length("5_0"), 400),
    "length empty": (length(""), 400),
    "length of a comma": (length(","), 400),
    "length of a vertical tab": (length("\x0b5"), 400),
    "length of a no-break space": (length("5\xa0"), 400),
    "length 2^64": (length(2**64), 400),
    "length 2^64 + 5": (length(2**64 + 5), 400),
    "length of 40 digits": (length("1" * 40), 400),
    "xchunked": (coding("xchunked"), 400, 501),
    "chunke": (coding("chunke"), 400, 501),
    "chunked twice": (coding("chunked, chunked"), 400, 501),
    "chunked in two fields": (chunked("Transfer-Encoding: chunked"), 400, 501),
    "chunked, then identity": (chunked("Transfer-Encoding: identity"), 400, 501),
    "identity, then chunked": (
        post("Transfer-Encoding: identity", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        400,
        501,
    ),
    "identity": (coding("identity"), 400, 501),
    "identity and a length": (post("Transfer-Encoding: identity", "Content-Length: 5", body=b"hello"), 400, 501),
    "gzip, chunked": (coding("gzip, chunked"), 501),
    "chunked is not the last": (coding("chunked, gzip"), 400, 501),
    "gzip": (coding("gzip"), 400, 501),
    "an empty coding": (coding(""), 400, 501),
    "chunked with a parameter": (coding("chunked;q=1"), 400, 501),
    "a quoted coding": (coding('"chunked"'), 400, 501),
    "a vertical tab before chunked": (coding("\x0bchunked"), 400, 501),
    "a vertical tab after chunked": (coding("chunked\x0b"), 400, 501),
    "a form feed before chunked": (coding("\x0cchunked"), 400, 501),
    "NUL after chunked": (coding("chunked\0"), 400, 501),
    "a no-break space after chunked": (coding("chunked\xa0"), 400, 501),
    "two words": (coding("x chunked"), 400, 501),
    "chunked folded": (post("Transfer-Encoding:", " chunked", body=b"0\r\n\r\n"), 400),
    "a coding folded": (post("Transfer-Encoding: chunked", "\tx", body=b"0\r\n\r\n"), 400),
    "a length folded": (post("Content-Length:", " 5", body=b"hello"), 400),
    "a space before the coding's colon": (post("Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400),
    "a tab before the coding's colon": (post("Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"), 400),
    "a space before the length's colon": (post("Content-Length : 5", body=b"hello"), 400),
    "a space before the coding's name": (post("X: 1", " Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "a vertical tab before the coding's name": (post("\x0bTransfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "NUL in the coding's name": (post("Transfer\0Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "a coding behind a bare CR": (post("X: 1\rTransfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "a coding behind a bare LF": (post("X: 1\nTransfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "chunked in HTTP/1.0": (
        request("POST /x HTTP/1.0", "Host: a", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        400,
        501,
    ),
    "chunked in HTTP/1.0 with a length": (
        request(
            "POST /x HTTP/1.0",
            "Host: a",
            "Connection: keep-alive",
            "Content-Length: 5",
            "Transfer-Encoding: chunked",
            body=b"0\r\n\r\n",
        ),
        400,
    ),
}

# What ends a line, and what may stand in it.
LINES = {
    "the request line ends in LF": (b"GET /x HTTP/1.1\nHost: a\r\n\r\n", 400),
    "the request line ends in CR": (b"GET /x HTTP/1.1\rHost: a\r\n\r\n", 400),
    "the request line ends in CR CR LF": (b"GET /x HTTP/1.1\r\r\nHost: a\r\n\r\n", 400),
    "a field ends in LF": (b"GET /x HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", 400),
    "a field ends in CR": (b"GET /x HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n", 400),
    "a field ends in CR CR LF": (b"GET /x HTTP/1.1\r\nHost: a\r\r\nX: 1\r\n\r\n", 400),
    "the head ends in LF LF": (b"GET /x HTTP/1.1\r\nHost: a\n\n", 400),
    "the head ends in CR LF LF": (b"GET /x HTTP/1.1\r\nHost: a\r\n\n", 400),
    "the head ends in CR CR": (b"GET /x HTTP/1.1\r\nHost: a\r\r", 400),
    "all lines end in LF": (b"GET /x HTTP/1.1\nHost: a\n\n", 400),
    "NUL in a value": (get("X: 1\0002"), 400),
    "NUL in a name": (get("X\0Y: 1"), 400),
    "a control byte in a value": (get("X: 1\x01"), 400),
    "a vertical tab in a value": (get("X: 1\x0b2"), 400),
    "DEL in a value": (get("X: \x7f"), 400),
    "ESC in a value": (get("X: \x1b[2J"), 400),
    "a control byte in a name": (get("X\x01: 1"), 400),
    "obs-text in a name": (get("X\xe9: 1"), 400),
    "a space in a name": (get("X Y: 1"), 400),
    "a bracket in a name": (get("X[0]: 1"), 400),
    "a slash in a name": (get("X/Y: 1"), 400),
    "a space before a colon": (get("X : 1"), 400),
    "a tab before a colon": (get("X\t: 1"), 400),
    "an empty name": (get(": 1"), 400),
    "a line without a colon": (get("nonsense"), 400),
    "a folded value": (get("X: 1", " 2"), 400),
    "a value folded with a tab": (get("X: 1", "\t2"), 400),
    "a fold of nothing": (get("X: 1", " "), 400),
    "the first field line begins with a space": (b"GET /x HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n", 400),
    "the first field line is blank": (b"GET /x HTTP/1.1\r\n \r\nHost: a\r\n\r\n", 400),
}

TARGETS = {
    "a fragment": (request("GET /x#y HTTP/1.1", "Host: a"), 400),
    "a space": (request("GET /x y HTTP/1.1", "Host: a"), 400),
    "two spaces before it": (request("GET  /x HTTP/1.1", "Host: a"), 400),
    "two spaces behind it": (request("GET /x  HTTP/1.1", "Host: a"), 400),
    "a tab before it": (request("GET\t/x HTTP/1.1", "Host: a"), 400),
    "a tab behind it": (request("GET /x\tHTTP/1.1", "Host: a"), 400),
    "a tab in it": (request("GET /x\ty HTTP/1.1", "Host: a"), 400),
    "a bare CR in it": (request("GET /x\ry HTTP/1.1", "Host: a"), 400),
    "a bare LF in it": (request("GET /x\ny HTTP/1.1", "Host: a"), 400),
    "NUL in it": (request("GET /x\0y HTTP/1.1", "Host: a"), 400),
    "a control byte in it": (request("GET /x\x01y HTTP/1.1", "Host: a"), 400),
    "DEL in it": (request("GET /x\x7f HTTP/1.1", "Host: a"), 400),
    "a no-break space in it": (request("GET /x\xa0HTTP/1.1 HTTP/1.1", "Host: a"), 400),
    "nothing": (request("GET HTTP/1.1", "Host: a"), 400, 505),
    "no slash": (request("GET x HTTP/1.1", "Host: a"), 400),
    "an asterisk for GET": (request("GET * HTTP/1.1", "Host: a"), 400),
    "an asterisk and more": (request("OPTIONS *x HTTP/1.1", "Host: a"), 400),
    "a query alone": (request("GET ?x HTTP/1.1", "Host: a"), 400),
    "no authority": (request("GET http:///x HTTP/1.1", "Host: a"), 400),
    "another scheme": (request("GET ftp://a/x HTTP/1.1", "Host: a"), 400),
    "a user": (request("GET http://u@a/x HTTP/1.1", "Host: a"), 400),
    "a port that is none": (request("GET http://a:b/x HTTP/1.1", "Host: a"), 400),
    "an authority for GET": (request("GET a:80 HTTP/1.1", "Host: a"), 400),
    "CONNECT": (request("CONNECT a:443 HTTP/1.1", "Host: a:443"), 400, 405, 501),
    "a space before the method": (request(" GET /x HTTP/1.1", "Host: a"), 400),
    "a control byte in the method": (request("GE\x01T /x HTTP/1.1", "Host: a"), 400),
    "a separator in the method": (request("G(T /x HTTP/1.1", "Host: a"), 400),
    "obs-text in the method": (request("G\xcbT /x HTTP/1.1", "Host: a"), 400),
}

VERSIONS = {
    "HTTP/0.9": (request("GET /x HTTP/0.9", "Host: a"), 400, 505),
    "none": (request("GET /x", "Host: a"), 400, 505),
    "none, as HTTP/0.9 has it": (b"GET /x\r\n", 400, 505),
    "HTTP/2.0": (request("GET /x HTTP/2.0", "Host: a"), 505),
    "HTTP/3.0": (request("GET /x HTTP/3.0", "Host: a"), 505),
    "HTTP/1.10": (request("GET /x HTTP/1.10", "Host: a"), 400, 505),
    "HTTP/01.1": (request("GET /x HTTP/01.1", "Host: a"), 400, 505),
    "HTTP/1": (request("GET /x HTTP/1", "Host: a"), 400, 505),
    "HTTP/1,1": (request("GET /x HTTP/1,1", "Host: a"), 400, 505),
    "HTTP/1.1x": (request("GET /x HTTP/1.1x", "Host: a"), 400, 505),
    "a space behind it": (request("GET /x HTTP/1.1 ", "Host: a"), 400, 505),
    "http/1.1": (request("GET /x http/1.1", "Host: a"), 400, 505),
    "HTTPS/1.1": (request("GET /x HTTPS/1.1", "Host: a"), 400, 505),
    "twice": (request("GET /x HTTP/1.1 HTTP/1.1", "Host: a"), 400, 505),
}

HOSTS = {
    "none": (request("GET /x HTTP/1.1", "X: 1"), 400),
    "two": (get("Host: b"), 400),
    "two equal ones": (get("Host: a"), 400),
    "two, the target absolute": (request("GET http://a/x HTTP/1.1", "Host: a", "Host: b"), 400),
    "none, the target absolute": (request("GET http://a/x HTTP/1.1", "X: 1"), 400),
    "two in HTTP/1.0": (request("GET /x HTTP/1.0", "Host: a", "Host: b"), 400),
    "a list": (request("GET /x HTTP/1.1", "Host: a, b"), 400),
    "a space in it": (request("GET /x HTTP/1.1", "Host: a b"), 400),
    "a path": (request("GET /x HTTP/1.1", "Host: a/b"), 400),
    "a query": (request("GET /x HTTP/1.1", "Host: a?b"), 400),
    "a fragment": (request("GET /x HTTP/1.1", "Host: a#b"), 400),
    "a user": (request("GET /x HTTP/1.1", "Host: u@a"), 400),
    "a backslash": (request("GET /x HTTP/1.1", "Host: a\\b"), 400),
    "a scheme": (request("GET /x HTTP/1.1", "Host: http://a"), 400),
    "a port that is none": (request("GET /x HTTP/1.1", "Host: a:b"), 400),
    "a signed port": (request("GET /x HTTP/1.1", "Host: a:+80"), 400),
    "a port too large": (request("GET /x HTTP/1.1", "Host: a:65536"), 400),
    "two ports": (request("GET /x HTTP/1.1", "Host: a:80:80"), 400),
    "half a bracket": (request("GET /x HTTP/1.1", "Host: [::1"), 400),
    "text behind a bracket": (request("GET /x HTTP/1.1", "Host: [::1]a"), 400),
    "a control byte": (request("GET /x HTTP/1.1", "Host: a\x01"), 400),
    "obs-text": (request("GET /x HTTP/1.1", "Host: \xe9"), 400),
}

REFUSED = {
    f"{table}: {name}": case
    for table, cases in (
        ("framing", FRAMING),
        ("line", LINES),
        ("target", TARGETS),
        ("version", VERSIONS),
        ("host", HOSTS),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_plugin_and_backend(gate, name):
    data, *statuses = REFUSED[name]
    answer = gate.refuse(data, *statuses)
    assert answer.get("proxy-status"), "the answer doesn't say why"
    assert not answer.all(MARK)


def test_what_is_refused_hides_nothing_behind_good_requests(gate):
    """On one connection: two requests, a bad one, another one. The first two are answered, the last is never taken."""
    for name in ("framing: length, then chunked", "line: NUL in a value", "host: two", "version: HTTP/3.0"):
        bad, *statuses = REFUSED[name]
        seen = len(gate.backend.received)
        got = converse(gate.proxy.address, get() + chunked() + bad + BEHIND)
        assert got.statuses[:2] == [200, 200], name
        assert got.statuses[2] in statuses, name
        assert len(got.statuses) == 3 and got.closed, name
        assert [r.method for r in gate.backend.received[seen:]] == ["GET", "POST"], name


# Good requests that a strict parser might get wrong, and what the backend must find: (raw, check).
FORWARDED = {
    "length 0": (post("Content-Length: 0"), lambda r: r.body == b"" and r.get("content-length") == "0"),
    "a length in space": (post("Content-Length: \t 5 \t ", body=b"hello"), lambda r: r.get("content-length") == "5" and r.body == b"hello"),
    "a length without a space": (post("Content-Length:5", body=b"hello"), lambda r: r.body == b"hello"),
    "CHUNKED": (coding("CHUNKED"), lambda r: r.body == b"hello" and r.chunked),
    "a coding in space": (coding("\t chunked \t"), lambda r: r.body == b"hello" and r.chunked),
    "a body for GET": (request("GET /x HTTP/1.1", "Host: a", "Content-Length: 5", body=b"hello"), lambda r: r.body == b"hello"),
    "chunks for GET": (request("GET /x HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"), lambda r: r.body == b"hello"),
    "a request as body": (post(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED), lambda r: r.body == SMUGGLED),
    "a request as chunk": (chunked(body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)), lambda r: r.body == SMUGGLED),
    "an empty line before it": (b"\r\n" + get(), lambda r: r.target == "/x"),
    "an empty value": (get("X:"), lambda r: r.get("x") == ""),
    "a tab in a value": (get("X: a\tb"), lambda r: r.get("x") == "a\tb"),
    "obs-text in a value": (get("X: \xff\x80"), lambda r: r.get("x") == "\xff\x80"),
    "every tchar in a name": (get("!#$%&'*+-.^_`|~0Az: 1"), lambda r: r.get("!#$%&'*+-.^_`|~0Az") == "1"),
    "an absolute target": (request("GET http://real.test/x?y HTTP/1.1", "Host: decoy.test"), lambda r: (r.target, r.get("host")) == ("/x?y", "real.test")),
    "an absolute target with a port": (request("GET http://real.test:81/x HTTP/1.1", "Host: decoy.test"), lambda r: (r.target, r.get("host")) == ("/x", "real.test:81")),
    "an absolute target without a path": (request("GET HTTP://real.test HTTP/1.1", "Host: decoy.test"), lambda r: (r.target, r.get("host")) == ("/", "real.test")),
    "an absolute target with a query alone": (request("GET http://real.test?q HTTP/1.1", "Host: decoy.test"), lambda r: (r.target, r.get("host")) == ("/?q", "real.test")),
    "HTTP/1.0 without a host": (request("GET /x HTTP/1.0", "Connection: keep-alive"), lambda r: len(r.all("host")) == 1),
    "HTTP/1.2": (request("GET /x HTTP/1.2", "Host: a"), lambda r: r.start == "GET /x HTTP/1.1"),
    "an IPv6 host": (request("GET /x HTTP/1.1", "Host: [::1]:80"), lambda r: r.get("host") == "[::1]:80"),
    "chunk sizes in any case": (chunked(body=b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), lambda r: r.body == b"0123456789" * 2),
    "chunk sizes with zeros": (chunked(body=b"0005\r\nhello\r\n000\r\n\r\n"), lambda r: r.body == b"hello"),
    "a chunk extension": (chunked(body=b"5;a=b;c\r\nhello\r\n0;d\r\n\r\n"), lambda r: r.body == b"hello"),
    "a quoted chunk extension": (chunked(body=b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n'), lambda r: r.body == b"hello"),
    "a trailer": (chunked("Trailer: x-sum", body=b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), lambda r: r.body == b"hello"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARDED)
def test_what_is_good_is_forwarded(gate, name):
    data, fits = FORWARDED[name]
    received = gate.forward(data)
    assert fits(received), received


# RFC 9112 leaves these to the recipient: refused, or forwarded so that no one can doubt it.
LEFT_OPEN = {
    "equal lengths": post("Content-Length: 5", "Content-Length: 5", body=b"hello"),
    "a list of equal lengths": length("5, 5"),
    "a length with zeros": length("0005"),
    "a coding in a list with empty elements": coding(", chunked ,"),
    "a coding and an empty one": chunked("Transfer-Encoding:"),
    "an underscore in the coding's name": get("Transfer_Encoding: chunked"),
    "an underscore in the length's name": get("Content_Length: 100"),
    "raw bytes in the target": request("GET /\x80\xff HTTP/1.1", "Host: a"),
    "raw bytes in the query": request("GET /x?\xc3\xbc HTTP/1.1", "Host: a"),
    "a host that is empty": request("GET /x HTTP/1.1", "Host:"),
    "a port that is empty": request("GET /x HTTP/1.1", "Host: a:"),
    "two empty lines before it": b"\r\n\r\n" + get(),
    "an empty line of LF before it": b"\n" + get(),
    "a space behind the chunk size": chunked(body=b"5 \r\nhello\r\n0\r\n\r\n"),
    "a space before a chunk extension": chunked(body=b"5 ;a\r\nhello\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("name", LEFT_OPEN)
def test_what_is_left_open_is_refused_or_made_plain(gate, name):
    data = LEFT_OPEN[name]
    _, received = gate.judge(data)
    if received:
        assert received.body in (b"hello", b""), received
        if "raw bytes" in name:
            assert received.target.encode("latin-1") == data.split(b" ")[1]


# The head is well and went on; what follows isn't chunks.
BROKEN_CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size of a letter": b"g\r\nhello\r\n0\r\n\r\n",
    "a size of 0x5": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size of +5": b"+5\r\nhello\r\n0\r\n\r\n",
    "a size of -1": b"-1\r\nhello\r\n0\r\n\r\n",
    "a size of '5 5'": b"5 5\r\nhello\r\n0\r\n\r\n",
    "a space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "a size of 2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a size of 17 digits": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "the size's line ends in LF": b"5\nhello\r\n0\r\n\r\n",
    "the size's line ends in CR": b"5\rhello\r\n0\r\n\r\n",
    "the data ends in LF": b"5\r\nhello\n0\r\n\r\n",
    "the data ends in CR": b"5\r\nhello\r0\r\n\r\n",
    "more data than the size says": b"5\r\nhello!\r\n0\r\n\r\n",
    "less data than the size says": b"6\r\nhello\r\n0\r\n\r\n",
    "an extension with LF": b"5;a\nhello\r\n0\r\n\r\n",
    "an extension with CR": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "an extension with NUL": b"5;a\0\r\nhello\r\n0\r\n\r\n",
    "a last chunk that ends in LF": b"5\r\nhello\r\n0\n\r\n",
    "an end of LF": b"5\r\nhello\r\n0\r\n\n",
    "a trailer without a colon": b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
    "a trailer with a space in its name": b"5\r\nhello\r\n0\r\nX Y: 1\r\n\r\n",
    "a trailer with NUL": b"5\r\nhello\r\n0\r\nX: \0\r\n\r\n",
    "a trailer that ends in LF": b"5\r\nhello\r\n0\r\nX: 1\n\r\n",
    "a folded trailer": b"5\r\nhello\r\n0\r\nX: 1\r\n 2\r\n\r\n",
    "an extension without end": b"5;" + b"a" * 200_000 + b"\r\nhello\r\n0\r\n\r\n",
    "trailers without end": b"5\r\nhello\r\n0\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
def test_broken_chunks_never_make_a_whole_request(gate, name):
    gate.spoil(chunked(body=BROKEN_CHUNKS[name]), 400, 413, 431)


@pytest.mark.parametrize(
    "name", ["Content-Length: 30", "Transfer-Encoding: chunked", "Host: evil", "Connection: x", "Content-Length: x"]
)
def test_a_trailer_frames_and_routes_nothing(gate, name):
    """RFC 9110, section 6.5.1. Refused, or dropped on the way."""
    data = chunked(body=b"5\r\nhello\r\n0\r\n%b\r\n\r\n" % name.encode())
    if converse(gate.proxy.address, data + BEHIND).statuses == [200, 200]:
        assert gate.forward(data).trailers == []
    else:
        gate.spoil(data, 400)


def test_pipelined_requests_keep_their_order(gate):
    """The first is held at the backend longest; each answer says which request it answers."""
    gate.backend.respond = lambda r: b"HTTP/1.1 200 OK\r\nx-for: %b\r\ncontent-length: 0\r\n\r\n" % r.target.encode()
    try:
        data = b"".join(
            request(f"POST /{number} HTTP/1.1", "Host: a", "Content-Length: 5", body=b"hello")
            if number % 2
            else request(f"GET /{number} HTTP/1.1", "Host: a")
            for number in range(20)
        )
        seen = len(gate.backend.received)
        got = converse(gate.proxy.address, data + BEHIND)
    finally:
        gate.backend.respond = lambda r: OK
    wanted = [f"/{number}" for number in range(20)] + ["/behind"]
    assert [response.get("x-for") for response in got.responses] == wanted
    assert [r.target for r in gate.backend.received[seen:]] == wanted


# Responses of the backend that two readers could read in two ways, or nobody at all.
BAD_RESPONSES = {
    "length and longer chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "length and shorter chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nhello",
    "a length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    "an empty length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
    "a length of 2^64 + 5": b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nhello",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 5\r\n\r\nhello",
    "NUL in a name": b"HTTP/1.1 200 OK\r\nX\0: a\r\nContent-Length: 5\r\n\r\nhello",
    "a bare CR in a value": b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil\r\nContent-Length: 5\r\n\r\nhello",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 5\r\n\r\nhello",
    "a head too large": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 3_000_000 + b"\r\nContent-Length: 5\r\n\r\nhello",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 500_000,
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
    "a status of 099": b"HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\nhello",
    "another version": b"HTTP/3.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello",
}  # fmt: skip


@pytest.fixture(scope="module")
def healing(tmp_path_factory):
    """A gate whose backend answers what the test says."""
    gate = Gate(tmp_path_factory.mktemp("healing"), add_header())
    yield gate
    gate.stop()


GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("name", BAD_RESPONSES)
def test_a_bad_response_becomes_502(healing, name):
    """And nothing of it is taken for the answer to the next request."""
    responses = [BAD_RESPONSES[name]]
    healing.backend.respond = lambda r: responses.pop() if responses else OK
    got = converse(healing.proxy.address, GET + BEHIND)
    assert got.statuses and got.statuses[0] == 502, got
    assert "error=" in got.responses[0].get("proxy-status")
    assert b"hello" not in got.responses[0].body
    assert got.closed and got.statuses[1:] in ([], [200])
    for response in got.responses[1:]:
        assert response.body == b"ok"


# What a proxy mends in a response (RFC 9112, sections 5.1 and 5.2), so that nobody behind it reads it otherwise.
MENDED = {
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
    "a fold": b"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 2\r\nContent-Length: 5\r\n\r\nhello",
}  # fmt: skip


@pytest.mark.parametrize("name", MENDED)
def test_a_response_is_mended(healing, name):
    responses = [MENDED[name]]
    healing.backend.respond = lambda r: responses.pop() if responses else OK
    got = converse(healing.proxy.address, GET + BEHIND)
    assert got.statuses == [200, 200] and not got.rest, got
    assert got.responses[0].all("content-length") == ["5"]
    assert got.responses[0].get("x") in (None, "a Content-Length: 2")
    assert [response.body for response in got.responses] == [b"hello", b"ok"]


BAD_ENDS = {
    "no chunk size": b"5\r\nhello\r\n\r\n",
    "a chunk size of a letter": b"5\r\nhello\r\ng\r\n",
    "a chunk size that overflows": b"5\r\nhello\r\n10000000000000002\r\nhi\r\n0\r\n\r\n",
    "more data than the size says": b"5\r\nhello!!\r\n0\r\n\r\n",
    "the size's line ends in LF": b"5\r\nhello\r\n2\nhi\r\n0\r\n\r\n",
    "an end of LF": b"5\r\nhello\r\n0\r\n\n",
    "a trailer without a colon": b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_ENDS)
def test_a_response_that_goes_bad_is_cut(healing, name):
    """The head may have gone out. The body never looks complete, and the connection ends."""
    # A parser may wait for more behind a lone LF; it may not take the backend's close for the end.
    end = b"connection: close\r\n" if name == "an end of LF" else b""
    responses = [b"HTTP/1.1 200 OK\r\n" + end + b"Transfer-Encoding: chunked\r\n\r\n" + BAD_ENDS[name]]
    healing.backend.respond = lambda r: responses.pop() if responses else OK
    got = converse(healing.proxy.address, GET)
    assert got.closed, got.rest
    assert got.statuses in ([], [502]), got.responses
    assert converse(healing.proxy.address, BEHIND).responses[0].body == b"ok"


# What follows a response that has no body, or has ended, is no answer to anybody.
EXTRA = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
WITH_EXTRA = {
    "204 with a body": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n" + EXTRA, 204),
    "204 with a length": ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil" + EXTRA, 204),
    "204 with chunks": ("GET", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n" + EXTRA, 204),
    "304 with a body": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil" + EXTRA, 304),
    "HEAD with a body": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" + EXTRA, 200),
    "a second response": ("GET", OK + EXTRA, 200),
    "103 with a body": ("GET", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\n" + OK + EXTRA, 200),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_EXTRA)
def test_what_nobody_asked_for_is_given_to_nobody(healing, name):
    """Response-queue poisoning: neither this client nor the next gets it."""
    method, response, status = WITH_EXTRA[name]
    responses = [response]
    healing.backend.respond = lambda r: responses.pop() if responses else OK
    got = converse(healing.proxy.address, request(f"{method} /x HTTP/1.1", "Host: a") + BEHIND, [method])
    assert got.statuses[0] in (status, 502), got
    assert got.statuses[1:] in ([200], []), got
    if status == 204:
        assert not got.responses[0].all("content-length") and not got.responses[0].all("transfer-encoding")
    assert not any(b"evil" in response.body for response in got.responses), got
    for _ in range(3):
        assert converse(healing.proxy.address, BEHIND).responses[0].body == b"ok"


def test_a_chunked_answer_with_a_length_behind_a_plugin_is_framed_once(healing):
    """What a client gets has one framing, whatever the backend's was."""
    for head in (b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"Content-Length: 2\r\n\r\nok"):
        healing.backend.respond = lambda r, head=head: b"HTTP/1.1 200 OK\r\n" + head
        got = converse(healing.proxy.address, GET + BEHIND)
        assert got.statuses == [200, 200]
        for response in got.responses:
            assert len(response.all("content-length")) + len(response.all("transfer-encoding")) == 1
            assert response.body == b"ok"
