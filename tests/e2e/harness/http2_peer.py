"""HTTP/2 frame by frame, as client and as backend: what a test says goes out, whether the RFC allows it or not.

hyperframe and hpack know the formats; nothing here checks, orders or repairs what is sent. A thread reads all the
time: it keeps what came by stream, answers SETTINGS and PING, and gives back window unless a stream holds it.
"""

import itertools
import socket
import threading
import time
from dataclasses import dataclass, field

import hpack
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, STREAM_CLOSED = 0x0, 0x1, 0x2, 0x5
REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0x7, 0x8, 0xB
PATIENCE = 20.0
FRAME_SIZE = 16384

_pings = itertools.count()


class Lost(Exception):
    """What a test waits for can't come any more: the stream was reset or the connection is gone."""


@dataclass
class Message:
    """Status or request line as pseudo-fields, then fields, body and trailers; interim ones in order."""

    fields: list
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def status(self):
        return int(self.get(":status"))


class Stream:
    """One exchange. `heads` has every field section that came, `body` the bytes, `ended` whether END_STREAM did."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        self.heads = []
        self.body = bytearray()
        self.ended = False
        self.reset_code = None
        self.hold = False
        self._held = 0
        self.window = connection.settings.get(SettingsFrame.INITIAL_WINDOW_SIZE, 65535)

    # Sending

    def send_head(self, fields, end=False):
        """A field section: one HEADERS frame and as many CONTINUATION frames as it takes."""
        self.connection.send_head(self.number, fields, end)

    def send_data(self, data, end=False, seconds=PATIENCE):
        """DATA within the peer's windows; waits for them. With `end` the last frame ends the stream."""
        view = memoryview(bytes(data))
        while len(view):
            count = self.connection.take_window(self, len(view), seconds)
            piece, view = view[:count], view[count:]
            frame = DataFrame(self.number, bytes(piece))
            if end and not len(view):
                frame.flags.add("END_STREAM")
            self.connection.send(frame)
        if end and not data:
            self.connection.send(DataFrame(self.number, b"", flags=["END_STREAM"]))

    def reset(self, code=CANCEL):
        self.connection.send(RstStreamFrame(self.number, error_code=code))

    def release(self):
        """Ends `hold`: the peer gets back what it was kept from sending."""
        self.hold = False
        held, self._held = self._held, 0
        if held:
            self.connection.send(WindowUpdateFrame(self.number, window_increment=held))

    # Receiving

    def wait(self, fact, what, seconds=PATIENCE):
        """Returns fact() once true. Raises Lost when the stream or the connection ended before."""

        def lost():
            if self.reset_code is not None:
                return f"stream {self.number} was reset with {self.reset_code}"
            return None

        return self.connection.wait(fact, what, seconds, lost)

    def head(self, number=0):
        """The field section of this number, as a Message without body."""
        return Message(self.wait(lambda: self.heads[number : number + 1], f"field section {number}")[0])

    def read(self, count):
        """Waits until the body has this many bytes and takes them."""
        self.wait(lambda: len(self.body) >= count, f"{count} bytes of body")
        with self.connection.changed:
            piece = bytes(self.body[:count])
            del self.body[:count]
        return piece

    def message(self):
        """The whole message, once END_STREAM has come."""
        self.wait(lambda: self.ended, "the end of the stream")
        heads = list(self.heads)
        interim = []
        while heads and (dict(heads[0]).get(":status") or "").startswith("1"):
            interim.append(Message(heads.pop(0)))
        return Message(heads[0], bytes(self.body), heads[1] if len(heads) > 1 else [], interim)

    def outcome(self):
        """How it ended: a status, or "reset", or "closed" for the whole connection."""
        try:
            return self.message().status
        except Lost:
            return "reset" if self.reset_code is not None else "closed"

    def _received(self, count):
        if self.hold:
            self._held += count
        else:
            self.connection.send_quietly(WindowUpdateFrame(self.number, window_increment=count))


class Connection:
    """One side of a connection.

    `goaways` are (last stream, code), `settings` the peer's, `acknowledged` is whether it has ours, `closed` its end.
    """

    def __init__(self, sock, settings=None, on_stream=None):
        self.socket = sock
        self.changed = threading.Condition()
        self.streams = {}
        self.settings = {}
        self.goaways = []
        self.pongs = []
        self.acknowledged = False
        self.closed = False
        self.window = 65535
        self._next = 1
        self._on_stream = on_stream
        self._sending = threading.Lock()
        self._encoder = hpack.Encoder()
        self._decoder = hpack.Decoder()
        self._decoder.max_header_list_size = 1 << 20
        self._section = None
        self._unread = bytearray()
        self._own_settings = settings or {}

    def start(self, preface):
        """Sends the preface (of a client) and SETTINGS, and begins to read."""
        self.write(preface + SettingsFrame(0, settings=self._own_settings).serialize())
        # The connection's window is never what holds a stream: tests hold streams.
        self.send(WindowUpdateFrame(0, window_increment=(1 << 30)))
        threading.Thread(target=self._read, daemon=True).start()
        return self

    # Sending

    def write(self, data):
        with self._sending:
            self.socket.sendall(data)

    def send(self, *frames):
        self.write(b"".join(frame.serialize() for frame in frames))

    def send_quietly(self, frame):
        try:
            self.send(frame)
        except OSError:
            pass

    def section(self, fields):
        """The fields, compressed; their order on the connection must be the order of sending."""
        return self._encoder.encode([(name, value) for name, value in fields])

    def send_head(self, number, fields, end=False):
        with self._sending:
            block = self.section(fields)
            pieces = [block[at : at + FRAME_SIZE] for at in range(0, len(block), FRAME_SIZE)] or [b""]
            frames = [HeadersFrame(number, pieces[0], flags=["END_STREAM"] if end else [])]
            frames += [ContinuationFrame(number, piece) for piece in pieces[1:]]
            frames[-1].flags.add("END_HEADERS")
            self.socket.sendall(b"".join(frame.serialize() for frame in frames))

    def stream(self):
        """A new stream of this client's."""
        with self.changed:
            number, self._next = self._next, self._next + 2
            self.streams[number] = Stream(self, number)
        return self.streams[number]

    def request(self, method="GET", path="/", *fields, body=None, end=True, hold=False, authority="origin.test"):
        """Opens a stream with a well-formed head. With `body` or `end` the request is complete."""
        stream = self.stream()
        stream.hold = hold
        head = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path), *fields]
        stream.send_head(head, end=end and body is None)
        if body is not None:
            stream.send_data(body, end=end)
        return stream

    def ping(self):
        """Sends a PING and waits for its answer: all that was sent before has been read."""
        data = next(_pings).to_bytes(8, "big")
        self.send(PingFrame(0, opaque_data=data))
        self.wait(lambda: data in self.pongs, "the answer to a PING")

    def take_window(self, stream, wanted, seconds):
        def available():
            return min(self.window, stream.window, FRAME_SIZE, wanted)

        stream.wait(lambda: available() > 0, "window to send in", seconds)
        with self.changed:
            count = available()
            self.window -= count
            stream.window -= count
        return count

    # Receiving

    def wait(self, fact, what, seconds=PATIENCE, lost=lambda: None):
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (value := fact()):
                reason = lost() or (f"the connection was closed, GOAWAY: {self.goaways}" if self.closed else None)
                if reason:
                    raise Lost(f"never: {what}; {reason}")
                if not self.changed.wait(deadline - time.monotonic()) and time.monotonic() > deadline:
                    raise AssertionError(f"waited {seconds:g} s, but never: {what}")
            return value

    def wait_closed(self, seconds=PATIENCE):
        try:
            self.wait(lambda: self.closed, "the connection's end", seconds)
        except Lost:
            pass

    def _read(self):
        try:
            while True:
                frame, length = Frame.parse_frame_header(memoryview(self._exactly(9)))
                frame.parse_body(memoryview(self._exactly(length)))
                with self.changed:
                    self._take(frame)
                    self.changed.notify_all()
        except (OSError, EOFError):
            pass
        finally:
            with self.changed:
                self.closed = True
                self.changed.notify_all()

    def _exactly(self, count):
        while len(self._unread) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError
            self._unread += piece
        piece = bytes(self._unread[:count])
        del self._unread[:count]
        return piece

    def _take(self, frame):
        stream = self.streams.get(frame.stream_id)
        if isinstance(frame, SettingsFrame):
            self._take_settings(frame)
        elif isinstance(frame, PingFrame):
            if "ACK" in frame.flags:
                self.pongs.append(frame.opaque_data)
            else:
                self.send_quietly(PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"]))
        elif isinstance(frame, GoAwayFrame):
            self.goaways.append((frame.last_stream_id, frame.error_code))
        elif isinstance(frame, (HeadersFrame, ContinuationFrame)):
            self._take_section(frame)
        elif isinstance(frame, WindowUpdateFrame):
            if stream:
                stream.window += frame.window_increment
            elif frame.stream_id == 0:
                self.window += frame.window_increment
        elif isinstance(frame, DataFrame):
            if frame.flow_controlled_length:
                self.send_quietly(WindowUpdateFrame(0, window_increment=frame.flow_controlled_length))
            if stream:
                stream.body += frame.data
                stream.ended |= "END_STREAM" in frame.flags
                if frame.flow_controlled_length and not stream.ended:
                    stream._received(frame.flow_controlled_length)
        elif isinstance(frame, RstStreamFrame) and stream:
            stream.reset_code = frame.error_code

    def _take_settings(self, frame):
        if "ACK" in frame.flags:
            self.acknowledged = True
            return
        before = self.settings.get(SettingsFrame.INITIAL_WINDOW_SIZE, 65535)
        self.settings.update(frame.settings)
        after = self.settings.get(SettingsFrame.INITIAL_WINDOW_SIZE, 65535)
        for stream in self.streams.values():
            stream.window += after - before
        self.send_quietly(SettingsFrame(0, flags=["ACK"]))

    def _take_section(self, frame):
        if isinstance(frame, HeadersFrame):
            self._section = (frame.stream_id, bytearray(), "END_STREAM" in frame.flags)
        number, block, end = self._section
        block += frame.data
        if "END_HEADERS" not in frame.flags:
            return
        fields = [(text(name), text(value)) for name, value in self._decoder.decode(bytes(block), raw=True)]
        stream = self.streams.get(number)
        opened = stream is None and self._on_stream is not None
        if opened:
            stream = self.streams[number] = Stream(self, number)
        if stream:
            stream.heads.append(fields)
            stream.ended |= end
        if opened:
            self._on_stream(stream)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def text(octets):
    return octets.decode("latin-1")


class Client(Connection):
    """A client over a connected socket, which may be one of TLS."""

    def __init__(self, sock, settings=None):
        super().__init__(sock, settings)
        self.start(PREFACE)


class Origin:
    """A backend with prior knowledge: calls `serve(stream)` in a thread for each stream; its errors fail the test."""

    def __init__(self, serve, settings=None):
        self._serve = serve
        self._settings = settings
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "h2c://{}:{}".format(*self._listener.getsockname())
        self.connections = []
        self.errors = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(30)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._open, args=(sock,), daemon=True).start()

    def _open(self, sock):
        preface = b""
        while len(preface) < len(PREFACE):
            piece = sock.recv(len(PREFACE) - len(preface))
            if not piece:
                return
            preface += piece
        if preface != PREFACE:
            self.errors.append(AssertionError(f"no HTTP/2 preface, but {preface!r}"))
            sock.close()
            return
        connection = Connection(sock, self._settings, self._begin)
        self.connections.append(connection)
        connection.start(b"")

    def _begin(self, stream):
        threading.Thread(target=self._run, args=(stream,), daemon=True).start()

    def _run(self, stream):
        try:
            self._serve(stream)
        except (Lost, OSError):
            pass
        except Exception as error:  # kept for the test's thread
            self.errors.append(error)

    def stop(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for connection in self.connections:
            connection.close()


def answer(status, body=b"", *fields, requests=None):
    """A `serve` that waits for the whole request and gives each this response."""

    def serve(stream):
        request = stream.message()
        if requests is not None:
            requests.append(request)
        stream.send_head([(":status", str(status)), *fields], end=not body)
        if body:
            stream.send_data(body, end=True)

    return serve
