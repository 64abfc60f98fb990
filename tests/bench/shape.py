#!/usr/bin/env python3
"""What shape should the proxy's runtime have? Compares the bare hyper proxy in its shapes; SHAPE.md has the outcome."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from harness import backend, load, rounds
from harness.process import Process, Started
from harness.proxies import start_bare
from harness.rounds import Sample

VARIANTS = [(shape, pool) for pool in ("legacy", "own", "inline") for shape in ("stealing", "per-core")]
SIDE_SECONDS = 60
WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Side:
    """A load beside the measured one. It adds to the CPU that is accounted for."""

    path: str
    connections: int
    per_second: int
    """Requests a second on each connection."""


@dataclass(frozen=True)
class Workload:
    """A measured load; `guess` is about how many requests a second it does."""

    name: str
    path: str
    connections: int
    guess: int
    per_second: int | None = None
    side: Side | None = None


WORKLOADS = [
    Workload("1 KiB, 32 connections", "/1KiB", 32, 40_000),
    Workload("1 KiB, 1000 connections", "/1KiB", 1000, 30_000),
    Workload("64 KiB, 32 connections", "/64KiB", 32, 15_000),
    Workload("1 MiB, 32 connections", "/1MiB", 32, 1500),
    Workload("2 ms of CPU each, 2 connections", "/burn/2/1KiB", 2, 700),
    Workload("2 ms of CPU each, 4 connections", "/burn/2/1KiB", 4, 700),
    Workload("paced", "/1KiB", 32, 3200, per_second=100),
    Workload("paced, beside 160/s of 1 MiB", "/1KiB", 32, 3200, per_second=100, side=Side("/1MiB", 4, 40)),
    Workload("paced, beside 50/s of 2 ms", "/1KiB", 32, 3200, per_second=100, side=Side("/burn/2/1KiB", 1, 50)),
    Workload("paced, beside 4 x 25/s of 2 ms", "/1KiB", 32, 3200, per_second=100, side=Side("/burn/2/1KiB", 4, 25)),
    Workload("paced, beside 10/s of 20 ms", "/1KiB", 32, 3200, per_second=100, side=Side("/burn/20/1KiB", 1, 10)),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a turn")
    parser.add_argument("--only", default="", metavar="REGEX", help="workloads whose name matches")
    parser.add_argument("--variants", default="", metavar="REGEX", help="variants whose name matches")
    args = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tollgate-shape-")))
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        running: dict[str, Started] = {}
        for shape, pool in VARIANTS:
            if re.search(args.variants, f"{shape}, {pool}"):
                proxy, port = start_bare(shape, pool, origin_port, directory)
                stack.enter_context(proxy)
                running[f"{shape}, {pool}"] = proxy, port
        for work in WORKLOADS:
            if re.search(args.only, work.name):
                print_table(work, compare(work, running, args.rounds, args.seconds))
    return 0


def compare(work: Workload, running: dict[str, Started], count: int, seconds: float) -> dict[str, list[Sample]]:
    """Interleaved rounds of one workload."""
    requests = {}
    for name, (proxy, port) in running.items():
        warm = measure(proxy, port, work, max(work.connections, int(work.guess * WARM_UP_SECONDS)))
        requests[name] = max(work.connections, int(warm.per_second * seconds))
    samples: dict[str, list[Sample]] = {name: [] for name in running}
    for turn in range(count):
        for name in rounds.order(list(running), turn):
            proxy, port = running[name]
            samples[name].append(measure(proxy, port, work, requests[name]))
    return samples


def measure(proxy: Process, port: int, work: Workload, requests: int) -> Sample:
    url = f"http://127.0.0.1:{port}"
    with beside(url, work.side):
        return rounds.measure(proxy, url + work.path, requests, work.connections, work.per_second)


@contextmanager
def beside(url: str, side: Side | None) -> Iterator[None]:
    if side is None:
        yield
        return
    process = load.start_endless(url + side.path, side.connections, side.per_second, SIDE_SECONDS)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def print_table(work: Workload, samples: dict[str, list[Sample]]) -> None:
    """The first variant is what the others are compared with."""
    print(f"\n{work.name}")
    print(f"{'':20}{'CPU µs':>9}{'x first':>9}{'quartiles':>14}{'switches':>10}{'req/s':>9}{'p50 µs':>9}{'p99 µs':>9}")
    first = next(iter(samples.values()))
    for name, of_one in samples.items():
        row, against = rounds.median(of_one), rounds.ratio(of_one, first)
        quartiles = f"{against.low:.2f}-{against.high:.2f}"
        print(
            f"{name:20}{row.cpu:9.2f}{against.median:9.3f}{quartiles:>14}{row.switches:10.2f}"
            f"{row.per_second:9.0f}{row.p50:9.0f}{row.p99:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
