"""Data that outlives an exchange: values by key in the plugin's bucket. The plugin needs the permission ``state``.

    from tollgate import state

    count = state.increment(f"user:{user}", ttl=60)

Each function takes effect at one moment, also between hosts that share a Redis server, and raises StateError if it can't. In the
trial of a version the bucket is empty and forgotten afterwards.

``ttl`` is a time to live in seconds; None is for ever. Text is kept as UTF-8.
"""

from ._errors import StateError, host_errors
from ._host import optional
from ._text import Value, to_bytes, to_text
from ._time import to_ms

__all__ = ["StateError", "compare_and_swap", "delete", "get", "get_text", "increment", "keys", "set"]

_host = optional("state")


def get(key: str) -> bytes | None:
    """The value of a key; None if there is none or it has expired."""
    with host_errors():
        return _host.get(_key(key))


def get_text(key: str) -> str | None:
    """The same as text. Bytes that are not UTF-8 become U+FFFD."""
    value = get(key)
    return None if value is None else value.decode("utf-8", "replace")


def set(key: str, value: Value, ttl: float | None = None) -> None:
    """Sets a value. Without ``ttl`` it never expires, whatever was said before."""
    with host_errors():
        _host.set(_key(key), to_bytes(value, "a state's value"), to_ms(ttl, "ttl"))


def delete(key: str) -> bool:
    """Removes a key. False if there was none."""
    with host_errors():
        return _host.delete(_key(key))


def increment(key: str, by: int = 1, ttl: float | None = None) -> int:
    """Adds to a whole number and gives the sum. An absent key counts as 0.

    ``ttl`` counts from when the key is created, so it makes a counter for a fixed period.
    """
    if not isinstance(by, int) or not -(1 << 63) <= by < 1 << 63:
        raise TypeError(f"increment: expected a whole number of 64 bits, got {by!r}")
    with host_errors():
        return _host.increment(_key(key), by, to_ms(ttl, "ttl"))


def compare_and_swap(key: str, expected: Value | None, new: Value | None, ttl: float | None = None) -> bool:
    """Replaces a value if it is as expected; None is an absent key, and as ``new`` removes it.

    False if it was not as expected; nothing was changed then.
    """
    before = None if expected is None else to_bytes(expected, "the expected value")
    after = None if new is None else to_bytes(new, "the new value")
    with host_errors():
        return _host.compare_and_swap(_key(key), before, after, to_ms(ttl, "ttl"))


def keys(prefix: str = "", after: str | None = None, limit: int = 1000) -> list[str]:
    """Keys that begin with a prefix, in the order of their bytes, behind ``after``, at most ``limit`` and at most 1000."""
    behind = None if after is None else _key(after)
    with host_errors():
        return _host.keys(to_text(prefix, "prefix"), behind, min(max(int(limit), 0), 1000))


def _key(key: str) -> str:
    return to_text(key, "a state's key")
