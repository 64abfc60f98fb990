"""Messages of WebSockets through plugins (`websocket-messages`), with the library `websockets` on both sides."""

import json
import os
import re

import pytest
from conftest import add_header
from harness.waiting import until
from hyperframe.frame import SettingsFrame
from harness.websocket_peer import OverHttp2, open_websocket
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State

MIB = 1 << 20
TLS = ("--tls", "self-signed")
# What client and server may agree on.
AGREEMENTS = [
    {},
    {"server_no_context_takeover": True, "client_no_context_takeover": True},
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
    {"server_max_window_bits": 9, "client_max_window_bits": 10},
]


def logged(proxy):
    return "\n".join(proxy.process.lines())


def closed(websocket):
    with pytest.raises(ConnectionClosed) as close:
        while True:
            websocket.recv(timeout=20)
    return close.value.rcvd.code, close.value.rcvd.reason


@pytest.mark.parametrize("arguments", [(), TLS], ids=["cleartext", "tls"])
@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back(tollgate, server, compression, arguments):
    proxy = tollgate(server(compression=compression).url, {"messages": {}, "mark": {}}, arguments=arguments)
    with open_websocket(proxy, compression=compression) as websocket:
        for message in ["", "kept ☺", b"", b"\x00\xff", "k" * 125, "k" * 126, "k" * 65_536, b"k" + os.urandom(MIB)]:
            websocket.send(message)
            assert websocket.recv(timeout=20) == message
        # Replaced on the way there; on the way back the text begins with a bracket, and is kept.
        websocket.send("x")
        assert websocket.recv(timeout=20) == "[v000]"
        assert websocket.ping().wait(20)


@pytest.mark.parametrize("agreement", AGREEMENTS, ids=["takeover", "none", "of the client", "of the server", "small windows"])
def test_every_agreement_on_compression_is_kept(tollgate, server, agreement):
    backend = server(compression=None, extensions=[ServerPerMessageDeflateFactory(**agreement)])
    proxy = tollgate(backend.url, {"messages": {}})
    offer = ClientPerMessageDeflateFactory(client_max_window_bits=True)
    with open_websocket(proxy, compression=None, extensions=[offer]) as websocket:
        assert "permessage-deflate" in websocket.response.headers["sec-websocket-extensions"]
        for number in range(20):
            message = json.dumps({"kept": number, "text": "again and again " * 1000})
            websocket.send(message)
            assert websocket.recv(timeout=20) == message


def test_fragments_are_one_message(tollgate, server):
    with open_websocket(tollgate(server().url, {"messages": {}})) as websocket:
        websocket.send(iter(["kept ", "in ", "pieces ☺"]))
        assert websocket.recv(timeout=20) == "kept in pieces ☺"


def test_a_bomb_closes_it(tollgate, server):
    """64 MiB of zeros are 64 KiB compressed; the limit is 4 MiB."""
    proxy = tollgate(server().url, {"messages": {}})
    websocket = open_websocket(proxy)
    websocket.send(bytes(64 * MIB))
    code, reason = closed(websocket)
    assert code == 1009 and "longer than 4194304 bytes" in reason


@pytest.mark.parametrize(
    ("order", "expected"),
    [("stop", (1000, "")), ("close", (4000, "bye")), ("trap", (1011, "plugin messages failed"))],
)
def test_a_plugin_ends_it_on_both_sides(tollgate, server, order, expected):
    heard = []

    def handler(websocket):
        websocket.send("kept")
        heard.append(closed(websocket))

    websocket = open_websocket(tollgate(server(handler).url, {"messages": {}}))
    assert websocket.recv(timeout=20) == "kept"
    websocket.send(order)
    assert closed(websocket) == expected
    until(lambda: heard, "the backend hears of it")
    assert heard == [expected]


def test_peers_close_and_vanish_as_without_plugins(tollgate, server):
    heard = []

    def handler(websocket):
        try:
            websocket.recv(timeout=20)
        except ConnectionClosed as close:
            heard.append(close.rcvd and (close.rcvd.code, close.rcvd.reason))

    proxy = tollgate(server(handler).url, {"messages": {}})
    open_websocket(proxy).close(4001, "enough ☺")
    until(lambda: heard, "the close frame arrived")
    websocket = open_websocket(proxy)
    websocket.socket.shutdown(2)
    until(lambda: len(heard) == 2, "the backend learns of it")
    assert heard == [(4001, "enough ☺"), None]


def test_over_http2(tollgate, server, http2):
    """A client of HTTP/2 before a backend of HTTP/1.1."""
    client = http2(tollgate(server(compression=None).url, {"messages": {}}))
    client.wait(lambda: client.settings, "SETTINGS")
    websocket = OverHttp2(client)
    assert websocket.response().status == 200
    websocket.send("kept ☺")
    assert websocket.receive().data == "kept ☺".encode()
    websocket.send("x")
    assert websocket.receive().data == b"[v000]"
    websocket.send("trap")
    frame = websocket.receive()
    assert (frame.opcode, frame.data[:2]) == (Opcode.CLOSE, (1011).to_bytes(2, "big"))


def echo_over_http2(heads):
    """A backend that takes extended CONNECT and says again what it hears, in frames of its own."""

    def serve(stream):
        head = stream.head()
        heads.append(head)
        assert head.get(":protocol") == "websocket", head
        stream.send_head([(":status", "200")])
        protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=None)
        while True:
            stream.wait(lambda: stream.body or stream.ended, "a frame")
            if not stream.body:
                return
            protocol.receive_data(stream.read(len(stream.body)))
            for frame in protocol.events_received():
                if frame.opcode is Opcode.TEXT:
                    protocol.send_text(frame.data, fin=frame.fin)
            for data in protocol.data_to_send():
                stream.send_data(data, end=not data)

    return serve


@pytest.mark.parametrize("by_http2", [False, True], ids=["client of 1.1", "client of 2"])
def test_over_http2_to_the_backend(tollgate, http2_origin, http2, by_http2):
    """The messages of an extended CONNECT (RFC 8441) to the backend meet the plugin as others do."""
    heads = []
    backend = http2_origin(echo_over_http2(heads), {SettingsFrame.ENABLE_CONNECT_PROTOCOL: 1})
    proxy = tollgate(backend.url, {"messages": {}})
    if by_http2:
        client = http2(proxy)
        client.wait(lambda: client.settings, "SETTINGS")
        websocket = OverHttp2(client)
        assert websocket.response().status == 200

        def say(text):
            websocket.send(text)
            return websocket.receive().data.decode()
    else:
        websocket = open_websocket(proxy, compression=None)

        def say(text):
            websocket.send(text)
            return websocket.recv(timeout=20)

    assert say("kept ☺") == "kept ☺"
    assert say("x") == "[v000]"
    # Longer than a stream's first window.
    assert say("k" * 300_000) == "k" * 300_000
    websocket.send("trap")
    if by_http2:
        frame = websocket.receive()
        assert (frame.opcode, frame.data[:2]) == (Opcode.CLOSE, (1011).to_bytes(2, "big"))
    else:
        assert closed(websocket) == (1011, "plugin messages failed")
    assert len(heads) == 1


def test_ws_log(tollgate, server):
    settings = {
        "log": "text",
        "drop": [{"path": "$.type", "equals": "ping"}],
        "redact": ["$.token"],
    }
    proxy = tollgate(server().url, {**add_header(), "ws-log": settings})
    with open_websocket(proxy, "/chat") as websocket:
        websocket.send('{"type": "ping"}')
        websocket.send('{"token": "secret", "n": 1.50}')
        assert websocket.recv(timeout=20) == '{"token": "[redacted]", "n": 1.50}'
        websocket.send(b"\x00\x01")
        assert websocket.recv(timeout=20) == b"\x00\x01"
    until(lambda: "closed: 3 messages" in logged(proxy), "the end is logged")
    log = logged(proxy)
    assert "secret" not in log
    for line in ["opened /chat", "client dropped 16 bytes", r'client text: {"token": "\[redacted\]", "n": 1.50}', "client binary, 2 bytes"]:
        assert re.search(f'{line} plugin="ws-log"', log), line
