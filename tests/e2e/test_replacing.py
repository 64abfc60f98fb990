"""A plugin is replaced while clients work: every call is answered by the old build or by the new one, none fails.

The builds differ in what they do: plugins/add-header sets `x-tollgate: hello` unless told otherwise, and each build
here has another five letters in its place, so a response says which build made it.
"""

import http.client
import os
import random
import threading
import time
import urllib.parse

import pytest
from conftest import MARK, MARK_VALUE, PROBE, add_header, client, cors
from harness.servers import built
from harness.waiting import until

FIELD = "x-tollgate"


def build(serial):
    """A valid build of its own: another value in the data section, and a custom section with the serial number."""
    original = built("add-header").read_bytes()
    assert original.count(b"hello") == 1, "plugins/add-header should hold its default value once"
    return original.replace(b"hello", word(serial)) + custom_section(b"serial", b"%d" % serial)


def word(serial):
    return b"v%04d" % serial


def custom_section(name, content):
    """A section that WebAssembly ignores (core specification, section 5.5.3)."""
    payload = bytes([len(name)]) + name + content
    assert len(payload) < 128
    return bytes([0, len(payload)]) + payload


def write_in_place(path, data):
    path.write_bytes(data)


def write_slowly(path, data):
    """As a slow copy does it: for a while the file is there and incomplete."""
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(data), len(data) // 4):
            file.write(data[start : start + len(data) // 4])
            time.sleep(0.02)


def rename_over(path, data):
    new = path.with_suffix(".tmp")
    new.write_bytes(data)
    os.replace(new, path)


def delete_and_create(path, data):
    path.unlink()
    path.write_bytes(data)


WAYS = [write_in_place, rename_over, delete_and_create, write_slowly]


def served_by(proxy):
    """Which build answers now: the value of its field, or None if no build runs."""
    parts = urllib.parse.urlsplit(proxy.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", PROBE)
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 200
    return response.headers.get(FIELD)


class Worker(threading.Thread):
    """Calls without pause until told to stop; keeps its first error and the builds that answered."""

    def __init__(self, call, stop):
        super().__init__(daemon=True)
        self._call, self._stop_event = call, stop
        self.calls, self.error, self.builds = 0, None, set()

    def run(self):
        while not self._stop_event.is_set():
            try:
                self.builds.add(self._call())
                self.calls += 1
            except Exception as error:  # reported in the test's thread
                self.error = error
                return


def workers_of(proxy, stop):
    """Four clients: S3, DynamoDB, SQS and a plain connection that is kept."""
    s3, dynamodb, sqs = (client(name, proxy.url) for name in ("s3", "dynamodb", "sqs"))
    s3.create_bucket(Bucket="replaced")
    dynamodb.create_table(
        TableName="replaced",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    queue = sqs.create_queue(QueueName="replaced")["QueueUrl"]
    plain = http.client.HTTPConnection(urllib.parse.urlsplit(proxy.url).netloc, timeout=30)

    def answered_by(response):
        return response["ResponseMetadata"]["HTTPHeaders"].get(FIELD)

    def objects():
        body = random.randbytes(20_000)
        s3.put_object(Bucket="replaced", Key="k", Body=body)
        got = s3.get_object(Bucket="replaced", Key="k")
        assert got["Body"].read() == body
        return answered_by(got)

    def items():
        dynamodb.put_item(TableName="replaced", Item={"k": {"S": "a"}, "v": {"S": "b"}})
        got = dynamodb.get_item(TableName="replaced", Key={"k": {"S": "a"}})
        assert got["Item"]["v"] == {"S": "b"}
        return answered_by(got)

    def messages():
        sqs.send_message(QueueUrl=queue, MessageBody="m")
        got = sqs.receive_message(QueueUrl=queue)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=got["Messages"][0]["ReceiptHandle"])
        return answered_by(got)

    def bytes_():
        plain.request("GET", PROBE)
        response = plain.getresponse()
        response.read()
        assert response.status == 200
        assert response.headers[MARK] == MARK_VALUE
        return response.headers.get(FIELD)

    return [Worker(call, stop) for call in (objects, items, messages, bytes_)]


@pytest.mark.timeout(240)
def test_50_replacements_fail_no_call(tollgate, moto, tmp_path):
    proxy = tollgate(moto.url, {**add_header(), **cors()}, config='[plugin."replaced"]\norder = 100\nrequired = false\n')
    path = proxy.plugins / "replaced.wasm"
    rename_over(path, build(0))
    until(lambda: served_by(proxy) == word(0).decode(), "build 0 serves")
    stop = threading.Event()
    workers = workers_of(proxy, stop)
    for worker in workers:
        worker.start()
    try:
        for serial in range(1, 51):
            way = WAYS[serial % len(WAYS)]
            way(path, build(serial))
            expected = word(serial).decode()
            until(
                lambda: served_by(proxy) == expected or any(worker.error for worker in workers),
                f"build {serial} serves ({way.__name__})",
            )
            broken = [worker.error for worker in workers if worker.error]
            assert not broken, f"replacement {serial} ({way.__name__}) failed a call: {broken[0]!r}"
    finally:
        stop.set()
        for worker in workers:
            worker.join(30)
    assert all(worker.calls >= 50 for worker in workers), [worker.calls for worker in workers]
    assert not any(worker.error for worker in workers)
    # Only a delete takes a plugin out of the chain for a moment; else a response always names some build.
    seen = set().union(*(worker.builds for worker in workers)) - {None}
    assert len(seen) > 25, f"the clients met only {len(seen)} builds"


@pytest.mark.parametrize("way", [write_in_place, rename_over, write_slowly])
def test_no_response_lacks_the_plugin_while_it_is_replaced(tollgate, moto, way):
    proxy = tollgate(moto.url, add_header())
    path = proxy.plugins / "replaced.wasm"
    rename_over(path, build(0))
    until(lambda: served_by(proxy), "build 0 serves")
    stop = threading.Event()
    worker = Worker(lambda: served_by(proxy), stop)
    worker.start()
    for serial in range(1, 6):
        way(path, build(serial))
        expected = word(serial).decode()
        until(lambda: served_by(proxy) == expected, f"build {serial} serves")
    stop.set()
    worker.join(30)
    assert worker.error is None
    assert None not in worker.builds


def test_a_running_exchange_keeps_its_plugin(tollgate, origin, connect):
    """A response whose request went out under the old build is finished by it."""
    go_on = threading.Event()

    def serve(peer):
        while True:
            request = peer.request()
            if request.target == "/slow":
                assert go_on.wait(30)
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    proxy = tollgate(origin(serve).url, add_header())
    path = proxy.plugins / "replaced.wasm"
    rename_over(path, build(1))
    probe = connect(proxy)

    def now():
        return probe.request("GET", "/").get(FIELD)

    until(lambda: now() == word(1).decode(), "build 1 serves")
    slow = connect(proxy)
    slow.send(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
    rename_over(path, build(2))
    until(lambda: now() == word(2).decode(), "build 2 serves")
    go_on.set()
    assert slow.response().get(FIELD) == word(1).decode()


BROKEN = {
    "truncated": lambda good: good[: len(good) // 2],
    "cut by one byte": lambda good: good[:-1],
    "random bytes": lambda good: random.Random(1).randbytes(len(good)),
    "empty": lambda good: b"",
    "magic only": lambda good: good[:8],
    "one byte changed in the code": lambda good: damaged(good),
    "an ELF file": lambda good: b"\x7fELF" + bytes(1000),
    "text": lambda good: b"(module)",
}


def damaged(good):
    """Reserved opcodes in the middle of the largest section, the code: no validator lets them pass."""
    at, largest = 8, (0, 0)
    while at < len(good):
        size, shift, start = 0, 0, at + 1
        while True:
            byte = good[start]
            size |= (byte & 0x7F) << shift
            shift, start = shift + 7, start + 1
            if byte < 0x80:
                break
        if good[at] == 10:
            largest = (start, size)
        at = start + size
    start, size = largest
    middle = start + size // 2
    return good[:middle] + b"\xff" * 16 + good[middle + 16 :]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_over_a_good_one_changes_nothing(tollgate, moto, name):
    proxy = tollgate(moto.url, add_header())
    path = proxy.plugins / "replaced.wasm"
    rename_over(path, build(1))
    good = word(1).decode()
    until(lambda: served_by(proxy) == good, "the good build serves")
    lines = len(proxy.log().splitlines())
    rename_over(path, BROKEN[name](build(2)))

    def complained():
        assert served_by(proxy) == good
        return [
            line
            for line in proxy.log().splitlines()[lines:]
            if "replaced" in line and ("ERROR" in line or "WARN" in line)
        ]

    until(complained, "the log says that replaced.wasm was refused")
    assert served_by(proxy) == good
    rename_over(path, build(3))
    until(lambda: served_by(proxy) == word(3).decode(), "the next good build serves")


def test_a_deleted_plugin_leaves_the_chain(tollgate, moto):
    proxy = tollgate(moto.url, add_header())
    path = proxy.plugins / "replaced.wasm"
    rename_over(path, build(1))
    until(lambda: served_by(proxy), "the plugin serves")
    path.unlink()
    until(lambda: served_by(proxy) is None, "the plugin is gone")
