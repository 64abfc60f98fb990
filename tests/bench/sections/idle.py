"""Section `idle`: what a connection at rest costs in memory, after it has served one request.

Every figure is of a process started for it. Its resident memory is taken after a warm-up, and again with all
connections open; the difference is divided by their number. What the kernel holds for sockets is not in it.
"""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

from harness import backend, certificate, limits, peers, rounds
from harness.options import Options
from harness.process import Process, Started
from harness.proxies import TOLLGATE as BINARY
from harness.proxies import all_proxies, start_tollgate
from harness.rounds import Spread
from harness.verdicts import Outcome, verdict

ROUNDS = 7
CONNECTIONS = {"h1": 5_000, "h2": 5_000, "TLS, h1": 2_000, "TLS, h2": 2_000}
WARM_UP = 200
BODY = "1KiB"
TOLLGATE = "tollgate"
LIMITS_KIB = {"h1": 2.0, "h2": 6.0, "TLS, h1": 14.0, "TLS, h2": 18.0}

Open = Callable[[int], socket.socket]
"""Connects to a port, has one request served, and leaves the connection at rest."""


def run(options: Options, directory: Path) -> Outcome:
    names = [name for name in (TOLLGATE, "nginx", "haproxy") if re.search(options.proxies, name)]
    samples: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in names} for kind in CONNECTIONS}
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        tls = certificate.make(directory)
        for turn in range(options.rounds or ROUNDS):
            for kind in CONNECTIONS:
                for name in rounds.order(names, turn):
                    own = directory / f"{turn}-{kind.replace(', ', '-')}-{name}"
                    own.mkdir()
                    started = start(name, kind, origin_port, own, tls)
                    if started is not None:
                        samples[kind][name].append(measure(started, kind))
    found = {kind: {name: each for name, each in of_kind.items() if each} for kind, of_kind in samples.items()}
    print_table(found)
    return Outcome(judge(found), dict(found))


def start(name: str, kind: str, origin_port: int, directory: Path, tls: certificate.Tls) -> Started | None:
    """The proxy as `kind` wants it; none if it isn't there."""
    secured = tls if kind.startswith("TLS") else None
    if name == TOLLGATE:
        if not BINARY.exists():
            return None
        plugins = directory / "plugins"
        plugins.mkdir()
        return start_tollgate(name, origin_port, plugins, directory, ("--tls", "self-signed") if secured else ())
    if any(proxy.name == name and proxy.missing() for proxy in all_proxies()):
        return None
    if name == "nginx":
        return peers.start_nginx(origin_port, directory, http2=kind == "h2", tls=secured)
    return peers.start_haproxy(origin_port, directory, tls=secured)


def measure(started: Started, kind: str) -> float:
    """KiB of resident memory for each connection."""
    process, port = started
    count = min(CONNECTIONS[kind], limits.connections())
    with process:
        for warm in [OPENERS[kind](port) for _ in range(WARM_UP)]:
            warm.close()
        before = process.resident_kib()
        opened: list[socket.socket] = []
        try:
            for _ in range(count):
                opened.append(OPENERS[kind](port))
            grown = process.resident_kib() - before
            still_open(process, opened)
        finally:
            for each in opened:
                each.close()
    return grown / count


def still_open(process: Process, opened: list[socket.socket]) -> None:
    """Raises when the proxy has closed any: memory that was freed would flatter it."""
    for each in opened:
        each.setblocking(False)
        try:
            ended = each.recv(1) == b""
        except (BlockingIOError, ssl.SSLWantReadError):
            continue
        if ended:
            raise RuntimeError(f"{process.name} closed idle connections")


def open_h1(sock: socket.socket) -> None:
    sock.sendall(f"GET /{BODY} HTTP/1.1\r\nhost: bench\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        got += more(sock)
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    if not head.startswith(b"HTTP/1.1 200") or length is None:
        raise RuntimeError(f"not the answer that is measured: {head[:200]!r}")
    left = int(length.group(1)) - len(body)
    while left > 0:
        left -= len(more(sock))


DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def open_h2(sock: socket.socket) -> None:
    """The preface, one request on stream 1, and frames until its end (RFC 9113, sections 3.4, 4.1 and 8.3)."""
    path = f"/{BODY}".encode()
    # HPACK (RFC 7541, appendix A): indexed :method GET (2) and :scheme http (6); literal :path (4), :authority (1).
    block = b"\x82\x86\x04" + bytes([len(path)]) + path + b"\x01\x05bench"
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))
    sock.sendall(frame(HEADERS, END_STREAM | END_HEADERS, 1, block))
    buffer, ended = b"", False
    while not ended:
        buffer += more(sock)
        while len(buffer) >= 9 and len(buffer) >= 9 + int.from_bytes(buffer[:3], "big"):
            length, kind, flags = int.from_bytes(buffer[:3], "big"), buffer[3], buffer[4]
            stream = int.from_bytes(buffer[5:9], "big")
            buffer = buffer[9 + length :]
            if kind == SETTINGS and not flags & ACK:
                sock.sendall(frame(SETTINGS, ACK, 0, b""))
            if kind not in (DATA, HEADERS) and stream == 1:
                raise RuntimeError(f"not the answer that is measured: frame of type {kind}")
            ended = ended or (kind in (DATA, HEADERS) and bool(flags & END_STREAM))


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def more(sock: socket.socket) -> bytes:
    piece = sock.recv(65536)
    if not piece:
        raise RuntimeError("closed in the middle of an answer")
    return piece


def opener(ask: Callable[[socket.socket], None], alpn: str | None) -> Open:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([alpn])

    def connect(port: int) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", port), 30)
        if alpn:
            sock = context.wrap_socket(sock)
        ask(sock)
        return sock

    return connect


OPENERS: dict[str, Open] = {
    "h1": opener(open_h1, None),
    "h2": opener(open_h2, None),
    "TLS, h1": opener(open_h1, "http/1.1"),
    "TLS, h2": opener(open_h2, "h2"),
}


def print_table(samples: dict[str, dict[str, list[float]]]) -> None:
    print("\nKiB of resident memory for each connection at rest")
    names = list(next(iter(samples.values())))
    print(f"{'':26}{'connections':>12}" + "".join(f"{name:>10}{'quartiles':>14}" for name in names))
    for kind, of_kind in samples.items():
        row = f"{kind:26}{min(CONNECTIONS[kind], limits.connections()):12,}"
        for name in names:
            spread = Spread.of(of_kind[name])
            row += f"{spread.median:10.1f}{f'{spread.low:.1f}-{spread.high:.1f}':>14}"
        print(row, flush=True)


def judge(samples: dict[str, dict[str, list[float]]]) -> list[str]:
    return [
        verdict(f"memory per idle connection, {kind}, KiB", Spread.of(of_kind[TOLLGATE]), LIMITS_KIB[kind])
        for kind, of_kind in samples.items()
        if TOLLGATE in of_kind
    ]
