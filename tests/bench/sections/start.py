"""Section `start`: how long tollgate takes to serve with ten plugins, whose compiled code is in its cache or is not."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from pathlib import Path

from harness import backend
from harness.options import Options
from harness.proxies import ADD_HEADER, optimized, start_tollgate, tollgate
from harness.rounds import Spread
from harness.verdicts import Outcome, verdict

ROUNDS = 9
COUNT = 10
OPTIMIZED_SECONDS = 300.0
CACHED, NEW = "cached", "without cache"
LIMITS_MS = {CACHED: 25.0, NEW: 120.0}


def run(options: Options, directory: Path) -> Outcome:
    proxy = tollgate(COUNT)
    if not re.search(options.proxies, proxy.name):
        print(f"skipped: --proxies {options.proxies} does not match {proxy.name!r}")
        return Outcome()
    if reason := proxy.missing():
        print(f"skipped {proxy.name}: {reason}")
        return Outcome()
    plugins = directory / "plugins"
    plugins.mkdir()
    for number in range(COUNT):
        (plugins / f"add-header-{number}.wasm").write_bytes(distinct(ADD_HEADER.read_bytes(), number))
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        kept = directory / "kept"
        start(origin_port, plugins, kept, fill=True)
        samples: dict[str, list[float]] = {CACHED: [], NEW: []}
        for turn in range(options.rounds or ROUNDS):
            samples[CACHED].append(start(origin_port, plugins, kept))
            samples[NEW].append(start(origin_port, plugins, directory / f"new-{turn}"))
    print_table(samples)
    return Outcome(judge(samples), dict(samples))


def distinct(module: bytes, number: int) -> bytes:
    """The same plugin with other bytes, so that its code is compiled for it alone: a custom section at the end.

    Its contents are a name, which has one byte of length before it, and the number (WebAssembly specification, 5.5.3).
    """
    contents = bytes([5]) + b"bench" + bytes([number])
    return module + bytes([0, len(contents)]) + contents


def start(origin_port: int, plugins: Path, directory: Path, fill: bool = False) -> float:
    """Milliseconds from the start of the process to its line that it is ready. Its cache is in `directory`.

    With `fill` the process is ended when all its code is optimized, and so in the cache.
    """
    directory.mkdir(exist_ok=True)
    more = ("--log", "info,tollgate::plugin::supervise=debug") if fill else ()
    began = time.monotonic()
    process, _ = start_tollgate("tollgate", origin_port, plugins, directory, more)
    ready = time.monotonic()
    with process:
        if fill:
            process.wait(lambda: len(optimized(process.log())) == COUNT or None, OPTIMIZED_SECONDS, "optimize its code")
    return (ready - began) * 1e3


def print_table(samples: dict[str, list[float]]) -> None:
    print(f"\nms from the start of the process until it is ready, with {COUNT} different plugins")
    for name, of_one in samples.items():
        spread = Spread.of(of_one)
        print(f"{name:26}{spread.median:9.1f}{f'{spread.low:.1f}-{spread.high:.1f}':>14}", flush=True)


def judge(samples: dict[str, list[float]]) -> list[str]:
    return [
        verdict(f"start with {COUNT} plugins, {name}, ms", Spread.of(of_one), LIMITS_MS[name])
        for name, of_one in samples.items()
    ]
