"""The plugin redact: secrets in JSON and in event streams, both ways, across chunks and under content codings."""

import gzip
import json
import subprocess
import threading
import zlib
from pathlib import Path

import pytest
from conftest import MARK, MARK_VALUE, add_header
from harness.origin import answer
from harness.servers import TOLLGATE, built
from harness.waiting import until

ROOT = Path(__file__).parents[2]
SECRETS = {
    "mail": "jane.doe@example.com",
    "id": "AKIAIOSFODNN7EXAMPLE",
    "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "card": "4111 1111 1111 1111",
    "authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.Zm9vYmFyYmF6",
    "pem": "-----BEGIN PRIVATE KEY-----\n" + ("MIGHAgEAMBMGByqGSM49AgEGCCqGSM49" * 2 + "\n") * 20 + "-----END PRIVATE KEY-----\n",
}
CLEAN = {name: "[redacted]" for name in SECRETS} | {"authorization": "Bearer [redacted]", "pem": "[redacted]\n"}
BODY = json.dumps(SECRETS).encode()


def chunks(data, size):
    """The data as chunks of this size, without the last chunk."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def redact(**settings):
    return {**add_header(), "redact": settings}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_json_in_both_directions(tollgate, connect, origin, coding, size):
    pack = gzip.compress if coding == "gzip" else bytes
    unpack = gzip.decompress if coding == "gzip" else bytes
    seen = []
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\netag: \"a\"\r\n"
    response = head.encode() + b"transfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n" + chunks(pack(BODY), size) + b"0\r\nx-end: 1\r\n\r\n"
    proxy = tollgate(origin(answer(response, seen)).url, redact())
    client = connect(proxy)
    client.send(
        f"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\n"
        "accept-encoding: gzip, compress\r\nrange: bytes=0-1\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        + chunks(pack(BODY), size)
        + b"0\r\n\r\n"
    )
    got = client.response()
    assert got.status == 200 and got.get(MARK) == MARK_VALUE
    assert json.loads(unpack(got.body)) == CLEAN
    assert (got.get("etag"), got.trailers) == ('W/"a"', [("x-end", "1")])
    (request,) = seen
    assert json.loads(unpack(request.body)) == CLEAN
    assert (request.get("accept-encoding"), request.get("range")) == ("gzip", None)
    until(lambda: proxy.log().count("aws-key: 2, bearer-token: 1, private-key: 1") == 2, "the log counts what was found")
    assert not any(secret in proxy.log() for secret in SECRETS.values())


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_each_event_arrives_before_the_next_is_sent(tollgate, connect, origin, coding):
    seen = threading.Semaphore(0)
    secrets = list(SECRETS.items())
    packer = zlib.compressobj(wbits=31)

    def pack(data):
        return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH) if coding == "gzip" else data

    def serve(peer):
        peer.request()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: {coding}\r\n"
        peer.send(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
        for number, (name, secret) in enumerate(secrets):
            event = f"id: {number}\ndata: {json.dumps({name: secret})}\n\n".encode()
            packed = pack(event)
            # A secret lies across two chunks.
            for piece in (packed[: len(packed) // 2], packed[len(packed) // 2 :]):
                peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            assert seen.acquire(timeout=10), "the reader never saw what was sent: it is held back on the way"
        end = packer.flush() if coding == "gzip" else b""
        peer.send((b"%x\r\n%s\r\n" % (len(end), end) if end else b"") + b"0\r\n\r\n")

    proxy = tollgate(origin(serve).url, redact())
    client = connect(proxy)
    client.send(b"GET /events HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n")
    assert client.head().get("content-encoding") == coding
    unpacker = zlib.decompressobj(wbits=31)
    for number, (name, _) in enumerate(secrets):
        wanted = f"id: {number}\ndata: {json.dumps({name: CLEAN[name]})}\n\n".encode()
        got = b""
        while len(got) < len(wanted):
            piece = client.reader.chunk()
            got += unpacker.decompress(piece) if coding == "gzip" else piece
        assert got == wanted
        seen.release()
    while client.reader.chunk():
        pass


def test_a_large_body_without_secrets_is_byte_identical(tollgate, connect, origin):
    text = ("plain text, " * 1000 + "\n").encode() * 400
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(text)
    proxy = tollgate(origin(answer(head + text)).url, redact())
    assert connect(proxy).request("GET", "/").body == text


def test_what_cannot_be_read_is_refused(tollgate, connect, origin):
    responses = {
        "/coded": b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: compress\r\ncontent-length: 1\r\n\r\nx",
        "/part": b"HTTP/1.1 206 Partial Content\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-0/9\r\ncontent-length: 1\r\n\r\nx",
        "/image": b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 6\r\n\r\na@b.de",
    }
    backend = origin(answer(lambda request: responses[request.target])).url
    proxy = tollgate(backend, redact())
    for target in ("/coded", "/part"):
        refused = connect(proxy).request("GET", target)
        assert refused.status == 502 and "redact" in refused.get("proxy-status")
    assert connect(proxy).request("GET", "/image").body == b"a@b.de"
    upload = ("content-type: text/plain", "content-encoding: compress")
    assert connect(proxy).request("PUT", "/image", *upload, body=b"x").status == 415
    proxy = tollgate(backend, redact(unreadable="pass"))
    for target in responses:
        assert connect(proxy).request("GET", target).status in (200, 206)
    assert "passed with all that is in it" in proxy.log()


def test_wrong_settings_are_told_at_once(tollgate, connect, origin):
    proxy = tollgate(origin(answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).url, redact(kinds=["phone"]))
    assert connect(proxy).request("GET", "/").status == 503
    assert 'setting kinds has "phone": expected some of aws-key' in proxy.log()


def test_a_plugin_exports_exactly_what_it_says():
    """The Rust SDK: what rewrites no body costs what it cost before."""

    def exports(name):
        told = subprocess.run([TOLLGATE, "check", built(name)], capture_output=True, text=True, check=True).stdout
        listed = told.split("exports", 1)[1].split()
        return {name.removeprefix("tollgate:proxy/").removesuffix("@0.1.0") for name in listed}

    both = {"interceptor", "lifecycle"}
    assert exports("add-header") == both
    assert exports("redact") == both | {"request-body", "response-body"}


def test_its_cases():
    cases = ROOT / "plugins/redact/tests"
    subprocess.run([TOLLGATE, "test", built("redact"), "--cases", cases], check=True)
