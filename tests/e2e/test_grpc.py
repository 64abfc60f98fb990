"""gRPC through the proxy: grpcio on both sides, add-header and cors between; all four kinds of calls."""

import queue
import struct
import threading

import grpc
import pytest
from conftest import MARK, MARK_VALUE, add_header, cors
from harness import grpc_service
from harness.peers import certificate, free_port
from harness.servers import Tollgate
from harness.waiting import until
from test_draining import refuses

pytestmark = pytest.mark.filterwarnings("ignore")
PATIENCE = 20
TLS = ("--tls", "self-signed")


@pytest.fixture(scope="module")
def server():
    started = grpc_service.Server()
    yield started
    started.stop()


@pytest.fixture
def service(server):
    """The service as of this test."""
    return server.renew()


def open_channel(proxy, **options):
    options = [*grpc_service.UNLIMITED, *options.items()]
    target = "{}:{}".format(*proxy.address)
    if not proxy.url.startswith("https:"):
        return grpc.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(root_certificates=certificate(proxy))
    return grpc.secure_channel(target, credentials, [*options, ("grpc.ssl_target_name_override", "localhost")])


@pytest.fixture(scope="module", params=[(), TLS], ids=["cleartext", "tls"])
def proxy(request, server, tmp_path_factory):
    started = Tollgate(
        server.url, tmp_path_factory.mktemp("grpc") / "tollgate", {**add_header(), **cors()}, arguments=request.param
    )
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def stub(proxy):
    with open_channel(proxy) as channel:
        yield grpc_service.Stub(channel)


def marked(call):
    """Whether the response came through add-header."""
    return (MARK, MARK_VALUE) in [*call.initial_metadata(), *call.trailing_metadata()]


def test_unary(stub, service):
    response, call = stub.echo.with_call(b"hello", timeout=PATIENCE)
    assert response == b"hello"
    assert call.code() == grpc.StatusCode.OK
    assert marked(call)
    assert service.metadata["user-agent"][0].startswith("grpc-python/")


def test_an_empty_message(stub, service):
    assert stub.echo(b"", timeout=PATIENCE) == b""


def test_client_streaming(stub, service):
    assert stub.count((b"x" * 1000 for _ in range(500)), timeout=PATIENCE) == b"500 500000"
    assert stub.count(iter([]), timeout=PATIENCE) == b"0 0"


def test_server_streaming(stub, service):
    call = stub.repeat(b"2000", timeout=PATIENCE)
    assert [int(message) for message in call] == list(range(2000))
    assert marked(call)
    assert list(stub.repeat(b"0", timeout=PATIENCE)) == []


def test_a_conversation(stub, service):
    """Each message is said only when the answer to the one before has come."""
    said = queue.Queue()
    answers = stub.converse(iter(said.get, None), timeout=PATIENCE)
    for number in range(100):
        said.put(b"%d" % number)
        assert next(answers) == b"re: %d" % number
    said.put(None)
    assert list(answers) == []
    assert answers.code() == grpc.StatusCode.OK
    assert marked(answers)


def test_large_messages(stub, service):
    message = bytes(range(256)) * (32 << 10)
    assert len(message) == 8 << 20
    assert stub.echo(message, timeout=60) == message


def test_compressed_messages(stub, service):
    message = b"compress me " * 10_000
    assert stub.echo(message, timeout=PATIENCE, compression=grpc.Compression.Gzip) == message
    assert service.metadata.get("grpc-encoding", ["gzip"]) == ["gzip"]


def test_metadata(stub, service):
    fields = [
        ("x-echo-text", "one"),
        ("x-echo-text", "two"),
        ("x-echo-empty", ""),
        ("x-echo-raw-bin", bytes(range(256))),
    ]
    _, call = stub.echo.with_call(b"", metadata=fields, timeout=PATIENCE)
    initial = [(name, value) for name, value in call.initial_metadata() if name.startswith("x-echo-")]
    trailing = [(name, value) for name, value in call.trailing_metadata() if name.startswith("x-last-")]
    assert sorted(initial) == sorted(fields)
    assert [value for name, value in initial if name == "x-echo-text"] == ["one", "two"]
    assert sorted((name.replace("x-last", "x-echo"), value) for name, value in trailing) == sorted(fields)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 7, 8, 13, 14, 16])
def test_an_error_without_any_message(stub, service, code):
    """The backend answers with trailers alone."""
    with pytest.raises(grpc.RpcError) as error:
        stub.fail(b"%d" % code, timeout=PATIENCE)
    assert error.value.code() == grpc_service.status(code)
    assert error.value.details() == "as asked: für dich ☺ 100 %"
    assert ("x-why-bin", b"\x00\xff") in error.value.trailing_metadata()
    assert marked(error.value)


def test_an_error_after_messages(stub, service):
    call = stub.repeat(b"3 9", timeout=PATIENCE)
    received = []
    with pytest.raises(grpc.RpcError) as error:
        for message in call:
            received.append(message)
    assert received == [b"0", b"1", b"2"]
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert error.value.details() == "as asked: für dich ☺ 100 %"


def test_a_method_that_is_missing(stub, service):
    with pytest.raises(grpc.RpcError) as error:
        stub.missing(b"", timeout=PATIENCE)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_deadline(stub, service):
    """The server is told of it, and its call ends with the client's."""
    call = stub.wait(b"", timeout=0.8)
    assert next(call) == b"first"
    assert 0 < service.time_remaining < 1
    with pytest.raises(grpc.RpcError) as error:
        next(call)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert service.cancelled.wait(PATIENCE)


def test_a_cancelled_call_is_cancelled_at_the_server(stub, service):
    call = stub.wait(b"", timeout=60)
    assert next(call) == b"first"
    assert not service.cancelled.is_set()
    call.cancel()
    assert service.cancelled.wait(PATIENCE), "the server never learnt of it"
    assert call.code() == grpc.StatusCode.CANCELLED


def test_a_thousand_calls_at_once(stub, service):
    calls = [stub.echo.future(b"%d" % number, timeout=60) for number in range(1000)]
    assert [int(call.result()) for call in calls] == list(range(1000))
    assert all(marked(call) for call in calls)


def test_calls_beside_a_slow_stream(stub, service):
    slow = stub.wait(b"", timeout=60)
    assert next(slow) == b"first"
    for number in range(100):
        assert stub.echo(b"%d" % number, timeout=PATIENCE) == b"%d" % number
    service.go_on.set()
    assert list(slow) == [b"last"]


# When the proxy itself must answer


def test_a_backend_that_is_down(tollgate):
    proxy = tollgate(f"h2c://127.0.0.1:{free_port()}", {**add_header(), **cors()})
    with open_channel(proxy) as channel:
        for _ in range(2):
            with pytest.raises(grpc.RpcError) as error:
                grpc_service.Stub(channel).echo(b"", timeout=PATIENCE)
            assert error.value.code() == grpc.StatusCode.UNAVAILABLE
            # grpcio makes UNAVAILABLE of a 502 too, and then says so.
            assert "http2 header with status" not in error.value.details()


def test_how_the_proxy_reports_an_error(tollgate, http2):
    """Trailers alone: 200 and END_STREAM with the first field section, as the gRPC protocol has it."""
    client = http2(tollgate(f"h2c://127.0.0.1:{free_port()}", add_header()))
    fields = [("content-type", "application/grpc+proto"), ("te", "trailers")]
    got = client.request("POST", "/e2e.Test/Echo", *fields, body=struct.pack(">BI", 0, 0)).message()
    assert (got.status, got.body, got.trailers) == (200, b"", [])
    assert got.get("grpc-status") == "14"
    assert got.get("grpc-message")
    assert got.get("content-type").startswith("application/grpc")
    assert "error=connection_refused" in got.get("proxy-status")
    # Another client of the same backend is told in HTTP.
    assert client.request("POST", "/e2e.Test/Echo", body=b"").message().status == 502


@pytest.mark.parametrize("moment", ["before the head", "after a message"])
def test_a_backend_that_breaks_off(tollgate, http2_origin, moment):
    """The client never takes what it has got for the whole."""

    def serve(stream):
        stream.message()
        if moment == "after a message":
            stream.send_head([(":status", "200"), ("content-type", "application/grpc")])
            stream.send_data(struct.pack(">BI", 0, 1) + b"x")
        stream.connection.close()

    with open_channel(tollgate(http2_origin(serve).url, add_header())) as channel:
        received = []
        with pytest.raises(grpc.RpcError) as error:
            for message in grpc_service.Stub(channel).repeat(b"2", timeout=PATIENCE):
                received.append(message)
    assert received in ([], [b"x"])
    codes = grpc.StatusCode
    assert error.value.code() in (codes.UNAVAILABLE, codes.INTERNAL, codes.UNKNOWN, codes.CANCELLED)


def test_a_plugin_that_refuses(tollgate, server, service):
    """Its answer is plain HTTP; gRPC's rule for 403 is PERMISSION_DENIED."""
    with open_channel(tollgate(server.url, {"respond": {}})) as channel:
        with pytest.raises(grpc.RpcError) as error:
            grpc_service.Stub(channel).echo(b"", timeout=PATIENCE)
    assert error.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert service.metadata == {}, "the backend was not asked"


def test_sigterm_lets_a_call_finish(tollgate, server, service):
    proxy = tollgate(server.url, add_header())
    with open_channel(proxy) as channel:
        call = grpc_service.Stub(channel).wait(b"", timeout=60)
        assert next(call) == b"first"
        proxy.process.terminate()
        until(lambda: refuses(proxy), "new connections are refused while the call runs")
        assert proxy.process.alive()
        service.go_on.set()
        assert list(call) == [b"last"]
        assert call.code() == grpc.StatusCode.OK
    assert proxy.process.wait() == 0


def test_a_raw_call_has_its_trailers(http2, tollgate, server, service):
    """What grpcio hides: the status comes in trailers after the message, and the message as it was framed."""
    client = http2(tollgate(server.url, {**add_header(), **cors()}))
    fields = [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "20S")]
    stream = client.request("POST", "/e2e.Test/Echo", *fields, body=struct.pack(">BI", 0, 5) + b"hello")
    got = stream.message()
    assert (got.status, got.body) == (200, struct.pack(">BI", 0, 5) + b"hello")
    assert ("grpc-status", "0") in got.trailers
    assert got.get("grpc-status") is None
    assert got.get(MARK) == MARK_VALUE
    assert 0 < service.time_remaining <= 20


def test_many_channels(proxy, service):
    """20 clients with a connection each."""
    errors = []

    def use():
        try:
            # Without this grpcio lets channels of the same settings share a connection.
            with open_channel(proxy, **{"grpc.use_local_subchannel_pool": 1}) as channel:
                stub = grpc_service.Stub(channel)
                for number in range(10):
                    assert stub.echo(b"%d" % number, timeout=PATIENCE) == b"%d" % number
        except Exception as error:  # for the test's thread
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
