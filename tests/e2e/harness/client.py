"""A client of sockets: sends what the test says and reads what really comes."""

import socket

from .message import Reader, read_head, read_response


class Client:
    def __init__(self, address, seconds=30):
        self.socket = socket.create_connection(address, timeout=seconds)
        self.reader = Reader(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def head(self):
        return read_head(self.reader)

    def response(self, method="GET"):
        return read_response(self.reader, method)

    def request(self, method, target, *fields, body=b""):
        """Sends a request with a `host` field and these, and reads the response."""
        lines = [f"{method} {target} HTTP/1.1", "host: origin.test", *fields]
        if body:
            lines.append(f"content-length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return self.response(method)
