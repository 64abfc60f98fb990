"""Times that a plugin gives in seconds, as the milliseconds of the contract."""

import math


def to_ms(seconds: float | None, what: str, most: int = (1 << 64) - 1) -> int | None:
    """Rounded up, so that a short time is not none; at most what the contract's type holds."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what}: expected seconds as a number, got {type(seconds).__name__}")
    if not seconds >= 0:
        raise ValueError(f"{what}: expected seconds from 0 on, got {seconds}")
    # Beforehand: a float of any size, infinity among them, need not fit.
    return most if seconds * 1000 >= most else math.ceil(round(seconds * 1000, 6))
