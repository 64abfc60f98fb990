"""Section `connections`: what a request costs as the connections grow from 10 to 10,000, all of them busy.

wrk keeps every connection busy. The CPU time is taken in a window that begins when all connections have been opened and
served, so that opening them isn't in it; the backend counts the requests of the window.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator

from harness import backend, limits, rounds
from harness.compare import NONE, YARDSTICKS
from harness.options import Options
from harness.process import Process, Started
from harness.proxies import all_proxies
from harness.rounds import Spread
from harness.verdicts import Outcome, verdict

ROUNDS = 7
LEVELS = (10, 1_000, 10_000)
BODY = "1KiB"
WINDOW_SECONDS = 2.0
LONGEST_WINDOW_SECONDS = 30.0
OPEN_SECONDS = 30.0
ATTEMPTS = 3
LONGEST_SECONDS = 90
"""wrk ends by itself after this time, should this program not end it."""
LIMIT = 1.0


def run(options: Options, directory: Path) -> Outcome:
    if shutil.which("wrk") is None:
        print("skipped: wrk is not installed; apt-get install wrk")
        return Outcome()
    levels = [min(level, limits.connections() - 50) for level in LEVELS]
    if levels[-1] < LEVELS[-1]:
        print(
            f"{levels[-1]:,} connections instead of {LEVELS[-1]:,}: "
            f"ulimit -n is {limits.files():,} and a proxy needs two for each"
        )
    chosen = [
        proxy
        for proxy in all_proxies()
        if proxy.name in (NONE, *YARDSTICKS, "floor") and re.search(options.proxies, proxy.name)
    ]
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        running = {}
        for proxy in chosen:
            if reason := proxy.missing():
                print(f"skipped {proxy.name}: {reason}")
                continue
            running[proxy.name] = proxy.start(origin_port, directory)
            stack.enter_context(running[proxy.name][0])
        samples = take_turns(running, levels, origin_port, options.rounds or ROUNDS)
    print_table(samples, levels)
    return Outcome(judge(samples, levels), {name: {str(n): of_level for n, of_level in of_one.items()}
                                            for name, of_one in samples.items()})  # fmt: skip


Samples = dict[str, dict[int, list[float]]]
"""Proxy, then connections, then microseconds of CPU per request, one for each round."""


def take_turns(running: dict[str, Started], levels: list[int], origin_port: int, count: int) -> Samples:
    samples: Samples = {name: {level: [] for level in levels} for name in running}
    for turn in range(count):
        for name in rounds.order(list(running), turn):
            process, port = running[name]
            for level in levels:
                samples[name][level].append(good_window(process, port, level, origin_port))
    return samples


def good_window(process: Process, port: int, connections: int, origin_port: int) -> float:
    """Tries again when requests failed: on a busy machine 10,000 new connections at once can fill the backend's queue."""
    for _ in range(ATTEMPTS - 1):
        try:
            return window(process, port, connections, origin_port)
        except RuntimeError as error:
            print(f"measured again: {error}", flush=True)
    return window(process, port, connections, origin_port)


def window(process: Process, port: int, connections: int, origin_port: int) -> float:
    """Microseconds of CPU per request while so many connections are busy."""
    with busy(process.name, port, connections) as load:
        wait_until_open(load, port, connections)
        # Each connection has its share by now, and with it the memory and the backend connection that it needs.
        before, first, began = process.usage(), backend.served(origin_port), time.monotonic()
        time.sleep(max(WINDOW_SECONDS, connections / 3_000))
        used, requests = process.usage() - before, backend.served(origin_port) - first - 1
        asked = 1
        # On a busy machine the window is longer: each connection shall be in the figure.
        while requests < connections and time.monotonic() - began < LONGEST_WINDOW_SECONDS:
            time.sleep(0.5)
            asked += 1
            used, requests = process.usage() - before, backend.served(origin_port) - first - asked
        seconds = time.monotonic() - began
        if load.poll() is not None:
            raise RuntimeError(f"wrk ended early: {load.stdout.read() if load.stdout else ''}")
    if requests < connections:
        raise RuntimeError(f"only {requests} requests on {connections} connections in {seconds:.0f} s")
    return used.cpu_seconds * 1e6 / requests


@contextmanager
def busy(name: str, port: int, connections: int) -> Iterator[subprocess.Popen[str]]:
    """wrk; raises at the end when an answer was no 2xx."""
    url = f"http://127.0.0.1:{port}/{BODY}"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{LONGEST_SECONDS}s", "--timeout", "30s", url]
    load = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield load
    except BaseException:
        load.kill()
        load.wait()
        raise
    load.send_signal(2)  # As Ctrl-C: it prints what it saw.
    output, _ = load.communicate(timeout=30)
    if found := re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*(?:read|write|timeout) [1-9]\d*", output):
        raise RuntimeError(f"not every answer of {name} to {connections:,} connections was good: {found.group(0)}")


def wait_until_open(load: subprocess.Popen[str], port: int, connections: int) -> None:
    deadline = time.monotonic() + OPEN_SECONDS
    while established(port) < connections:
        if load.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(
                f"{established(port)} of {connections} connections to port {port} after {OPEN_SECONDS:.0f} s"
            )
        time.sleep(0.1)
    time.sleep(max(0.5, connections / 5_000))


def established(port: int) -> int:
    """Connections that the server on this port has."""
    wanted = f"{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    entries = (line.split(maxsplit=4) for line in lines)
    return sum(entry[1].endswith(":" + wanted) and entry[3] == "01" for entry in entries)


def growth(of_one: dict[int, list[float]], level: int, least: int) -> Spread:
    """As a multiple of the cost with the fewest connections in the same round."""
    return Spread.of([many / few for many, few in zip(of_one[level], of_one[least])])


def print_table(samples: Samples, levels: list[int]) -> None:
    print(f"\n{BODY} responses, CPU µs per request with so many busy connections, and as a multiple of the first")
    print(f"{'':26}" + "".join(f"{level:>10,}{'x':>8}{'quartiles':>14}" for level in levels))
    for name, of_one in samples.items():
        row = f"{name:26}"
        for level in levels:
            spread = growth(of_one, level, levels[0])
            quartiles = f"{spread.low:.3f}-{spread.high:.3f}"
            row += f"{Spread.of(of_one[level]).median:10.2f}{spread.median:8.3f}{quartiles:>14}"
        print(row, flush=True)


def judge(samples: Samples, levels: list[int]) -> list[str]:
    """The growth against that of the yardstick which grows least: what the machine itself causes is in both."""
    yardsticks = [name for name in YARDSTICKS if name in samples]
    if NONE not in samples or not yardsticks:
        return []
    lines = []
    for level in levels[1:]:
        best = min(yardsticks, key=lambda name: growth(samples[name], level, levels[0]).median)
        what = f"CPU growth, {levels[0]} to {level:,} connections, x {best}'s"
        lines.append(verdict(what, compared(samples[NONE], samples[best], level, levels[0]), LIMIT))
    return lines


def compared(ours: dict[int, list[float]], theirs: dict[int, list[float]], level: int, least: int) -> Spread:
    """Our growth as a multiple of theirs in the same round."""
    pairs = zip(ours[level], ours[least], theirs[level], theirs[least])
    return Spread.of([many / few / (their_many / their_few) for many, few, their_many, their_few in pairs])
