#!/usr/bin/env python3
"""How long after a plugin's file is written does the new code serve?

Measured from the moment the writer has closed the file to the first answer of the new version, on one connection that
asks all the time. README.md tells what the figures contain.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from harness import backend, proxies
from harness.client import VERSION_FIELD, Connection
from harness.process import Process
from harness.versions import Versions, name

POLL_SECONDS = 0.0005
HURRIED_REST_SECONDS = 0.25
QUIET_WITHIN_SECONDS = 120.0
SERVED_WITHIN_SECONDS = 120.0
KEPT = 4
"""A version seen before is one of the last few."""


@dataclass(frozen=True)
class Guest:
    """A compiled plugin, how to get it, and the limits of its 95th percentile, for new bytes and for bytes seen before."""

    title: str
    file: Path
    how: str
    fresh_seconds: float
    seen_seconds: float
    fresh_reloads: int


GUESTS = [
    Guest("Rust", proxies.TARGET / "bench/reload-rust.wasm", "make bench-guests", 0.030, 0.010, 50),
    Guest("Python", proxies.TARGET / "bench/reload-python.wasm", "make bench-guests", 1.5, 0.100, 10),
]


@dataclass(frozen=True)
class Series:
    """One row of the table. Times in seconds."""

    title: str
    limit: float
    times: list[float]

    def percentile(self, share: float) -> float:
        """The smallest time that this share of all times does not exceed."""
        return sorted(self.times)[math.ceil(len(self.times) * share) - 1]

    def row(self) -> str:
        p50, p95, longest = statistics.median(self.times), self.percentile(0.95), max(self.times)
        outcome = "met" if p95 <= self.limit else "missed"
        columns = "".join(f"{seconds * 1000:10.1f}" for seconds in (p50, p95, longest))
        return f"{self.title:40}{len(self.times):8}{columns}   p95 <= {self.limit * 1000:.0f}: {outcome}"


class Reloader:
    """A running tollgate whose one plugin is replaced."""

    def __init__(self, process: Process, port: int, versions: Versions, file: Path, hurry: bool) -> None:
        self._process = process
        self._hurry = hurry
        self._versions = versions
        self._file = file
        self._connection = Connection(port, "/1KiB", VERSION_FIELD)

    def reload(self, number: int) -> float:
        """Writes the version and returns how many seconds after that it served."""
        self._rest()
        closed = self._versions.write(number, self._file)
        while True:
            answer = self._connection.get()
            now = time.monotonic()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status} during a reload: {self._process.log()[-2000:]}")
            if answer.value == name(number):
                return now - closed
            if now - closed > SERVED_WITHIN_SECONDS:
                raise RuntimeError(f"version {number} is not served: {self._process.log()[-2000:]}")
            time.sleep(POLL_SECONDS)

    def _rest(self) -> None:
        """Waits until nothing is left to do for the version before, or for a moment only if there is a hurry."""
        if self._hurry:
            time.sleep(HURRIED_REST_SECONDS)
        else:
            self._process.wait_until_quiet(QUIET_WITHIN_SECONDS)

    def close(self) -> None:
        self._connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="Rust or Python")
    parser.add_argument("--reloads", type=int, help="of each kind (default 50 for Rust, 10 for Python)")
    parser.add_argument("--hurry", action="store_true", help="don't wait for background work before the next reload")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every time here, in seconds")
    args = parser.parse_args()
    print(f"{'ms from close-after-write to first answer':40}{'reloads':>8}{'p50':>10}{'p95':>10}{'max':>10}")
    rows = []
    for guest in GUESTS:
        if args.only not in guest.title:
            continue
        absent = [str(file) for file in (proxies.TOLLGATE, guest.file) if not file.exists()]
        if absent:
            print(f"skipped {guest.title}: no {' and no '.join(absent)}; {guest.how}")
            continue
        rows += measure(guest, args.reloads or guest.fresh_reloads, args.hurry)
    if args.json:
        args.json.write_text(json.dumps({row.title: row.times for row in rows}, indent=1) + "\n")
    return 0 if rows else 1


def measure(guest: Guest, reloads: int, hurry: bool) -> list[Series]:
    """Replaces the plugin by new versions, then by versions that have already served."""
    versions = Versions(guest.file)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tollgate-reload-")))
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        plugins = directory / "watched/plugins"
        plugins.mkdir(parents=True)
        versions.write(1, plugins / "reloaded.wasm")
        process, port = proxies.start_tollgate("tollgate", origin_port, plugins, directory)
        stack.enter_context(process)
        reloader = Reloader(process, port, versions, plugins / "reloaded.wasm", hurry)
        stack.callback(reloader.close)
        size = f"{versions.size / 1e6:.1f} MB" if versions.size > 1e6 else f"{versions.size / 1e3:.0f} KB"
        fresh = Series(
            f"{guest.title}, {size}, new bytes",
            guest.fresh_seconds,
            [reloader.reload(n) for n in range(2, 2 + reloads)],
        )
        print(fresh.row(), flush=True)
        newest = 1 + reloads
        again = [newest - 1 - turn % min(KEPT, reloads) for turn in range(reloads)]
        seen = Series(
            f"{guest.title}, {size}, bytes seen before", guest.seen_seconds, [reloader.reload(n) for n in again]
        )
        print(seen.row(), flush=True)
    return [fresh, seen]


if __name__ == "__main__":
    sys.exit(main())
