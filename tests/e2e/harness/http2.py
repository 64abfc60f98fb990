"""A client of HTTP/2 in cleartext that shows what really comes, GOAWAY included."""

import socket
import struct

import h2.config
import h2.connection
import h2.events

GOAWAY = 7  # RFC 9113, section 6.8


class Http2:
    """A client of HTTP/2 with prior knowledge, which keeps every event.

    python-h2 takes GOAWAY for the end of the connection, though RFC 9113, section 6.8 lets running streams go on. So it
    never gets to see these frames; they are in `goaways` as (last stream, error code).
    """

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=30)
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()
        self.events, self.goaways, self._buffer = [], [], b""
        self.flush()

    def flush(self):
        try:
            self.socket.sendall(self.connection.data_to_send())
        except ConnectionError:
            pass  # Nobody wants it any more; what has come can still be read.

    def request(self, method="GET", path="/", authority="a", end=True):
        """Sends a head; returns the number of its stream."""
        stream = self.connection.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path)]
        self.connection.send_headers(stream, fields, end_stream=end)
        self.flush()
        return stream

    def send(self, stream, data, end=False):
        """Sends the bytes as flow control allows."""
        while data:
            window = self.connection.local_flow_control_window(stream)
            room = min(window, self.connection.max_outbound_frame_size)
            if room == 0:
                assert self.receive(), "closed while it was sent to"
                continue
            piece, data = data[:room], data[room:]
            self.connection.send_data(stream, piece, end_stream=end and not data)
            self.flush()

    def receive(self):
        """Reads what comes next; false at the peer's close."""
        piece = self.socket.recv(65536)
        self._buffer += piece
        while len(self._buffer) >= 9:
            size = 9 + int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < size:
                break
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            if frame[3] == GOAWAY:
                self.goaways.append(struct.unpack(">II", frame[9:17]))
            else:
                self._take(self.connection.receive_data(frame))
        return bool(piece)

    def _take(self, events):
        self.events += events
        for event in events:
            if isinstance(event, h2.events.DataReceived):
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()

    def body(self, stream):
        """Of the response on this stream, whole."""
        while not any(isinstance(e, h2.events.StreamEnded) and e.stream_id == stream for e in self.events):
            assert self.receive(), f"closed before the stream's end: {self.events[-5:]}"
        pieces = [e.data for e in self.events if isinstance(e, h2.events.DataReceived) and e.stream_id == stream]
        return b"".join(pieces)
