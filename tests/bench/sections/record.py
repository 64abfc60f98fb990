"""Section `record`: what it costs to observe exchanges: to count them, to keep them in the ring, to write them to the tape."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

from harness import backend, callgrind, rounds
from harness.callgrind import Profile
from harness.compare import NONE, Samples, Workload, plain, print_table, start, take_turns
from harness.options import Options
from harness.process import Started
from harness.proxies import Proxy, start_tollgate, tollgate
from harness.rounds import Spread
from harness.verdicts import Outcome, verdict
from sections import instructions

ROUNDS = 9
BODY = "order.json"
LOAD = Workload(BODY, 20_000, 32)
METRICS, RING, TAPE = "tollgate, metrics", "tollgate, ring", "tollgate, ring and tape"
LIMIT = 3.0
"""Microseconds that the ring adds."""


def order() -> bytes:
    """1 KiB of JSON as APIs answer it, with one value that is masked."""
    lines = [{"sku": f"A-{number:04}", "name": "a thing", "price": 12.5, "count": number} for number in range(14)]
    whole = {"id": 4711, "customer": {"name": "Ada", "api_key": "0123456789abcdef"}, "created": "2026-11-30T12:00:00Z"}
    text = json.dumps({**whole, "lines": lines})
    return text.encode()


def observed(name: str, toml: str, *options: str) -> Proxy:
    """tollgate without a plugin, with an admin listener and what `toml` and `options` say. `{}` in these is the directory."""
    slug = name.replace(", ", "-").replace(" ", "-")

    def run(port: int, directory: Path, under: tuple[str, ...] = ()) -> Started:
        own = directory / slug
        (own / "plugins").mkdir(parents=True)
        config = own / "tollgate.toml"
        config.write_text(toml)
        # A socket, so that the one address that is announced is the proxy's.
        more = ["--config", str(config), "--admin", f"unix:{own}/admin.sock"]
        more += [option.replace("{}", str(own)) for option in options]
        return start_tollgate(slug, port, own / "plugins", directory, tuple(more), under)

    def counted(port: int, directory: Path) -> Started:
        return run(port, directory, callgrind.prefix(directory, slug))

    return Proxy(name, tollgate(0).missing, run, counted=counted)


def proxies() -> list[Proxy]:
    return [
        tollgate(0),
        observed(METRICS, "[record]\nenabled = false\n"),
        observed(RING, ""),
        observed(TAPE, "", "--record", "{}/exchanges.tape"),
    ]


def run(options: Options, directory: Path) -> Outcome:
    chosen = [proxy for proxy in proxies() if re.search(options.proxies, proxy.name)]
    if not chosen:
        print(f"skipped: --proxies {options.proxies} matches no tollgate")
        return Outcome()
    with ExitStack() as stack:
        origin, origin_port = backend.start(directory)
        stack.enter_context(origin)
        (directory / "files" / BODY).write_bytes(order())
        with ExitStack() as running:
            started = start(chosen, LOAD, origin_port, directory, running)
            samples = take_turns(started, LOAD, options.rounds or ROUNDS, options.seconds)
        print_table(LOAD, samples)
        counted = count(chosen, origin_port, directory)
    print_costs(samples, counted)
    figures: dict[str, object] = {"cpu": plain(samples), "instructions": {name: one.total for name, one in counted.items()}}
    return Outcome(judge(samples), figures)


def count(chosen: list[Proxy], origin_port: int, directory: Path) -> dict[str, Profile]:
    """The instructions of each, all threads together."""
    if reason := callgrind.missing():
        print(f"instructions are not counted: {reason}")
        return {}
    counted = {}
    for number, proxy in enumerate(chosen):
        if proxy.missing():
            continue
        own = directory / f"counted-{number}"
        own.mkdir()
        counted[proxy.name] = instructions.measure(proxy, origin_port, own, BODY)
    instructions.print_details(counted)
    return counted


def print_costs(samples: Samples, counted: dict[str, Profile]) -> None:
    print(f"\n{'per exchange':32}{'CPU µs':>8}{'x off':>9}{'quartiles':>14}{'µs more':>9}{'instructions':>14}{'x off':>9}")
    for name, of_one in samples.items():
        line = f"{name:32}{rounds.median(of_one).cpu:8.2f}"
        if NONE in samples:
            spread = rounds.ratio(of_one, samples[NONE])
            more = rounds.added(of_one, samples[NONE]).median
            line += f"{spread.median:9.3f}{f'{spread.low:.3f}-{spread.high:.3f}':>14}{more:9.2f}"
        else:
            line += " " * 32
        if name in counted:
            line += f"{counted[name].total:14,.0f}"
            line += f"{counted[name].total / counted[NONE].total:9.3f}" if NONE in counted else ""
        print(line, flush=True)


def judge(samples: Samples) -> list[str]:
    if NONE not in samples or RING not in samples:
        return []
    added: Spread = rounds.added(samples[RING], samples[NONE])
    return [verdict("recording in the ring adds, µs", added, LIMIT)]
