"""Section `requests`: what a request costs over HTTP/1.1, without a plugin and with one, beside every peer there is."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

from harness import backend, rounds
from harness.compare import NONE, ONE, Samples, Workload, against_nginx, plain, print_table, start, take_turns
from harness.options import Options
from harness.proxies import all_proxies
from harness.verdicts import Outcome, verdict

ROUNDS = 9
CONNECTIONS = 32
WARM_UP_REQUESTS = {"1KiB": 20_000, "64KiB": 5_000, "1MiB": 500}
LIMITS = {"1KiB": 0.94, "64KiB": 0.62, "1MiB": 0.42}
LIMIT_ONE = 1.0
LIMIT_UNREAD = 1.05


def run(options: Options, directory: Path) -> Outcome:
    chosen = [proxy for proxy in all_proxies() if re.search(options.proxies, proxy.name)]
    loads = [Workload(body, WARM_UP_REQUESTS[body], CONNECTIONS) for body in options.bodies]
    results: dict[str, Samples] = {}
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        running = start(chosen, loads[0], origin_port, directory, stack)
        for load in loads:
            results[load.body] = take_turns(running, load, options.rounds or ROUNDS, options.seconds)
            print_table(load, results[load.body])
    return Outcome(judge(results), {body: plain(samples) for body, samples in results.items()})


def judge(results: dict[str, Samples]) -> list[str]:
    """A line for each target whose figures are there."""
    lines: list[str] = []
    for body, samples in results.items():
        lines += against_nginx(f"h1, {body}, no plugin", NONE, samples, LIMITS[body])
        if body == "1KiB":
            lines += against_nginx(f"h1, {body}, one plugin", ONE, samples, LIMIT_ONE)
        if body == "1MiB" and NONE in samples and ONE in samples:
            unread = rounds.ratio(samples[ONE], samples[NONE])
            lines.append(verdict(f"{body}, past a plugin that doesn't read it, x without", unread, LIMIT_UNREAD))
    return lines
