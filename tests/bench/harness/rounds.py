"""Interleaved rounds: every proxy has its turn in every round, in changing order, so that a machine whose speed drifts
slows all of them alike. What is compared are the ratios and differences within a round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from harness import load
from harness.process import Process


@dataclass(frozen=True)
class Sample:
    """One proxy in one round: microseconds of CPU and context switches per request, requests a second, microseconds."""

    cpu: float
    switches: float
    per_second: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, and the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)


def measure(
    proxy: Process,
    url: str,
    requests: int,
    connections: int,
    per_second: int | None = None,
    streams: int | None = None,
) -> Sample:
    """Sends the load and accounts for what the proxy's processes used meanwhile."""
    before = proxy.usage()
    seen = load.run(url, requests, connections, per_second, streams)
    used = proxy.usage() - before
    switches = used.voluntary_switches + used.involuntary_switches
    return Sample(used.cpu_seconds * 1e6 / requests, switches / requests, seen.per_second, seen.p50, seen.p99)


def order(names: list[str], turn: int) -> list[str]:
    """Rotated by one from round to round, and every other round backwards, so that neighbours change."""
    start = turn % len(names)
    rotated = names[start:] + names[:start]
    return rotated[::-1] if turn % 2 else rotated


def median(samples: list[Sample]) -> Sample:
    return Sample(*(statistics.median(column) for column in zip(*(vars(sample).values() for sample in samples))))


def ratio(samples: list[Sample], floor: list[Sample]) -> Spread:
    """CPU per request as a multiple of the floor's in the same round."""
    return Spread.of([sample.cpu / base.cpu for sample, base in zip(samples, floor)])


def added(samples: list[Sample], without: list[Sample]) -> Spread:
    """Microseconds of CPU per request above those of `without` in the same round."""
    return Spread.of([sample.cpu - base.cpu for sample, base in zip(samples, without)])
