"""HTTP/1.1 byte for byte: a backend that keeps all it gets, and proxies before it that show what became of a request.

`Gate.refuse`, `forward`, `judge` and `spoil` send what no library would send. Each request is followed on its
connection by another one, so that a proxy that is wrong about where a request ends shows it.
"""

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

from .message import Reader, read_response
from .origin import Origin
from .servers import Tollgate

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

# Comes behind a request under test. It ends the connection, so that the client knows that it has seen all.
BEHIND = b"GET /behind HTTP/1.1\r\nHost: behind.test\r\nConnection: close\r\n\r\n"

# Shows that a proxy serves, and where in the backend's record "now" is.
SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

# A plugin that answers every request itself. Where it doesn't, no plugin was asked.
TRAP_STATUS = 299
TRAP = {"chaos": {"faults": [{"status": TRAP_STATUS}]}}

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Tap:
    """A socket's recv that keeps what it gives."""

    def __init__(self, sock, kept):
        self._socket = sock
        self._kept = kept

    def recv(self, size):
        piece = self._socket.recv(size)
        self._kept.append(piece)
        return piece


@dataclass
class Received:
    """A request as it came, names in the case that was sent. Bytes are shown as Latin-1 throughout."""

    connection: int
    head: str
    body: bytes = b""
    trailers: list = field(default_factory=list)
    complete: bool = False

    @property
    def start(self):
        return self.head.split("\r\n", 1)[0]

    @property
    def method(self):
        return self.start.split(" ", 1)[0]

    @property
    def target(self):
        return self.start.split(" ", 1)[1].rsplit(" ", 1)[0]

    @property
    def fields(self):
        """(name, value) for each line."""
        lines = [line.partition(":") for line in self.head.split("\r\n")[1:]]
        return [(name, value.strip(" \t")) for name, _, value in lines]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The only value of a field; None if absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def chunked(self):
        return bool(self.all("transfer-encoding"))

    def faults(self):
        """What a second reader of this head could read otherwise: nothing, if the proxy does its work."""
        found = []
        if re.search(r"\r(?!\n)|(?<!\r)\n|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", self.head):
            found.append("a bare CR, a bare LF or a control byte")
        if not re.fullmatch(r"\S+ [^\s\x00-\x1f\x7f]+ HTTP/1\.[01]", self.start):
            found.append(f"the request line {self.start!r}")
        lines = self.head.encode("latin-1").split(b"\r\n")[1:]
        found += [f"the field line {line!r}" for line in lines if not TOKEN.fullmatch(line.partition(b":")[0])]
        if len(self.all("host")) != 1:
            found.append(f"host {self.all('host')}")
        codings, lengths = self.all("transfer-encoding"), self.all("content-length")
        if len(codings) + len(lengths) > 1:
            found.append(f"framed by transfer-encoding {codings} and content-length {lengths}")
        if codings and (codings[0].lower() != "chunked" or self.start.endswith("1.0")):
            found.append(f"transfer-encoding {codings}")
        if lengths and not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
            found.append(f"content-length {lengths}")
        return found


class Recorder(Origin):
    """A backend that keeps every request and every byte, and answers with `respond(request)`, the bytes of a response.

    A request with faults is answered and its connection closed, since nobody knows where it ends.
    """

    def __init__(self, respond=None):
        self.received = []
        self.respond = respond or (lambda request: OK)
        self._pieces = []
        super().__init__(self._record)

    def wire(self, start=0):
        """All bytes that came, from the `start`th read on, of all connections together."""
        return b"".join(self._pieces[start:])

    def reads(self):
        return len(self._pieces)

    def _record(self, peer):
        peer.socket.settimeout(None)  # it may idle as long as the proxy likes
        reader = Reader(Tap(peer.socket, self._pieces))
        close = False
        while not close:
            request = receive_head(reader, peer.number)
            self.received.append(request)
            close = bool(request.faults())
            if not close:
                receive_body(reader, request)
            response = self.respond(request)
            peer.send(response)
            close = close or b"connection: close" in response


def receive_head(reader, connection=0):
    lines = []
    while line := reader.line():
        lines.append(line)
    return Received(connection, b"\r\n".join(lines).decode("latin-1"))


def receive_body(reader, request):
    if request.chunked:
        while piece := reader.chunk():
            request.body += piece
        request.trailers = reader.fields()
    elif length := request.get("content-length"):
        request.body = reader.exactly(int(length))
    request.complete = True


@dataclass
class Conversation:
    """What a client got on one connection: interim and final responses, and whether the server closed it in the end."""

    responses: list
    interim: list
    closed: bool
    # Bytes of a response that broke off, and why.
    rest: str = ""

    @property
    def statuses(self):
        return [response.status for response in self.responses]


def converse(address, data, methods=(), seconds=10):
    """Sends `data` on a new connection and reads responses until the server closes: to `methods`, then to GET."""
    got = Conversation([], [], False)
    waiting = list(methods)
    with socket.create_connection(address, timeout=seconds) as sock:
        reader = Reader(sock)
        try:
            sock.sendall(data)
        except ConnectionError:
            pass  # refused before all was sent: what it said is still to be read
        try:
            while not reader.closed():
                response = read_response(reader, waiting[0] if waiting else "GET")
                if response.status < 200:
                    got.interim.append(response)
                    continue
                del waiting[:1]
                got.responses.append(response)
            got.closed = True
        except (EOFError, ConnectionError) as error:
            got.closed = True
            got.rest = str(error)
        except TimeoutError:
            got.rest = f"neither answered nor closed after {seconds} s"
    return got


class Gate:
    """A recorder with two proxies before it: one whose plugins pass all on, one whose plugin answers everything."""

    def __init__(self, directory, plugins, config="", respond=None):
        self.backend = Recorder(respond)
        self.proxy = Tollgate(self.backend.url, Path(directory) / "gate", plugins, config)
        self.trap = Tollgate(self.backend.url, Path(directory) / "trap", TRAP, config)

    def stop(self):
        self.proxy.stop()
        self.trap.stop()
        self.backend.stop()

    def refuse(self, data, *statuses, follow=BEHIND):
        """It is answered with one of `statuses` and its connection closed; neither plugin nor backend see it."""
        answer = None
        for proxy in (self.trap, self.proxy):
            reads = self.backend.reads()
            got = converse(proxy.address, data + follow)
            assert got.statuses, f"no answer: {got.rest}"
            assert got.statuses[0] != TRAP_STATUS, "a plugin got it"
            assert got.statuses[0] in statuses, f"{got.statuses} and not one of {statuses}"
            assert len(got.statuses) == 1, f"what came behind it was answered: {got.statuses}"
            assert got.closed, "where the next request begins is unknown, but the connection goes on"
            answer = got.responses[0]
            self._nothing_reached(reads)
        return answer

    def _nothing_reached(self, reads):
        """The backend gets a request that is sent now, and has got nothing else since."""
        got = converse(self.proxy.address, SENTINEL)
        assert got.statuses == [200], f"the proxy no longer serves: {got}"
        wire = self.backend.wire(reads)
        head, end, rest = wire.partition(b"\r\n\r\n")
        assert head.startswith(b"GET /sentinel ") and end and not rest, f"the backend got {wire!r}"

    def spoil(self, data, *statuses, follow=BEHIND):
        """The head is well, the body is not: the backend may see its beginning, never its end nor what is behind it."""
        seen, before = len(self.backend.received), self.backend.reads()
        got = converse(self.proxy.address, data + follow)
        assert got.closed, got.rest
        assert got.statuses in [[]] + [[status] for status in statuses], got.statuses
        assert converse(self.proxy.address, SENTINEL).statuses == [200], "the proxy no longer serves"
        assert b"/behind" not in self.backend.wire(before), "what came behind it went on"
        whole = [request.target for request in self.backend.received[seen:] if request.complete]
        assert whole == ["/sentinel"], whole
        return got.statuses

    def forward(self, data, method="GET", follow=BEHIND):
        """The request and the one behind it are forwarded and answered; returns it as the backend got it."""
        seen = len(self.backend.received)
        got = converse(self.proxy.address, data + follow, [method])
        assert got.statuses == [200, 200], f"{got.statuses} {got.rest}"
        requests = self.backend.received[seen:]
        for request in requests:
            assert not request.faults(), f"{request.faults()} in {request.head!r}"
            assert request.complete
        assert [request.target for request in requests[1:]] == ["/behind"]
        return requests[0]

    def judge(self, data, method="GET", follow=BEHIND):
        """Either way is right, as long as it is refused whole or forwarded so that it can be read in one way only.

        Returns the status, and the request as the backend got it or None.
        """
        seen, reads = len(self.backend.received), self.backend.reads()
        got = converse(self.proxy.address, data + follow, [method])
        assert got.statuses, f"no answer: {got.rest}"
        if got.statuses[0] != 200:
            assert 400 <= got.statuses[0] <= 599
            assert len(got.statuses) == 1 and got.closed, f"what came behind it was answered: {got.statuses}"
            self._nothing_reached(reads)
            return got.statuses[0], None
        requests = self.backend.received[seen:]
        for request in requests:
            assert not request.faults(), f"{request.faults()} in {request.head!r}"
        # A proxy may close where it isn't sure, but then nothing of what came behind may have been taken.
        if got.statuses == [200, 200]:
            assert [request.target for request in requests[1:]] == ["/behind"]
        else:
            assert got.closed and len(requests) == 1, f"{got.statuses} {got.rest} {[r.target for r in requests]}"
        return 200, requests[0]
