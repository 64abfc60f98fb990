"""Waiting.

    from tollgate import timer

    timer.sleep(0.2)
"""

from ._host import timer as _host
from ._time import to_ms

__all__ = ["sleep"]


def sleep(seconds: float) -> None:
    """Waits without blocking the host. A call of a hook may wait at most 120 seconds in all."""
    if seconds is None:
        raise TypeError("sleep: expected seconds as a number, got NoneType")
    _host.sleep(to_ms(seconds, "sleep"))
