"""What a section hands back, and how a figure is held against its target."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.rounds import Spread


@dataclass(frozen=True)
class Outcome:
    """The lines about the targets, and every sample for `--json`."""

    verdicts: list[str] = field(default_factory=list)
    samples: dict[str, object] = field(default_factory=dict)


def verdict(what: str, spread: Spread, limit: float, digits: int = 3) -> str:
    """`met` or `missed` where both quartiles say so, else `unclear`: take more rounds or a quieter machine."""
    outcome = "met" if spread.high <= limit else "missed" if spread.low > limit else "unclear"
    low, median, high = (f"{value:,.{digits}f}" for value in (spread.low, spread.median, spread.high))
    return f"  {outcome:8}{what:52}{median:>8}  ({low} to {high}; at most {limit:,g})"
