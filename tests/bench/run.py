#!/usr/bin/env python3
"""What does tollgate cost? Compares it with bare hyper, nginx, HAProxy and Envoy behind the same load.

The main figure is the CPU time per request of the proxy's processes: on a machine that the load, the proxy and the
backend share, requests per second say as much about the other two. README.md tells how to read the table.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from harness import backend, rounds
from harness.client import ADDED_FIELD, Connection
from harness.process import Started
from harness.proxies import Proxy, all_proxies
from harness.rounds import Sample, Spread

CONNECTIONS = 32
WARM_UP_REQUESTS = {"1KiB": 20_000, "64KiB": 5_000, "1MiB": 500}

FLOOR = "hyper, stealing, own pool"
NONE, ONE, FIVE = "tollgate, 0 plugins", "tollgate, 1 plugin", "tollgate, 5 plugins"

Results = dict[str, dict[str, list[Sample]]]
"""Body, then proxy, then one sample for each round."""


def main() -> int:
    args = parse_args()
    chosen = [proxy for proxy in all_proxies() if re.search(args.only, proxy.name)]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tollgate-bench-")))
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        running = start(chosen, origin_port, directory, stack)
        results: Results = {}
        for body in args.bodies.split(","):
            results[body] = run_rounds(running, body, args.rounds, args.seconds)
            print_table(body, results[body])
    verdicts = judge(results)
    for verdict in verdicts:
        print(verdict)
    if args.json:
        args.json.write_text(json.dumps(as_json(results, verdicts), indent=1) + "\n")
    return 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="how often each proxy has its turn (default 9)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a turn (default 1.5)")
    parser.add_argument("--only", default="", metavar="REGEX", help="proxies whose name matches")
    parser.add_argument("--bodies", default="1KiB,64KiB,1MiB", help="sizes of the response, out of 1KiB,64KiB,1MiB")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample here")
    args = parser.parse_args()
    unknown = set(args.bodies.split(",")) - set(backend.SIZES)
    if unknown:
        parser.error(f"--bodies can't be {','.join(sorted(unknown))}: choose out of {','.join(backend.SIZES)}")
    return args


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


def check(proxy: Proxy, port: int) -> None:
    """Raises unless the proxy passes every body on whole, and adds a field if and only if it is there to add one."""
    for body, size in backend.SIZES.items():
        connection = Connection(port, f"/{body}", ADDED_FIELD)
        answer = connection.get()
        connection.close()
        if (answer.status, answer.length, bool(answer.value)) != (200, size, proxy.adds_field):
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
    lines = ["", "targets"]
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
    return lines if len(lines) > 2 else []


def verdict(what: str, spread: Spread, limit: float) -> str:
    """`met` or `missed` where both quartiles say so, else `unclear`: take more rounds or a quieter machine."""
    outcome = "met" if spread.high <= limit else "missed" if spread.low > limit else "unclear"
    return f"  {outcome:8}{what:52}{spread.median:8.3f}  ({spread.low:.3f} to {spread.high:.3f}; at most {limit:g})"


def as_json(results: Results, verdicts: list[str]) -> dict[str, object]:
    bodies = {
        body: {name: [vars(one) for one in of_one] for name, of_one in samples.items()}
        for body, samples in results.items()
    }
    return {"samples": bodies, "targets": [line.strip() for line in verdicts[2:]]}


if __name__ == "__main__":
    sys.exit(main())
