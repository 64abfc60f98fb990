"""A backend of long bodies: GET /N gives N bytes, any upload is counted and answered with its length.

In the middle of a long upload it rests for a moment, so that what is between it and the client fills up.
"""

from __future__ import annotations

import http.server
import threading
import time
from types import TracebackType

PIECE = bytes(1 << 18)
REST_SECONDS = 0.5


class Streams:
    """Listens while the `with` block runs. It rests in the middle of uploads of `size` bytes or more."""

    def __init__(self, size: int) -> None:
        handler = type("Handler", (_Handler,), {"size": size})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Streams:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a connection that breaks off is an error of curl's, too, and is told there."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    size = 0

    def do_GET(self) -> None:
        left = int(self.path[1:])
        self.send_response(200)
        self.send_header("content-length", str(left))
        self.end_headers()
        while left:
            piece = PIECE[:left]
            self.wfile.write(piece)
            left -= len(piece)

    def do_PUT(self) -> None:
        count = 0
        rested = False
        while length := self._next():
            count += length
            if not rested and count >= self.size // 2:
                rested = True
                time.sleep(REST_SECONDS)
        body = str(count).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _next(self) -> int:
        """Reads the next chunk, or the next piece of a body whose length is known; 0 at the end."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            size = int(self.rfile.readline().split(b";")[0], 16)
            self._skip(size)
            self.rfile.readline()
            return size
        left = getattr(self, "_left", None)
        left = int(self.headers["content-length"]) if left is None else left
        piece = min(left, len(PIECE))
        self._skip(piece)
        self._left: int | None = left - piece
        if piece == 0:
            self._left = None
        return piece

    def _skip(self, count: int) -> None:
        while count:
            got = len(self.rfile.read(min(count, len(PIECE))))
            if got == 0:
                raise ConnectionError("the upload ended too early")
            count -= got

    def log_message(self, *_: object) -> None:
        """Nothing: the log is the bench's own."""
