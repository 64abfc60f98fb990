"""WebSocket: servers and clients of the library `websockets`, and its frames over a stream of HTTP/2 (RFC 8441)."""

import base64
import hashlib
import threading

from websockets.exceptions import ConnectionClosed
from websockets.protocol import Protocol, Side, State
from websockets.sync.client import connect
from websockets.sync.server import serve

from .http2_peer import Lost
from .peers import Tls

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def handshake(path="/"):
    """A client's opening handshake, raw."""
    lines = [
        f"GET {path} HTTP/1.1".encode(),
        b"host: origin.test",
        b"connection: Upgrade",
        b"upgrade: websocket",
        b"sec-websocket-version: 13",
        b"sec-websocket-key: " + KEY,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def switching(key=KEY):
    """A backend's answer to a handshake with this key, raw."""
    salted = (key if isinstance(key, bytes) else key.encode()) + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"connection: upgrade",
        b"upgrade: websocket",
        b"sec-websocket-accept: " + base64.b64encode(hashlib.sha1(salted).digest()),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


class Server:
    """Calls `handler(websocket)` for each connection. `requests` are the handshakes.

    What it raises fails the test, but for the connection's end, which is how most of them end.
    """

    def __init__(self, handler, **options):
        self._handler = handler
        self.requests = []
        self.errors = []
        options = {"ping_interval": None, "close_timeout": 5, "max_size": None, **options}
        self._server = serve(self._run, "127.0.0.1", 0, **options)
        self.url = "http://{}:{}".format(*self._server.socket.getsockname())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _run(self, websocket):
        self.requests.append(websocket.request)
        try:
            self._handler(websocket)
        except ConnectionClosed:
            pass
        except Exception as error:  # kept for the test's thread
            self.errors.append(error)

    def stop(self):
        self._server.shutdown()


def echo(websocket):
    for message in websocket:
        websocket.send(message)


def open_websocket(proxy, path="/", **options):
    """A client's connection through the proxy."""
    options = {"ping_interval": None, "close_timeout": 5, "max_size": None, "proxy": None, "legacy": True, **options}
    if proxy.url.startswith("https:"):
        # As browsers do: a WebSocket of its own is HTTP/1.1. The library reads and writes in two threads, which
        # ssl.SSLSocket doesn't bear in TLS 1.3 (one handshake in a hundred hangs), so TLS is done for it.
        options["sock"] = Tls(proxy, "http/1.1").plain()
    return connect("ws://{}:{}{}".format(*proxy.address, path), **options)


class OverHttp2:
    """A WebSocket on a stream that an extended CONNECT opened."""

    def __init__(self, connection, path="/", *fields, protocol="websocket"):
        self.stream = connection.stream()
        head = [
            (":method", "CONNECT"),
            (":protocol", protocol),
            (":scheme", "http"),
            (":authority", "origin.test"),
            (":path", path),
            ("sec-websocket-version", "13"),
            *fields,
        ]
        self.stream.send_head(head)
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
        self._events = []

    def response(self):
        return self.stream.head()

    def send(self, message):
        send = self._protocol.send_text if isinstance(message, str) else self._protocol.send_binary
        send(message.encode() if isinstance(message, str) else message)
        self._flush()

    def close(self, code, reason=""):
        self._protocol.send_close(code, reason)
        self._flush()

    def _flush(self):
        for data in self._protocol.data_to_send():
            if data:
                self.stream.send_data(data)

    def receive(self):
        """The next frame, once it is whole; None at the end of the stream."""
        while not self._events:
            try:
                self.stream.wait(lambda: self.stream.body or self.stream.ended, "a frame")
            except Lost:
                return None
            if not self.stream.body:
                return None
            self._protocol.receive_data(self.stream.read(len(self.stream.body)))
            self._events += self._protocol.events_received()
        return self._events.pop(0)
