"""HTTP/1.1 messages as they stand on the wire, read without a library that would tidy them up."""

from dataclasses import dataclass, field


class Reader:
    """Bytes of a socket, by line or by count. EOFError when the peer closed too early."""

    def __init__(self, sock):
        self._socket = sock
        self._buffer = b""

    def _more(self):
        piece = self._socket.recv(65536)
        if not piece:
            raise EOFError(f"closed by the peer; unread: {self._buffer[:200]!r}")
        self._buffer += piece

    def line(self):
        while b"\r\n" not in self._buffer:
            self._more()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    def exactly(self, count):
        while len(self._buffer) < count:
            self._more()
        piece, self._buffer = self._buffer[:count], self._buffer[count:]
        return piece

    def rest(self):
        """Everything up to the peer's close."""
        try:
            while True:
                self._more()
        except EOFError:
            piece, self._buffer = self._buffer, b""
            return piece

    def closed(self):
        """Waits for the next event: True if it is the peer's close, False if it is bytes."""
        if self._buffer:
            return False
        try:
            piece = self._socket.recv(65536)
        except ConnectionResetError:
            return True
        self._buffer += piece
        return not piece

    def fields(self):
        fields = []
        while line := self.line():
            name, _, value = line.partition(b":")
            fields.append((name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")))
        return fields

    def chunk(self):
        """The next chunk of a chunked body; empty for the last one (its trailer section is still unread)."""
        size = int(self.line().split(b";")[0], 16)
        data = self.exactly(size)
        if size:
            assert self.exactly(2) == b"\r\n", "a chunk's data must end in CRLF"
        return data


@dataclass
class Message:
    """The first line and the fields, in order, names in lower case."""

    start: str
    fields: list
    body: bytes = b""
    trailers: list = field(default_factory=list)

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def get(self, name):
        """The only value of a field; None if absent. Two of them are a mistake in the message."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def chunked(self):
        return (self.get("transfer-encoding") or "").lower() == "chunked"

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        """The request target, byte for byte."""
        return self.start.split(" ", 1)[1].rsplit(" ", 1)[0]

    @property
    def status(self):
        return int(self.start.split(" ")[1])


def read_head(reader):
    start = reader.line().decode("latin-1")
    return Message(start, reader.fields())


def read_chunked(reader, message):
    while piece := reader.chunk():
        message.body += piece
    message.trailers = reader.fields()


def read_request_body(reader, request):
    if request.chunked:
        read_chunked(reader, request)
    elif length := request.get("content-length"):
        request.body = reader.exactly(int(length))


def read_response(reader, method="GET"):
    """A whole final response, framed by RFC 9112, section 6.3. Interim ones must be read before."""
    response = read_head(reader)
    if method == "HEAD" or response.status in (204, 304) or response.status < 200:
        return response
    if response.chunked:
        read_chunked(reader, response)
    elif (length := response.get("content-length")) is not None:
        response.body = reader.exactly(int(length))
    else:
        response.body = reader.rest()
    return response
