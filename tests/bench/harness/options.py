"""What the command line of `run.py` says to every section."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    rounds: int | None
    """How often each proxy has its turn; none for the section's own number."""
    seconds: float
    """Length of a turn."""
    proxies: str
    """Regular expression of the names of the proxies that take part."""
    bodies: list[str]
