"""Section `bodies`: what it costs that a plugin rewrites bodies as they flow.

Of a plugin that keeps every piece: the CPU time of a piece, by how much the events of a stream are delayed, and by how much the
resident memory grows while 1 GiB goes through. Of `redact`: the memory that 1,000 event streams take at the same time.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from harness import rounds
from harness.events import Events, read
from harness.options import Options
from harness.process import Started
from harness.proxies import OPTIMIZED, OPTIMIZED_SECONDS, TARGET, TOLLGATE, optimized, start_tollgate
from harness.rounds import Spread
from harness.streams import Streams
from harness.verdicts import Outcome, verdict
from sections import transfer

ROUNDS = 5
KEEP = TARGET / "bench/keep.wasm"
REDACT = TARGET / "plugins/redact.wasm"

EVENTS = 200_000
PACED_EVENTS, PAUSE_MS = 300, 10
STREAMS, STREAM_EVENTS, STREAM_PAUSE_MS = 1000, 60, 500

PIECE_LIMIT_US = 2.0
DELAY_LIMIT_MS = 1.0
MEMORY_LIMIT_MIB = 16.0
FLAT_LIMIT = 1.1
"""Memory after 30 s of 1,000 streams in relation to that after 10 s."""


def run(options: Options, directory: Path) -> Outcome:
    for file, how in ((TOLLGATE, "make build"), (KEEP, "make bench-guests"), (REDACT, "make plugins")):
        if not file.exists():
            print(f"skipped: {file} is missing; {how}")
            return Outcome()
    samples: dict[str, list[float]] = {"piece us": [], "delay ms": [], "1 GiB MiB": []}
    ways = ["without", "with"]
    with ExitStack() as stack:
        events, streams = stack.enter_context(Events()), stack.enter_context(Streams(transfer.SIZE))
        for turn in range(options.rounds or ROUNDS):
            cpu, delay = {}, {}
            for way in rounds.order(ways, turn):
                plugin = KEEP if way == "with" else None
                process, port = start(directory / f"{turn}-{way}", events.port, plugin)
                with process:
                    cpu[way] = cpu_of_a_stream(process, port)
                    delay[way] = median_delay(port)
            samples["piece us"].append((cpu["with"] - cpu["without"]) / EVENTS * 1e6)
            samples["delay ms"].append((delay["with"] - delay["without"]) * 1e3)
            grown = transfer.measure(start(directory / f"{turn}-large", streams.port, KEEP), "h1, down", Path())
            samples["1 GiB MiB"].append(grown)
            print(f"round {turn + 1}: " + ", ".join(f"{name} {each[-1]:.3f}" for name, each in samples.items()), flush=True)
        memory = memory_of_streams(start(directory / "streams", events.port, REDACT))
    print(f"RSS MiB with {STREAMS} streams through redact: " + ", ".join(f"{at:.0f} s {mib:.1f}" for at, mib in memory))
    flat = memory[-1][1] / memory[1][1]
    return Outcome(
        [
            verdict("a kept piece of 200 bytes, CPU us", Spread.of(samples["piece us"]), PIECE_LIMIT_US),
            verdict("an event later by, median, ms", Spread.of(samples["delay ms"]), DELAY_LIMIT_MS),
            verdict("1 GiB through a plugin, peak memory, MiB more", Spread.of(samples["1 GiB MiB"]), MEMORY_LIMIT_MIB),
            verdict(f"{STREAMS} streams, memory 30 s / 10 s", Spread.of([flat]), FLAT_LIMIT),
        ],
        dict(samples),
    )


def start(directory: Path, backend_port: int, plugin: Path | None) -> Started:
    plugins = directory / "plugins"
    plugins.mkdir(parents=True)
    more = ()
    if plugin is not None:
        shutil.copy(plugin, plugins)
        more = ("--log", "info,tollgate::plugin::supervise=debug")
    process, port = start_tollgate("tollgate", backend_port, plugins, directory, more)
    if plugin is not None:
        process.wait(lambda: optimized(process.log()) or None, OPTIMIZED_SECONDS, OPTIMIZED)
    return process, port


def cpu_of_a_stream(process, port: int) -> float:
    """CPU seconds of a stream that flows as fast as it can."""
    asyncio.run(read(port, "/1000/0"))
    before = process.usage()
    count = asyncio.run(read(port, f"/{EVENTS}/0"))
    if count != EVENTS:
        raise RuntimeError(f"{count} of {EVENTS} events arrived")
    return (process.usage() - before).cpu_seconds


def median_delay(port: int) -> float:
    """Seconds from the sending of an event to its arrival."""
    delays: list[float] = []
    asyncio.run(read(port, f"/{PACED_EVENTS}/{PAUSE_MS}", delays))
    return sorted(delays)[len(delays) // 2]


def memory_of_streams(started: Started) -> list[tuple[float, float]]:
    """Seconds from the begin of many streams, and the resident memory in MiB at that time."""
    process, port = started
    found: list[tuple[float, float]] = []

    async def watch() -> None:
        began = time.monotonic()
        every = [read(port, f"/{STREAM_EVENTS}/{STREAM_PAUSE_MS}") for _ in range(STREAMS)]
        reading = asyncio.gather(*every)
        for at in (5, 10, 20, 28):
            await asyncio.sleep(max(0, began + at - time.monotonic()))
            found.append((time.monotonic() - began, process.resident_kib() / 1024))
        counts = await reading
        if set(counts) != {STREAM_EVENTS}:
            raise RuntimeError(f"not every stream was complete: {sorted(set(counts))}")

    with process:
        found.append((0.0, process.resident_kib() / 1024))
        asyncio.run(watch())
    return found
