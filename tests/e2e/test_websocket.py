"""Switching protocols (RFC 9110, 7.8): WebSocket (RFC 6455) over HTTP/1.1 and HTTP/2 (RFC 8441), and any other token.

The handshake goes through the plugins; behind it the proxy is a pipe both ways, with back-pressure and half-close.
"""

import hashlib
import os
import socket
import threading

import pytest
from conftest import MARK, MARK_VALUE, add_header, cors
from harness import http2_peer
from harness.message import read_head
from harness.peers import resident
from harness.servers import Tollgate
from harness.waiting import until
from harness.websocket_peer import OverHttp2, Server, echo, handshake, open_websocket, switching
from hyperframe.frame import SettingsFrame
from test_draining import refuses
from test_http2 import sent_until_stalled
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.frames import Opcode

MIB = 1 << 20
TLS = ("--tls", "self-signed")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def echoing():
    started = Server(echo)
    yield started
    started.stop()
    assert started.errors == []


@pytest.fixture(scope="module", params=[(), TLS], ids=["cleartext", "tls"])
def proxy(request, echoing, tmp_path_factory):
    """A proxy with plugins before a backend that echoes."""
    plugins = {**add_header(), **cors(), "mark": {}}
    started = Tollgate(echoing.url, tmp_path_factory.mktemp("ws") / "tollgate", plugins, arguments=request.param)
    yield started
    assert started.stop() == 0


# The library on both sides


@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_come_back(proxy, compression):
    with open_websocket(proxy, "/chat?room=%20", compression=compression) as websocket:
        for message in ["", "text ☺", b"", b"\x00\xff", "x" * 125, b"x" * 126, b"x" * 65_536, os.urandom(MIB)]:
            websocket.send(message)
            assert websocket.recv(timeout=20) == message


def test_the_handshake_goes_through_the_plugins(proxy, echoing):
    del echoing.requests[:]
    with open_websocket(proxy, "/chat?room=%20", origin="https://app.example") as websocket:
        assert websocket.response.status_code == 101
        assert websocket.response.headers[MARK] == MARK_VALUE
        assert websocket.response.headers["access-control-allow-origin"] == "https://app.example"
        assert websocket.response.headers["x-mark"] == "v000"
    request = echoing.requests[0]
    assert request.path == "/chat?room=%20"
    assert request.headers["x-mark"] == "v000"
    assert request.headers["origin"] == "https://app.example"
    assert request.headers["host"] == "{}:{}".format(*proxy.address)


def test_compression_is_agreed_on_through_the_proxy(proxy):
    with open_websocket(proxy) as websocket:
        assert "permessage-deflate" in websocket.response.headers["sec-websocket-extensions"]
        assert [extension.name for extension in websocket.protocol.extensions] == ["permessage-deflate"]
        websocket.send("again and again " * 10_000)
        assert websocket.recv(timeout=20) == "again and again " * 10_000
    with open_websocket(proxy, compression=None) as websocket:
        assert websocket.protocol.extensions == []


def test_a_subprotocol_is_agreed_on(tollgate, server):
    proxy = tollgate(server(subprotocols=["v2.chat", "v1.chat"]).url, add_header())
    with open_websocket(proxy, subprotocols=["v0.chat", "v1.chat"]) as websocket:
        assert websocket.subprotocol == "v1.chat"
    with open_websocket(proxy, subprotocols=["v1.chat", "v2.chat"]) as websocket:
        assert websocket.subprotocol == "v2.chat"


def test_fragments_stay_fragments(tollgate, server):
    """A pipe doesn't put messages together: each frame is on its way before the next is sent."""
    arrived = []
    step = threading.Semaphore(0)

    def handler(websocket):
        for piece in websocket.recv_streaming():
            arrived.append(piece)
            step.release()
        websocket.send(answers())

    def answers():
        for number in range(5):
            yield b"%d" % number
            assert step.acquire(timeout=20)

    def pieces():
        for number in range(5):
            yield f"piece {number}"
            assert step.acquire(timeout=20), "the fragment never arrived"

    with open_websocket(tollgate(server(handler, compression=None).url, add_header()), compression=None) as websocket:
        websocket.send(pieces())
        received = []
        for piece in websocket.recv_streaming():
            received.append(piece)
            step.release()
    # A message ends with an empty fragment.
    assert [piece for piece in arrived if piece] == [f"piece {number}" for number in range(5)]
    assert [piece for piece in received if piece] == [b"%d" % number for number in range(5)]


def test_pings_both_ways(tollgate, server):
    answered = threading.Event()

    def handler(websocket):
        assert websocket.ping().wait(20)
        answered.set()
        echo(websocket)

    with open_websocket(tollgate(server(handler).url, add_header())) as websocket:
        assert websocket.ping().wait(20)
        assert answered.wait(20)


def test_the_client_closes(tollgate, server):
    closed = []

    def handler(websocket):
        try:
            websocket.recv(timeout=20)
        except ConnectionClosed as close:
            closed.append((close.rcvd.code, close.rcvd.reason))

    websocket = open_websocket(tollgate(server(handler).url, add_header()))
    websocket.close(4001, "enough ☺")
    until(lambda: closed, "the close frame arrived")
    assert closed == [(4001, "enough ☺")]


def test_the_backend_closes(tollgate, server):
    backend = server(lambda websocket: websocket.close(4002, "closing time"))
    websocket = open_websocket(tollgate(backend.url, add_header()))
    with pytest.raises(ConnectionClosed) as close:
        websocket.recv(timeout=20)
    assert (close.value.rcvd.code, close.value.rcvd.reason) == (4002, "closing time")


def test_a_backend_that_vanishes(tollgate, server):
    def handler(websocket):
        websocket.recv(timeout=20)
        websocket.socket.shutdown(socket.SHUT_RDWR)

    websocket = open_websocket(tollgate(server(handler).url, add_header()))
    websocket.send("now")
    with pytest.raises(ConnectionClosedError) as close:
        websocket.recv(timeout=20)
    assert close.value.rcvd is None, "nobody may say goodbye in its name"


def test_a_client_that_vanishes(tollgate, server):
    ended = []

    def handler(websocket):
        with pytest.raises(ConnectionClosedError) as close:
            websocket.recv(timeout=20)
        ended.append(close.value.rcvd)

    websocket = open_websocket(tollgate(server(handler).url, add_header()))
    websocket.socket.shutdown(socket.SHUT_RDWR)
    until(lambda: ended, "the backend learns of it")
    assert ended == [None]


def test_many_at_once(proxy):
    opened = [open_websocket(proxy) for _ in range(60)]
    for number, websocket in enumerate(opened):
        websocket.send(str(number))
    assert [websocket.recv(timeout=20) for websocket in opened] == [str(number) for number in range(60)]
    for websocket in opened:
        websocket.close()


# Handshakes that lead to no tunnel


@pytest.mark.parametrize("line", [b"403 Forbidden", b"426 Upgrade Required", b"200 OK"])
def test_a_backend_that_does_not_switch(tollgate, connect, origin, line):
    """Its answer is an ordinary one, and the connection goes on with HTTP."""
    status = int(line[:3])
    upgrade = b"upgrade: websocket\r\nconnection: upgrade\r\n" if status == 426 else b""

    def serve(peer):
        request = peer.request()
        assert request.get("upgrade") == "websocket"
        peer.send(b"HTTP/1.1 " + line + b"\r\n" + upgrade + b"sec-websocket-version: 13\r\ncontent-length: 2\r\n\r\nno")
        while True:
            assert peer.request().get("upgrade") is None
            peer.send(OK)

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(handshake())
    response = client.response()
    assert (response.status, response.body) == (status, b"no")
    assert response.get("sec-websocket-version") == "13"
    assert response.get(MARK) == MARK_VALUE
    assert client.request("GET", "/next").body == b"ok"


def test_a_refusal_that_a_library_sees(tollgate, server):
    backend = server(process_request=lambda connection, request: connection.respond(403, "members only\n"))
    with pytest.raises(InvalidStatus) as refusal:
        open_websocket(tollgate(backend.url, add_header()))
    assert refusal.value.response.status_code == 403
    assert refusal.value.response.body == b"members only\n"


def test_a_plugin_refuses_the_handshake(tollgate, server):
    backend = server()
    with pytest.raises(InvalidStatus) as refusal:
        open_websocket(tollgate(backend.url, {"respond": {}}))
    response = refusal.value.response
    assert (response.status_code, response.headers["x-gate"], response.body) == (403, "closed", b"not today")
    assert backend.requests == []


def test_a_backend_that_is_down(tollgate):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://{}:{}".format(*listener.getsockname())
    with pytest.raises(InvalidStatus) as refusal:
        open_websocket(tollgate(url, add_header()))
    assert refusal.value.response.status_code == 502
    assert "connection_refused" in refusal.value.response.headers["proxy-status"]


def test_a_switch_that_nobody_asked_for(tollgate, connect, origin):
    """101 to a request without `upgrade` is a backend's error (RFC 9110, section 15.2.2)."""

    def serve(peer):
        peer.request()
        peer.send(switching() + b"bytes of no protocol")

    response = connect(tollgate(origin(serve).url, add_header())).request("GET", "/")
    assert response.status == 502


def test_upgrade_without_the_connection_option_is_none(tollgate, connect, origin):
    requests = []

    def serve(peer):
        requests.append(peer.request())
        peer.send(OK)

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n\r\n")
    assert client.response().body == b"ok"
    assert requests[0].get("upgrade") is None


# The pipe itself


def test_bytes_right_behind_the_handshakes(tollgate, connect, origin):
    """What comes in one segment with a head belongs to the new protocol."""
    early = []

    def serve(peer):
        read_head(peer.reader)
        peer.send(switching() + b"from the backend")
        early.append(peer.reader.exactly(15))

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(handshake() + b"from the client")
    assert client.head().status == 101
    assert client.reader.exactly(16) == b"from the backend"
    until(lambda: early, "the client's bytes arrived")
    assert early == [b"from the client"]


@pytest.mark.parametrize("token", [b"custom/1.2", b"IRC/6.9, RTA/x11"])
def test_any_protocol(tollgate, connect, origin, token):
    """4 MiB each way at the same time, of a protocol that the proxy doesn't know."""
    up, down, chosen = os.urandom(4 * MIB), os.urandom(4 * MIB), token.split(b",")[0]
    got, seen = [], []

    def serve(peer):
        request = read_head(peer.reader)
        seen.append((request.get("upgrade"), request.get("connection").lower()))
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + chosen + b"\r\n\r\n")
        sender = threading.Thread(target=peer.send, args=(down,))
        sender.start()
        got.append(hashlib.sha256(peer.reader.exactly(len(up))).digest())
        sender.join(20)

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: " + token + b"\r\n\r\n")
    head = client.head()
    assert (head.status, head.get("upgrade")) == (101, chosen.decode())
    assert "upgrade" in head.get("connection").lower()
    assert head.get("content-length") is None and head.get("transfer-encoding") is None
    sender = threading.Thread(target=client.send, args=(up,))
    sender.start()
    assert hashlib.sha256(client.reader.exactly(len(down))).digest() == hashlib.sha256(down).digest()
    sender.join(20)
    until(lambda: got, "the upload arrived")
    assert got == [hashlib.sha256(up).digest()]
    assert seen == [(token.decode(), "upgrade")]


def test_h2c_is_no_protocol_to_switch_to(tollgate, connect, origin):
    """RFC 9113 has taken that upgrade away, and an unseen HTTP/2 behind it is a way past plugins."""
    requests = []

    def serve(peer):
        requests.append(peer.request())
        peer.send(OK)

    client = connect(tollgate(origin(serve).url, add_header()))
    client.send(
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n"
        b"http2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
    )
    assert client.response().body == b"ok"
    assert requests[0].get("upgrade") is None and requests[0].get("http2-settings") is None


def tunnel(connect, proxy):
    client = connect(proxy)
    client.send(handshake())
    assert client.head().status == 101
    return client


def test_the_client_ends_its_half(tollgate, connect, origin):
    def serve(peer):
        read_head(peer.reader)
        peer.send(switching())
        asked = peer.reader.rest()
        peer.send(b"you said " + asked)

    client = tunnel(connect, tollgate(origin(serve).url, add_header()))
    client.send(b"all I have")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.reader.rest() == b"you said all I have"


def test_the_backend_ends_its_half(tollgate, connect, origin):
    heard = []

    def serve(peer):
        read_head(peer.reader)
        peer.send(switching() + b"all I have")
        peer.socket.shutdown(socket.SHUT_WR)
        heard.append(peer.reader.rest())

    client = tunnel(connect, tollgate(origin(serve).url, add_header()))
    assert client.reader.rest() == b"all I have"
    client.send(b"I still talk")
    client.socket.shutdown(socket.SHUT_WR)
    until(lambda: heard, "the backend has it all")
    assert heard == [b"I still talk"]


@pytest.mark.parametrize("slow", ["client", "backend"])
def test_a_slow_reader_holds_the_writer_up(tollgate, connect, origin, slow):
    """Eight tunnels with 256 MiB each to send, and nobody who reads: that may not lie in the proxy."""
    sent = []
    go_on = threading.Event()

    def write(send):
        try:
            for _ in range(4096):
                send(bytes(65536))
                sent.append(65536)
        except OSError:
            pass

    def serve(peer):
        read_head(peer.reader)
        peer.send(switching())
        if slow == "client":
            write(peer.send)
        else:
            assert go_on.wait(60)

    proxy = tollgate(origin(serve).url, add_header())
    clients = [tunnel(connect, proxy)]
    before = resident(proxy.process.pid)
    clients += [tunnel(connect, proxy) for _ in range(7)]
    if slow == "backend":
        for client in clients:
            threading.Thread(target=write, args=(client.send,), daemon=True).start()
    stalled_at = sent_until_stalled(lambda: len(sent))
    assert stalled_at < 8 * 4096
    assert resident(proxy.process.pid) - before < 8 * MIB
    go_on.set()


def test_a_silent_tunnel_is_closed_in_time(tollgate, connect, origin):
    def serve(peer):
        read_head(peer.reader)
        peer.send(switching())
        assert peer.reader.rest() == b""

    client = tunnel(connect, tollgate(origin(serve).url, add_header(), config='[server]\ntunnel-timeout = "500ms"\n'))
    assert client.reader.closed()


def test_a_tunnel_outlives_what_bounds_requests(tollgate, connect, origin):
    """The bounds of requests, bodies and idle connections aren't those of tunnels."""
    names = ("request", "idle", "body", "header")
    config = "[server]\n" + "".join(f'{name}-timeout = "300ms"\n' for name in names)
    go_on = threading.Event()

    def serve(peer):
        read_head(peer.reader)
        peer.send(switching())
        assert go_on.wait(20)
        peer.send(b"still here")

    proxy = tollgate(origin(serve).url, add_header(), config=config)
    client, idle = tunnel(connect, proxy), connect(proxy)
    # The idle connection shows that the time is up; twice, so that it is well past.
    assert idle.reader.rest() is not None
    assert connect(proxy).reader.rest() is not None
    go_on.set()
    assert client.reader.exactly(10) == b"still here"


# Stopping


def test_a_tunnel_may_finish_when_the_proxy_stops(tollgate, echoing):
    proxy = tollgate(echoing.url, add_header())
    websocket = open_websocket(proxy)
    websocket.send("before")
    assert websocket.recv(timeout=20) == "before"
    proxy.process.terminate()
    until(lambda: refuses(proxy), "new connections are refused while the tunnel is open")
    websocket.send("after")
    assert websocket.recv(timeout=20) == "after"
    assert proxy.process.alive()
    websocket.close()
    assert proxy.process.wait() == 0


def test_a_tunnel_does_not_outlive_the_drain(tollgate, echoing):
    proxy = tollgate(echoing.url, add_header(), arguments=("--drain", "500ms"))
    websocket = open_websocket(proxy)
    proxy.process.terminate()
    with pytest.raises(ConnectionClosed):
        websocket.recv(timeout=20)
    proxy.process.wait(seconds=10)


# Over HTTP/2 (RFC 8441)


def test_extended_connect_is_offered(proxy, http2):
    client = http2(proxy)
    client.wait(lambda: client.settings, "SETTINGS")
    assert client.settings.get(SettingsFrame.ENABLE_CONNECT_PROTOCOL) == 1


def test_a_websocket_over_http2(proxy, http2, echoing):
    """The backend gets a handshake of HTTP/1.1; the client's frames are the same on both."""
    del echoing.requests[:]
    client = http2(proxy)
    client.wait(lambda: client.settings, "SETTINGS")
    websocket = OverHttp2(client, "/chat?room=1", ("origin", "https://app.example"))
    response = websocket.response()
    assert response.status == 200
    assert response.get(MARK) == MARK_VALUE
    assert response.get("x-mark") == "v000"
    assert not {"connection", "upgrade", "sec-websocket-accept"} & {name for name, _ in response.fields}
    for message in ["text ☺", b"\x00\xff", os.urandom(MIB)]:
        websocket.send(message)
        frame = websocket.receive()
        assert frame.data == (message.encode() if isinstance(message, str) else message)
    websocket.close(4001, "enough")
    frame = websocket.receive()
    assert (frame.opcode, frame.data) == (Opcode.CLOSE, (4001).to_bytes(2, "big") + b"enough")
    assert websocket.receive() is None, "the stream ends with the backend's connection"
    request = echoing.requests[0]
    assert (request.path, request.headers["x-mark"]) == ("/chat?room=1", "v000")
    assert request.headers["host"] == "origin.test"
    assert len(request.headers["sec-websocket-key"]) == 24


def test_websockets_and_requests_share_a_connection(proxy, http2):
    client = http2(proxy)
    client.wait(lambda: client.settings, "SETTINGS")
    opened = [OverHttp2(client) for _ in range(20)]
    for websocket in opened:
        assert websocket.response().status == 200
    # The backend speaks WebSocket alone, and says so in HTTP.
    assert client.request().message().status == 426
    for number, websocket in enumerate(opened):
        websocket.send(b"%d" % number)
    assert [websocket.receive().data for websocket in opened] == [b"%d" % number for number in range(20)]
    opened[0].stream.reset()
    opened[1].send(b"still here")
    assert opened[1].receive().data == b"still here"


def test_a_subprotocol_over_http2(tollgate, server, http2):
    client = http2(tollgate(server(subprotocols=["v1.chat"]).url, add_header()))
    client.wait(lambda: client.settings, "SETTINGS")
    response = OverHttp2(client, "/", ("sec-websocket-protocol", "v0.chat, v1.chat")).response()
    assert (response.status, response.get("sec-websocket-protocol")) == (200, "v1.chat")


def test_a_refusal_over_http2(tollgate, server, http2):
    backend = server(process_request=lambda connection, request: connection.respond(403, "members only\n"))
    client = http2(tollgate(backend.url, add_header()))
    client.wait(lambda: client.settings, "SETTINGS")
    response = OverHttp2(client).stream.message()
    assert (response.status, response.body) == (403, b"members only\n")


def test_a_wrong_accept_opens_no_tunnel_over_http2(tollgate, origin, http2):
    """The proxy is the client of this handshake, so it is the one to check it (RFC 6455, section 4.1)."""

    def serve(peer):
        read_head(peer.reader)
        peer.send(switching(key="another"))

    client = http2(tollgate(origin(serve).url, add_header()))
    client.wait(lambda: client.settings, "SETTINGS")
    assert OverHttp2(client).stream.outcome() in (502, "reset")


def test_an_unknown_protocol_over_http2(proxy, http2, echoing):
    """The backend would not know of it: HTTP/1.1 has no CONNECT with a protocol but WebSocket's handshake."""
    del echoing.requests[:]
    client = http2(proxy)
    client.wait(lambda: client.settings, "SETTINGS")
    outcome = OverHttp2(client, protocol="connect-udp").stream.outcome()
    assert outcome == "reset" or 400 <= outcome < 600
    assert echoing.requests == []


@pytest.mark.parametrize("who", ["client ends", "client resets", "backend ends"])
def test_how_a_tunnel_over_http2_ends(tollgate, origin, http2, who):
    heard = threading.Event()

    def serve(peer):
        request = read_head(peer.reader)
        peer.send(switching(key=request.get("sec-websocket-key")))
        if who == "backend ends":
            peer.send(b"last")
            return
        try:
            peer.reader.rest()
        except ConnectionResetError:
            pass
        heard.set()
        if who == "client ends":
            peer.send(b"last")

    client = http2(tollgate(origin(serve).url, add_header()))
    client.wait(lambda: client.settings, "SETTINGS")
    websocket = OverHttp2(client)
    assert websocket.response().status == 200
    if who == "client resets":
        websocket.stream.reset()
        assert heard.wait(20)
        return
    if who == "client ends":
        websocket.stream.send_data(b"", end=True)
        assert heard.wait(20)
    assert websocket.stream.read(4) == b"last"
    websocket.stream.wait(lambda: websocket.stream.ended, "END_STREAM")


def test_a_slow_reader_over_http2(tollgate, origin, http2):
    """A tunnel that nobody reads fills neither the memory nor the connection that it shares."""
    sent = []

    def serve(peer):
        request = peer.request()
        if request.get("upgrade") is None:
            peer.send(OK)
            return
        peer.send(switching(key=request.get("sec-websocket-key")))
        for _ in range(4096):
            peer.send(bytes(65536))
            sent.append(65536)

    proxy = tollgate(origin(serve).url, add_header())
    client = http2(proxy)
    client.wait(lambda: client.settings, "SETTINGS")
    before = resident(proxy.process.pid)
    for _ in range(8):
        websocket = OverHttp2(client)
        websocket.stream.hold = True
        assert websocket.response().status == 200
    assert sent_until_stalled(lambda: len(sent)) < 8 * 4096
    assert resident(proxy.process.pid) - before < 16 * MIB
    assert client.request().message().status == 200


def test_sigterm_lets_a_websocket_over_http2_finish(tollgate, echoing, http2):
    proxy = tollgate(echoing.url, add_header())
    client = http2(proxy)
    client.wait(lambda: client.settings, "SETTINGS")
    websocket = OverHttp2(client)
    assert websocket.response().status == 200
    proxy.process.terminate()
    client.wait(lambda: client.goaways, "GOAWAY")
    assert client.goaways[0][1] == http2_peer.NO_ERROR
    websocket.send("after")
    assert websocket.receive().data == b"after"
    websocket.close(1000)
    assert websocket.receive().opcode == Opcode.CLOSE
    websocket.stream.send_data(b"", end=True)
    client.wait_closed()
    assert proxy.process.wait() == 0
