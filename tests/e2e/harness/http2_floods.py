"""Floods of frames that a client may not get away with: each is bytes for a connection's start and bytes to repeat."""

import socket
import threading

import hpack
from hyperframe.frame import ContinuationFrame, DataFrame, ExtensionFrame, HeadersFrame, PingFrame, PriorityFrame, RstStreamFrame
from hyperframe.frame import SettingsFrame, WindowUpdateFrame

from .http2_peer import PREFACE

HELLO = PREFACE + SettingsFrame(0).serialize()
HEAD = hpack.Encoder().encode(
    [(":method", "GET"), (":scheme", "http"), (":authority", "origin.test"), (":path", "/flood")], huffman=False
)
# A literal field, not indexed: name of 1 byte, value of 127 + 15,873 bytes (RFC 7541, section 5.1).
FIELD = b"\x00\x01x\x7f\x81\x7c" + b"y" * 16000


def opened(number=1, end=True):
    flags = ["END_HEADERS", "END_STREAM"] if end else ["END_HEADERS"]
    return HeadersFrame(number, HEAD, flags=flags).serialize()


def rapid_reset(count=5000):
    """Requests that are taken back at once (CVE-2023-44487)."""
    yield HELLO
    for first in range(0, count, 100):
        numbers = range(1 + 2 * first, 1 + 2 * (first + 100), 2)
        yield b"".join(opened(number) + RstStreamFrame(number, error_code=8).serialize() for number in numbers)


def made_resets(count=5000):
    """Requests that break the rules, so that the server itself must reset them (CVE-2025-8671)."""
    yield HELLO
    for first in range(0, count, 100):
        numbers = range(1 + 2 * first, 1 + 2 * (first + 100), 2)
        zero = [WindowUpdateFrame(number, window_increment=1).serialize()[:-4] + bytes(4) for number in numbers]
        yield b"".join(opened(number, end=False) + bad for number, bad in zip(numbers, zero))


def continuation(size=64 << 20):
    """A field section without an end (CVE-2024-27316)."""
    yield HELLO + HeadersFrame(1, HEAD).serialize()
    piece = ContinuationFrame(1, FIELD).serialize()
    for _ in range(size // len(piece)):
        yield piece


def empty_continuation(count=200_000):
    yield HELLO + HeadersFrame(1, HEAD).serialize()
    for _ in range(count // 1000):
        yield ContinuationFrame(1, b"").serialize() * 1000


def ping(count=200_000):
    yield HELLO
    for _ in range(count // 1000):
        yield PingFrame(0, opaque_data=b"12345678").serialize() * 1000


def settings(count=200_000):
    yield HELLO
    for _ in range(count // 1000):
        yield SettingsFrame(0).serialize() * 1000


def empty_data(count=200_000):
    yield HELLO + opened(end=False)
    for _ in range(count // 1000):
        yield DataFrame(1, b"").serialize() * 1000


def priority(count=200_000):
    yield HELLO
    for _ in range(count // 1000):
        yield PriorityFrame(1, depends_on=0, stream_weight=1).serialize() * 1000


def window_update(count=400_000):
    """Window for a stream that is asked for nothing, and so never needs any."""
    yield HELLO + opened(end=False)
    for _ in range(count // 1000):
        yield WindowUpdateFrame(0, window_increment=1).serialize() * 1000


def unknown(count=200_000):
    yield HELLO
    for _ in range(count // 1000):
        yield ExtensionFrame(0xF0, 0, body=b"nothing").serialize() * 1000


# Frames that carry nothing, of which a client may send so many and no more.
EMPTY = [ping, settings, priority, window_update, unknown]
FLOODS = [rapid_reset, made_resets, continuation, empty_continuation, empty_data, *EMPTY]


class Flood:
    """Sends it all in a thread, reading nothing, until it is done, refused or not taken any more."""

    def __init__(self, address, pieces):
        self.refused = False
        self.done = threading.Event()
        self._socket = socket.create_connection(address, timeout=3)
        threading.Thread(target=self._run, args=(pieces,), daemon=True).start()

    def _run(self, pieces):
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except TimeoutError:
            pass
        except OSError:
            self.refused = True
        finally:
            self.done.set()

    def is_cut(self):
        """Whether the proxy ends the connection. It may do so after all was sent, and then only a read tells."""
        try:
            while self._socket.recv(1 << 16):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def close(self):
        self._socket.close()
