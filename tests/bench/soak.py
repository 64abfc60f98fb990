#!/usr/bin/env python3
"""Reloads a plugin many times under load and looks for anything that breaks or grows.

Every answer must be a whole 200 with the version of code that has been written, and never an older one than the same
connection has seen before. Memory at the end may be at most 110 % of what it was after 100 reloads. Exits non-zero
otherwise.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

from harness import backend, proxies
from harness.client import VERSION_FIELD, Answer, Connection
from harness.process import Process
from harness.versions import Versions, name, number

GUEST = proxies.TARGET / "bench/reload-rust.wasm"
BODY = "1KiB"
SERVED_WITHIN_SECONDS = 60.0
RECONNECT_SECONDS = 0.1
BASELINE_RELOAD = 100
GROWTH = 1.10
SAMPLES = 10
"""The memory at one point is the median over that many reloads."""


class Traffic:
    """Clients that ask without pause, one thread and one connection each, and check every answer."""

    def __init__(self, port: int, connections: int) -> None:
        self._changed = threading.Condition()
        self._stopping = False
        self.written = 1
        self.newest_seen = 0
        self.answers = 0
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._client, args=(port, index)) for index in range(connections)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        for thread in self._threads:
            thread.join()

    def wait_until_served(self, version: int) -> bool:
        """Waits until some connection has got an answer of this version; false when none does in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.newest_seen >= version, SERVED_WITHIN_SECONDS)

    def _client(self, port: int, index: int) -> None:
        while not self._stopping:
            try:
                with closing(Connection(port, f"/{BODY}", VERSION_FIELD)) as connection:
                    self._ask(connection, index)
            except (OSError, http.client.HTTPException) as error:
                self._note(None, f"connection {index}: {error!r}")
                time.sleep(RECONNECT_SECONDS)

    def _ask(self, connection: Connection, index: int) -> None:
        last = 0
        while not self._stopping:
            answer = connection.get()
            self._note(answer, self._wrong(answer, last, index))
            last = max(last, number(answer.value))

    def _wrong(self, answer: Answer, last: int, index: int) -> str | None:
        """What is wrong with an answer on a connection that has seen version `last`."""
        if answer.status != 200 or answer.length != backend.SIZES[BODY]:
            return f"connection {index}: status {answer.status}, {answer.length} bytes"
        if not last <= number(answer.value) <= self.written or number(answer.value) == 0:
            return f"connection {index}: version {answer.value!r} after {name(last)}, written are 1 to {self.written}"
        return None

    def _note(self, answer: Answer | None, wrong: str | None) -> None:
        with self._changed:
            self.answers += 1
            if wrong:
                self.failures.append(wrong)
            if answer and number(answer.value) > self.newest_seen:
                self.newest_seen = number(answer.value)
                self._changed.notify_all()


def main() -> int:
    args = parse_args()
    for file, how in ((proxies.TOLLGATE, "make build"), (GUEST, "make bench-guests")):
        if not file.exists():
            print(f"no {file}; {how}")
            return 1
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tollgate-soak-")))
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        file = directory / "watched/plugins/reloaded.wasm"
        file.parent.mkdir(parents=True)
        versions = Versions(GUEST)
        versions.write(1, file)
        process, port = proxies.start_tollgate("tollgate", origin_port, file.parent, directory)
        stack.enter_context(process)
        traffic = stack.enter_context(Traffic(port, args.connections))
        memory = reload_all(process, traffic, versions, file, args.reloads)
        time.sleep(args.settle)
        memory.append(process.status_kib("VmRSS"))
        return report(traffic, memory, args.reloads)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--settle", type=float, default=0.0, help="seconds of load after the last reload")
    return parser.parse_args()


def reload_all(process: Process, traffic: Traffic, versions: Versions, file: Path, reloads: int) -> list[int]:
    """Writes one version after the other, each when the one before has served. Returns KiB of memory after each."""
    print(f"{'reload':>8}{'answers':>10}{'failed':>8}{'RSS KiB':>10}{'peak KiB':>10}{'files':>7}{'threads':>9}{'s':>8}")
    memory: list[int] = []
    start = time.monotonic()
    for reload in range(1, reloads + 1):
        version = traffic.written + 1
        traffic.written = version
        versions.write(version, file)
        if not traffic.wait_until_served(version):
            traffic.failures.append(f"version {version} was not served within {SERVED_WITHIN_SECONDS:.0f} s")
            print(process.log()[-4000:])
            break
        process.check_running()
        memory.append(process.status_kib("VmRSS"))
        if reload % max(1, reloads // 20) == 0 or reload in (1, BASELINE_RELOAD):
            peak, files, threads = process.status_kib("VmHWM"), process.open_files(), process.threads()
            print(
                f"{reload:8}{traffic.answers:10}{len(traffic.failures):8}{memory[-1]:10}{peak:10}{files:7}{threads:9}"
                f"{time.monotonic() - start:8.1f}",
                flush=True,
            )
    return memory


def report(traffic: Traffic, memory: list[int], reloads: int) -> int:
    """Prints the outcome and returns the exit code."""
    print(f"\n{traffic.answers} answers during {len(memory) - 1} of {reloads} reloads, {len(traffic.failures)} failed")
    for failure in traffic.failures[:20]:
        print(f"  {failure}")
    if reloads <= BASELINE_RELOAD:
        print(f"memory is not judged before reload {BASELINE_RELOAD}")
        return 1 if traffic.failures else 0
    if len(memory) <= BASELINE_RELOAD:
        return 1
    base = statistics.median(memory[BASELINE_RELOAD - SAMPLES : BASELINE_RELOAD])
    last = statistics.median(memory[-SAMPLES:])
    grown = last / base
    print(f"memory: {base:.0f} KiB after {BASELINE_RELOAD} reloads, {last:.0f} KiB at the end")
    print(f"that is {grown:.1%}; at most {GROWTH:.0%}")
    return 1 if traffic.failures or grown > GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
