"""Section `chain`: what each plugin of a chain adds to a request, and what plugins cost whose rules don't match."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

from harness import backend, rounds
from harness.compare import NONE, Samples, Workload, plain, print_table, start, take_turns
from harness.options import Options
from harness.proxies import Proxy, tollgate
from harness.rounds import Spread
from harness.verdicts import Outcome, verdict

ROUNDS = 9
LOAD = Workload("1KiB", 20_000, 32)
COUNTS = (0, 1, 5, 10, 20)
ELSEWHERE = 200
"""Plugins whose match rules fit no request of the load."""
LIMIT_EACH = 0.6
LIMIT_ELSEWHERE = 1.0


def proxies() -> list[Proxy]:
    return [*(tollgate(count) for count in COUNTS), tollgate(ELSEWHERE, matching=False)]


def run(options: Options, directory: Path) -> Outcome:
    chosen = [proxy for proxy in proxies() if re.search(options.proxies, proxy.name)]
    if not chosen:
        print(f"skipped: --proxies {options.proxies} matches no tollgate")
        return Outcome()
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        running = start(chosen, LOAD, origin_port, directory, stack)
        samples = take_turns(running, LOAD, options.rounds or ROUNDS, options.seconds)
    print_table(LOAD, samples)
    return Outcome(judge(samples), plain(samples))


def judge(samples: Samples) -> list[str]:
    """Chains of more than one plugin are judged by what one of their plugins adds on average."""
    if NONE not in samples:
        return []
    lines = []
    for count in COUNTS[1:]:
        name = tollgate(count).name
        if name in samples:
            added = rounds.added(samples[name], samples[NONE])
            each = Spread(added.low / count, added.median / count, added.high / count)
            lines.append(verdict(f"each of {count} plugins adds, µs", each, LIMIT_EACH))
    elsewhere = tollgate(ELSEWHERE, matching=False).name
    if elsewhere in samples:
        added = rounds.added(samples[elsewhere], samples[NONE])
        lines.append(verdict(f"{ELSEWHERE} plugins that don't match add, µs", added, LIMIT_ELSEWHERE))
    return lines
