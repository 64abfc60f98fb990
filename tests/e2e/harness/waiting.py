"""Waiting for a fact with a bound, instead of sleeping and hoping."""

import time


def until(fact, what, seconds=15.0, interval=0.02):
    """Returns fact() as soon as it is true; fails after `seconds`, saying what never came true."""
    deadline = time.monotonic() + seconds
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s, but never: {what}")
        time.sleep(interval)
