"""A backend of event streams, and clients that read them.

`GET /COUNT/MILLISECONDS` gives so many events of 200 bytes, each so long after the one before it; 0 as fast as they are taken. Each
event begins with the time of its sending in nanoseconds of the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import threading
import time

EVENT_BYTES = 200
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
BATCH = 64
"""Events in one write, where they are sent as fast as they are taken."""


def event() -> bytes:
    line = b"data: %d " % time.monotonic_ns()
    return line.ljust(EVENT_BYTES - 2, b".") + b"\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Events:
    """Listens while the `with` block runs, on a thread of its own."""

    def __enter__(self) -> Events:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                count, pause = map(int, head.split()[1].decode().strip("/").split("/"))
                writer.write(HEAD)
                for done in range(0, count, 1 if pause else BATCH):
                    many = 1 if pause else min(BATCH, count - done)
                    writer.write(chunk(b"".join(event() for _ in range(many))))
                    await writer.drain()
                    if pause:
                        await asyncio.sleep(pause / 1000)
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def read(port: int, target: str, delays: list[float] | None = None) -> int:
    """Reads one stream to its end and returns how many events it had; notes in seconds how long each was on its way."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(b"GET %s HTTP/1.1\r\nhost: bench\r\n\r\n" % target.encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"a stream was answered with {head[:200]!r}")
    count, left = 0, b""
    while length := int(await reader.readline(), 16):
        data = left + await reader.readexactly(length)
        await reader.readexactly(2)
        now = time.monotonic_ns()
        whole, end, left = data.rpartition(b"\n\n")
        events = (whole + end).split(b"\n\n")[:-1]
        count += len(events)
        if delays is not None:
            delays += [(now - int(each.split()[1])) / 1e9 for each in events]
    writer.close()
    return count
