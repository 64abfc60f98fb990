"""Chance and time, from the host.

Python's own ``random``, ``secrets``, ``uuid`` and ``time`` work in a hook: ``random`` is seeded anew in each instance. What is
drawn or read at the top level of a module is drawn once, at build time.
"""

from ._host import random as _random
from ._host import wall_clock as _wall_clock


def random() -> float:
    """A number from 0 up to and without 1 that nobody can foresee."""
    return (_random.get_random_u64() >> 11) / (1 << 53)


def now() -> int:
    """The time of day in milliseconds since 1970."""
    time = _wall_clock.now()
    return time.seconds * 1000 + time.nanoseconds // 1_000_000
