"""gRPC's own interop cases for Python, unchanged, from client to server of gRPC through the proxy and its plugins."""

import types

import grpc
import pytest
from conftest import add_header, cors
from harness import grpc_interop
from harness.servers import Tollgate

CASES = [
    "empty_unary",
    "large_unary",
    "server_streaming",
    "client_streaming",
    "ping_pong",
    "empty_stream",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "custom_metadata",
]
# These speak with Google's cloud.
OTHERS = ["compute_engine_creds", "oauth2_auth_token", "jwt_token_creds", "per_rpc_creds"]
# These may end at the client before anything has left it.
MAY_NEVER_ARRIVE = ["cancel_after_begin", "timeout_on_sleeping_server"]


@pytest.fixture(scope="module")
def server():
    grpc_interop.get()
    started = grpc_interop.Server()
    yield started
    started.stop()


@pytest.fixture(scope="module", params=[(), ("--tls", "self-signed")], ids=["cleartext", "tls"])
def channel(request, server, tmp_path_factory):
    from test_grpc import open_channel

    # The plugin mark changes requests too, so the server can tell the way they came.
    plugins = {**add_header(), **cors(), "mark": {}}
    proxy = Tollgate(server.url, tmp_path_factory.mktemp("interop") / "tollgate", plugins, arguments=request.param)
    with open_channel(proxy) as opened:
        yield opened
    assert proxy.stop() == 0


def test_the_list_is_whole(server):
    from tests.interop import methods

    assert sorted(case.value for case in methods.TestCase) == sorted(CASES + OTHERS)


@pytest.mark.parametrize("name", CASES)
def test_interop(server, channel, name):
    from tests.interop import client, methods

    del server.calls[:]
    arguments = types.SimpleNamespace(test_case=name)
    methods.TestCase(name).test_interoperability(client.create_stub(channel, arguments), arguments)
    if name not in MAY_NEVER_ARRIVE:
        assert server.calls, "the case never reached the server"
    assert all(fields.get("x-mark") == "v000" for _, fields in server.calls), "a call went past the plugins"


def test_the_cases_can_fail(server, tollgate):
    """Against a proxy whose plugin refuses everything, no case that needs an answer passes."""
    from test_grpc import open_channel
    from tests.interop import client, methods

    with open_channel(tollgate(server.url, {"respond": {}})) as opened:
        for name in ("empty_unary", "large_unary", "client_streaming", "empty_stream", "unimplemented_method"):
            arguments = types.SimpleNamespace(test_case=name)
            with pytest.raises((grpc.RpcError, ValueError)):
                methods.TestCase(name).test_interoperability(client.create_stub(opened, arguments), arguments)
