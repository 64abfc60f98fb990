"""A receiver of POST requests, such as a subscriber of SNS or a Lambda endpoint, that keeps what it got."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .waiting import until


@dataclass
class Delivery:
    """A request that came, with names of fields in lower case."""

    path: str
    fields: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Hook:
    """`answer(delivery)` gives status and body of each answer; by default 200 without a body."""

    def __init__(self, answer=lambda delivery: (200, b"")):
        self.answer = answer
        self.deliveries = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                fields = {name.lower(): value for name, value in self.headers.items()}
                delivery = Delivery(self.path, fields, body)
                status, content = hook.answer(delivery)
                hook.deliveries.append(delivery)
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait(self, count, what="a delivery"):
        """So many deliveries, as soon as they are there."""
        return until(lambda: len(self.deliveries) >= count and self.deliveries[:], f"{count} times {what}")

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
