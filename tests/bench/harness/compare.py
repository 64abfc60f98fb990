"""Proxies side by side under the same load: started, checked, measured in turns, printed as multiples of the yardsticks."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from harness import backend, rounds
from harness.client import ADDED_FIELD, Connection
from harness.process import Started
from harness.proxies import Proxy
from harness.rounds import Sample
from harness.verdicts import verdict

NONE, ONE = "tollgate, 0 plugins", "tollgate, 1 plugin"
YARDSTICKS = ("nginx", "haproxy")

Samples = dict[str, list[Sample]]
"""Proxy, then one sample for each round."""


@dataclass(frozen=True)
class Workload:
    """Requests for one file, as many at a time as there are connections, or streams on all of them."""

    body: str
    warm_up: int
    """Requests before the first round."""
    connections: int
    streams: int | None = None
    """At once on each connection of HTTP/2; none for HTTP/1.1."""

    def title(self) -> str:
        streams = f" of HTTP/2, {self.streams} streams on each" if self.streams else ""
        return f"{self.body} responses, {self.connections} connections{streams}"


def start(
    chosen: list[Proxy], load: Workload, origin_port: int, directory: Path, stack: ExitStack
) -> dict[str, Started]:
    """Starts the proxies that are there, and says of the others how to get them."""
    directory.mkdir(exist_ok=True)
    running: dict[str, Started] = {}
    for proxy in chosen:
        reason = proxy.missing()
        if reason:
            print(f"skipped {proxy.name}: {reason}")
            continue
        process, port = proxy.start(origin_port, directory)
        stack.enter_context(process)
        if not load.streams:
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


def take_turns(running: dict[str, Started], load: Workload, count: int, seconds: float) -> Samples:
    """Warms each proxy up, which also tells how many requests fill its turn, and then takes turns."""

    def turn(started: Started, requests: int) -> Sample:
        process, port = started
        url = f"http://127.0.0.1:{port}/{load.body}"
        return rounds.measure(process, url, requests, load.connections, streams=load.streams)

    at_once = load.connections * (load.streams or 1)
    warm = {name: turn(started, load.warm_up) for name, started in running.items()}
    samples: Samples = {name: [] for name in running}
    for number in range(count):
        for name in rounds.order(list(running), number):
            requests = max(at_once, int(warm[name].per_second * seconds))
            samples[name].append(turn(running[name], requests))
    return samples


def print_table(load: Workload, samples: Samples) -> None:
    print(f"\n{load.title()}")
    print(
        f"{'':32}{'CPU µs':>8}{'x nginx':>9}{'quartiles':>14}{'x haproxy':>11}{'quartiles':>14}"
        f"{'switches':>10}{'req/s':>9}{'p50 µs':>9}{'p99 µs':>9}"
    )
    for name, of_one in samples.items():
        row = rounds.median(of_one)
        against = ""
        for yardstick, width in zip(YARDSTICKS, (9, 11)):
            if yardstick in samples:
                spread = rounds.ratio(of_one, samples[yardstick])
                against += f"{spread.median:{width}.3f}{f'{spread.low:.3f}-{spread.high:.3f}':>14}"
            else:
                against += " " * (width + 14)
        print(
            f"{name:32}{row.cpu:8.2f}{against}{row.switches:10.2f}{row.per_second:9.0f}{row.p50:9.0f}{row.p99:9.0f}",
            flush=True,
        )


def against_nginx(what: str, name: str, samples: Samples, limit: float) -> list[str]:
    """A line for the target, if the figures are there. How it compares with HAProxy is in the table."""
    if name not in samples or "nginx" not in samples:
        return []
    return [verdict(f"{what}, x nginx", rounds.ratio(samples[name], samples["nginx"]), limit)]


def plain(samples: Samples) -> dict[str, object]:
    """For `--json`."""
    return {name: [vars(one) for one in of_one] for name, of_one in samples.items()}
