"""Section `requests`: what a request costs over HTTP/1.1, with no plugin, one, and five, beside every peer there is."""

from __future__ import annotations

import platform
import re
from contextlib import ExitStack
from pathlib import Path

from harness import backend, rounds
from harness.client import ADDED_FIELD, Connection
from harness.options import Options
from harness.process import Started
from harness.proxies import Proxy, all_proxies
from harness.rounds import Sample, Spread
from harness.verdicts import Outcome, verdict

ROUNDS = 9
CONNECTIONS = 32
WARM_UP_REQUESTS = {"1KiB": 20_000, "64KiB": 5_000, "1MiB": 500}

FLOOR = "hyper, stealing, own pool"
NONE, ONE, FIVE = "tollgate, 0 plugins", "tollgate, 1 plugin", "tollgate, 5 plugins"

Results = dict[str, dict[str, list[Sample]]]
"""Body, then proxy, then one sample for each round."""


def run(options: Options, directory: Path) -> Outcome:
    chosen = [proxy for proxy in all_proxies() if re.search(options.proxies, proxy.name)]
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        running = start(chosen, origin_port, directory, stack)
        results: Results = {}
        for body in options.bodies:
            results[body] = run_rounds(running, body, options.rounds or ROUNDS, options.seconds)
            print_table(body, results[body])
    samples = {
        body: {name: [vars(one) for one in of_one] for name, of_one in of_body.items()}
        for body, of_body in results.items()
    }
    return Outcome(judge(results), samples)


def start(chosen: list[Proxy], origin_port: int, directory: Path, stack: ExitStack) -> dict[str, Started]:
    """Starts the proxies that are there, and says of the others how to get them."""
    running: dict[str, Started] = {}
    for proxy in chosen:
        reason = proxy.missing()
        if reason:
            print(f"skipped {proxy.name}: {reason}")
            continue
        process, port = proxy.start(origin_port, directory)
        stack.enter_context(process)
        check(proxy, port)
        running[proxy.name] = process, port
    if not running:
        raise SystemExit("no proxy to measure")
    return running


def check(proxy: Proxy, port: int, bodies: tuple[str, ...] = tuple(backend.SIZES)) -> None:
    """Raises unless the proxy passes every body on whole, and adds a field if and only if it is there to add one."""
    for body in bodies:
        connection = Connection(port, f"/{body}", ADDED_FIELD)
        answer = connection.get()
        connection.close()
        if (answer.status, answer.length, bool(answer.value)) != (200, backend.SIZES[body], proxy.adds_field):
            raise RuntimeError(f"{proxy.name} doesn't do what is measured: {answer} to GET /{body}")


def run_rounds(running: dict[str, Started], body: str, count: int, seconds: float) -> dict[str, list[Sample]]:
    """Warms each proxy up, which also tells how many requests fill its turn, and then takes turns."""
    requests = {}
    for name, (process, port) in running.items():
        warm = rounds.measure(process, url(port, body), WARM_UP_REQUESTS[body], CONNECTIONS)
        requests[name] = max(CONNECTIONS, int(warm.per_second * seconds))
    samples: dict[str, list[Sample]] = {name: [] for name in running}
    for turn in range(count):
        for name in rounds.order(list(running), turn):
            process, port = running[name]
            samples[name].append(rounds.measure(process, url(port, body), requests[name], CONNECTIONS))
    return samples


def url(port: int, body: str) -> str:
    return f"http://127.0.0.1:{port}/{body}"


def print_table(body: str, samples: dict[str, list[Sample]]) -> None:
    print(f"\n{body} responses, {CONNECTIONS} connections, {platform.machine()}")
    print(f"{'':26}{'CPU µs':>9}{'x floor':>9}{'quartiles':>14}{'switches':>10}{'req/s':>9}{'p50 µs':>9}{'p99 µs':>9}")
    floor = samples.get(FLOOR)
    for name, of_one in samples.items():
        row = rounds.median(of_one)
        against = ratio_columns(rounds.ratio(of_one, floor)) if floor else " " * 23
        print(
            f"{name:26}{row.cpu:9.2f}{against}{row.switches:10.2f}{row.per_second:9.0f}{row.p50:9.0f}{row.p99:9.0f}",
            flush=True,
        )


def ratio_columns(spread: Spread) -> str:
    return f"{spread.median:9.3f}{f'{spread.low:.3f}-{spread.high:.3f}':>14}"


def judge(results: Results) -> list[str]:
    """A line for each target whose figures are there."""
    lines: list[str] = []
    for body, samples in results.items():
        if NONE in samples and FLOOR in samples:
            lines.append(verdict(f"{body}, no plugin, x floor", rounds.ratio(samples[NONE], samples[FLOOR]), 1.05))
        if NONE not in samples:
            continue
        if ONE in samples and body == "1KiB":
            lines.append(verdict("one plugin adds, µs", rounds.added(samples[ONE], samples[NONE]), 2.0))
        if FIVE in samples and body == "1KiB":
            lines.append(verdict("five plugins add, µs", rounds.added(samples[FIVE], samples[NONE]), 8.0))
        if ONE in samples and body == "1MiB":
            unread = rounds.ratio(samples[ONE], samples[NONE])
            lines.append(verdict(f"{body}, past a plugin that doesn't read it, x without", unread, 1.05))
    return lines
