"""Section `http2`: a 1 KiB answer to clients of HTTP/2 with prior knowledge, backend HTTP/1.1."""

from __future__ import annotations

import dataclasses
import re
from contextlib import ExitStack
from pathlib import Path

from harness import backend, peers
from harness.compare import NONE, ONE, Samples, Workload, against_nginx, plain, print_table, start, take_turns
from harness.options import Options
from harness.process import Started
from harness.proxies import Proxy, all_proxies
from harness.verdicts import Outcome

ROUNDS = 9
LOAD = Workload("1KiB", 20_000, connections=4, streams=8)
"""32 requests are under way at any time, as in `requests`."""
NAMES = (NONE, ONE, "nginx", "haproxy", "envoy")
LIMIT = 1.0


def run(options: Options, directory: Path) -> Outcome:
    chosen = [speaks_http2(p) for p in all_proxies() if p.name in NAMES and re.search(options.proxies, p.name)]
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        running = start(chosen, LOAD, origin_port, directory, stack)
        samples = take_turns(running, LOAD, options.rounds or ROUNDS, options.seconds)
    print_table(LOAD, samples)
    return Outcome(judge(samples), plain(samples))


def speaks_http2(proxy: Proxy) -> Proxy:
    """nginx before 1.25 speaks either HTTP/1.1 or HTTP/2 on a cleartext port, and must be told."""

    def start_nginx(origin_port: int, directory: Path) -> Started:
        return peers.start_nginx(origin_port, directory, http2=True)

    return dataclasses.replace(proxy, start=start_nginx) if proxy.name == "nginx" else proxy


def judge(samples: Samples) -> list[str]:
    return against_nginx(f"h2, {LOAD.body}, no plugin", NONE, samples, LIMIT)
