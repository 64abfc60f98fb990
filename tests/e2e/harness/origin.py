"""A backend of sockets that does what a test tells it, byte for byte, and remembers what came."""

import socket
import threading

from .message import Reader, read_head, read_request_body


class Peer:
    """One connection as the origin sees it."""

    def __init__(self, sock, number):
        self.socket = sock
        self.number = number
        self.reader = Reader(sock)

    def head(self):
        return read_head(self.reader)

    def request(self):
        """A whole request; asks for its body when the sender waits to be asked."""
        request = read_head(self.reader)
        if (request.get("expect") or "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        read_request_body(self.reader, request)
        return request

    def send(self, data):
        self.socket.sendall(data)


class Origin:
    """Calls `serve(peer)` in a thread for each connection; what it raises fails the test at the end.

    A connection that the proxy closes where `serve` waits for a request is no error: that is how keep-alive ends.
    """

    def __init__(self, serve, address=("127.0.0.1", 0)):
        self._serve = serve
        self._listener = socket.create_server(address)
        self.address = self._listener.getsockname()
        self.url = "http://{}:{}".format(*self.address)
        self.connections = 0
        self.errors = []
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(30)
            self.connections += 1
            self._sockets.append(sock)
            threading.Thread(target=self._run, args=(Peer(sock, self.connections),), daemon=True).start()

    def _run(self, peer):
        try:
            self._serve(peer)
        except (EOFError, ConnectionError):
            pass
        except Exception as error:  # kept for the test's thread
            self.errors.append(error)
        finally:
            peer.socket.close()

    def stop(self):
        """Closes the listener and all connections."""
        # shutdown wakes the thread in accept; close alone would leave it there with the port in use.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def answer(response, requests=None):
    """A `serve` that keeps the connection and gives every request this response, or response(request)."""

    def serve(peer):
        while True:
            request = peer.request()
            if requests is not None:
                requests.append(request)
            peer.send(response(request) if callable(response) else response)

    return serve
