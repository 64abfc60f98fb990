"""Section `protocols`: a 1 KiB answer to clients of HTTP/1.1 and of HTTP/2, no plugin, backend HTTP/1.1."""

from __future__ import annotations

import platform
import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from harness import backend, peers, rounds
from harness.options import Options
from harness.process import Started
from harness.proxies import Proxy, all_proxies
from harness.rounds import Sample, Spread
from harness.verdicts import Outcome, verdict

from sections.requests import check

ROUNDS = 9
BODY = "1KiB"
WARM_UP_REQUESTS = 20_000
TOLLGATE = "tollgate, 0 plugins"
TARGETS = {"nginx": 1.1, "envoy": 0.5}


@dataclass(frozen=True)
class Protocol:
    """32 requests are under way at any time in either."""

    name: str
    connections: int
    streams: int | None
    """At once on each connection; none for HTTP/1.1."""


PROTOCOLS = [Protocol("h1", 32, None), Protocol("h2", 4, 8)]


def run(options: Options, directory: Path) -> Outcome:
    names = [TOLLGATE, "nginx", "haproxy", "envoy"]
    chosen = [proxy for proxy in all_proxies() if proxy.name in names and re.search(options.proxies, proxy.name)]
    results: dict[str, dict[str, list[Sample]]] = {}
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        for protocol in PROTOCOLS:
            with ExitStack() as inner:
                running = start(chosen, protocol, origin_port, directory / protocol.name, inner)
                results[protocol.name] = take_turns(running, protocol, options)
            print_table(protocol, results[protocol.name])
    samples = {name: {proxy: [vars(one) for one in of_one] for proxy, of_one in of_protocol.items()}
               for name, of_protocol in results.items()}  # fmt: skip
    return Outcome(judge(results), samples)


def start(
    chosen: list[Proxy], protocol: Protocol, origin_port: int, directory: Path, stack: ExitStack
) -> dict[str, Started]:
    directory.mkdir()
    running: dict[str, Started] = {}
    for proxy in chosen:
        reason = proxy.missing()
        if reason:
            print(f"skipped {proxy.name}: {reason}")
            continue
        if proxy.name == "nginx" and protocol.streams:
            process, port = peers.start_nginx(origin_port, directory, http2=True)
        else:
            process, port = proxy.start(origin_port, directory)
        stack.enter_context(process)
        if not protocol.streams:
            check(proxy, port, (BODY,))
        running[proxy.name] = process, port
    return running


def take_turns(running: dict[str, Started], protocol: Protocol, options: Options) -> dict[str, list[Sample]]:
    def turn(started: Started, requests: int) -> Sample:
        process, port = started
        return rounds.measure(process, url(port), requests, protocol.connections, streams=protocol.streams)

    warm = {name: turn(started, WARM_UP_REQUESTS) for name, started in running.items()}
    samples: dict[str, list[Sample]] = {name: [] for name in running}
    for number in range(options.rounds or ROUNDS):
        for name in rounds.order(list(running), number):
            samples[name].append(turn(running[name], int(warm[name].per_second * options.seconds)))
    return samples


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/{BODY}"


def print_table(protocol: Protocol, samples: dict[str, list[Sample]]) -> None:
    streams = f", {protocol.streams} streams on each" if protocol.streams else ""
    print(f"\n{protocol.name}, {BODY} responses, {protocol.connections} connections{streams}, {platform.machine()}")
    print(f"{'':26}{'CPU µs':>9}{'x nginx':>9}{'quartiles':>14}{'switches':>10}{'req/s':>9}{'p50 µs':>9}{'p99 µs':>9}")
    for name, of_one in samples.items():
        row = rounds.median(of_one)
        against = " " * 23
        if "nginx" in samples:
            spread = rounds.ratio(of_one, samples["nginx"])
            against = f"{spread.median:9.3f}{f'{spread.low:.3f}-{spread.high:.3f}':>14}"
        print(
            f"{name:26}{row.cpu:9.2f}{against}{row.switches:10.2f}{row.per_second:9.0f}{row.p50:9.0f}{row.p99:9.0f}",
            flush=True,
        )


def judge(results: dict[str, dict[str, list[Sample]]]) -> list[str]:
    lines = []
    for name, samples in results.items():
        for peer, limit in TARGETS.items():
            if TOLLGATE in samples and peer in samples:
                ratio: Spread = rounds.ratio(samples[TOLLGATE], samples[peer])
                lines.append(verdict(f"{name}, {BODY}, no plugin, x {peer}", ratio, limit))
    return lines
