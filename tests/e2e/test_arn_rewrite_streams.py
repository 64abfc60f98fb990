"""The plugin arn-rewrite with bodies that flow: nothing that can go on is held back, and nothing is too long."""

import base64
import gzip
import json
import os
import struct
import threading
import zlib
from pathlib import Path

import pytest
from botocore.eventstream import EventStreamBuffer
from conftest import add_header, client
from harness.message import read_head

BACKEND = "123456789012"
SHOWN = "000000000000"
CALL = (
    "POST / HTTP/1.1\r\nhost: a\r\nx-amz-target: X.Y\r\ncontent-type: application/x-amz-json-1.1\r\n"
    "content-length: 2\r\n\r\n{}"
).encode()


def rewriting(tollgate, backend):
    settings = {"account": {"client": SHOWN, "backend": BACKEND}}
    return tollgate(backend, {**add_header(), "arn-rewrite": settings})


def halves(data):
    """Two chunks, so that a name in the middle lies in both."""
    cut = len(data) // 2
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (data[:cut], data[cut:]))


def frame(headers, payload):
    """A message of AWS's event streams, as its specification has it."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


ARN = f"arn:aws:iam::{BACKEND}:role/r"
EVENT = {":message-type": "event", ":event-type": "e", ":content-type": "application/json"}
# What a service sends step by step, in which each step is complete.
STREAMS = {
    "application/x-ndjson": [json.dumps({"Arn": ARN, "n": n}).encode() + b"\n" for n in range(5)],
    "application/json": [b'{"List":[', *[json.dumps({"Arn": ARN}).encode() + b"," for _ in range(5)], b"1]}"],
    "text/xml": [b"<R>", *[f"<Arn>{ARN}</Arn>".encode() for _ in range(5)], b"</R>"],
    "text/plain": [f"a line of {ARN} \n".encode() for _ in range(5)],
    "text/event-stream": [f"data: {json.dumps({'Arn': ARN})}\n\n".encode() for _ in range(5)],
    "application/vnd.amazon.eventstream": [frame(EVENT, json.dumps({"Arn": ARN}).encode()) for _ in range(5)],
}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("media_type", STREAMS)
def test_each_step_arrives_before_the_next_is_sent(tollgate, connect, origin, media_type, coding):
    steps = STREAMS[media_type]
    seen = threading.Semaphore(0)
    packer = zlib.compressobj(wbits=31)

    def pack(data):
        return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH) if coding == "gzip" else data

    def serve(peer):
        peer.request()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-encoding: {coding}\r\nx-amz-crc32: 1\r\n"
        peer.send(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
        for step in steps:
            peer.send(halves(pack(step)))
            assert seen.acquire(timeout=10), "the reader never saw what was sent: it is held back on the way"
        end = packer.flush() if coding == "gzip" else b""
        peer.send((b"%x\r\n%s\r\n" % (len(end), end) if end else b"") + b"0\r\n\r\n")

    reader = connect(rewriting(tollgate, origin(serve).url))
    reader.send(CALL)
    head = reader.head()
    assert (head.status, head.get("x-amz-crc32")) == (200, None)
    unpacker = zlib.decompressobj(wbits=31)
    messages = EventStreamBuffer()
    for step in steps:
        wanted = step.replace(BACKEND.encode(), SHOWN.encode())
        got = b""
        while len(got) < len(step):
            piece = reader.reader.chunk()
            got += unpacker.decompress(piece) if coding == "gzip" else piece
        if media_type.startswith("application/vnd"):
            # botocore checks lengths and checksums.
            messages.add_data(got)
            assert json.loads(next(messages).payload) == {"Arn": ARN.replace(BACKEND, SHOWN)}
        else:
            assert got == wanted
        seen.release()
    while reader.reader.chunk():
        pass


class Noted:
    """A backend that notes the head of a call, and the beginning and the end of its body."""

    def __init__(self):
        self.length = 0
        self.begin = self.end = b""

    def serve(self, peer):
        self.head = read_head(peer.reader)
        if self.head.get("expect"):
            peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        while piece := peer.reader.chunk():
            self.length += len(piece)
            self.begin = (self.begin + piece)[:300]
            self.end = (self.end + piece)[-300:]
        body = b'{"FunctionArn":"arn:aws:lambda:us-east-1:%s:function:f"}' % BACKEND.encode()
        peer.send(b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def most_memory(process):
    """The most that it ever had, in bytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def test_a_function_of_50_mb_passes_with_the_defaults(tollgate, origin):
    """That is AWS's own limit; in base64 it is 70 MB, and the plugin holds none of it."""
    noted = Noted()
    proxy = rewriting(tollgate, origin(noted.serve).url)
    at_first = most_memory(proxy.process)
    code = os.urandom(1_000_000) * 50
    made = client("lambda", proxy.url).create_function(
        FunctionName="f", Runtime="python3.12", Role=f"arn:aws:iam::{SHOWN}:role/r", Handler="m.h", Code={"ZipFile": code}
    )
    assert made["FunctionArn"] == f"arn:aws:lambda:us-east-1:{SHOWN}:function:f"
    body = noted.begin + noted.end
    assert f'"arn:aws:iam::{BACKEND}:role/r"'.encode() in body and SHOWN.encode() not in body
    # Both accounts are as long.
    assert noted.length > len(base64.b64encode(code))
    assert noted.head.get("content-length") is None
    grown = most_memory(proxy.process) - at_first
    assert grown < 40 << 20, f"the proxy grew by {grown >> 20} MiB"


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_a_request_of_unknown_length_is_swapped(tollgate, connect, origin, coding):
    seen = []

    def serve(peer):
        seen.append(peer.request())
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    proxy = rewriting(tollgate, origin(serve).url)
    body = json.dumps({"RoleArn": ARN.replace(BACKEND, SHOWN)}).encode()
    head = CALL.split(b"content-length")[0] + f"content-encoding: {coding}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    packed = gzip.compress(body) if coding == "gzip" else body
    asking = connect(proxy)
    asking.send(head + halves(packed) + b"0\r\n\r\n")
    assert asking.response().status == 200
    (request,) = seen
    got = gzip.decompress(request.body) if coding == "gzip" else request.body
    assert json.loads(got) == {"RoleArn": ARN}
    assert request.get("content-encoding") == coding
