"""What the parts that ask others need of the world: sending, state, time, log. `outside` has it of tollgate, tests bring their own."""

from __future__ import annotations

from typing import Protocol

from .config import Config
from .message import EndpointResponse, Fields


class SendFailed(Exception):
    """There is no answer. `reason` is the contract's (`timed-out`, `unreachable`, `denied`, …)."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(f"{reason}: {text}" if text else reason)
        self.reason = reason


class Reach(Protocol):
    @property
    def config(self) -> Config: ...

    def send(self, method: str, url: str, fields: Fields, body: bytes, timeout: float) -> EndpointResponse:
        """Sends a request and waits for the answer, at most `timeout` seconds. Raises SendFailed."""

    def now(self) -> int:
        """Milliseconds since 1970."""

    def sleep(self, seconds: float) -> None: ...

    def state_get(self, key: str) -> bytes | None: ...

    def state_set(self, key: str, value: bytes, ttl: float) -> None:
        """Keeps a value for `ttl` seconds, if it can: for what can be asked for again."""

    def state_swap(self, key: str, expected: bytes | None, new: bytes, ttl: float) -> bool:
        """Replaces a value if it is the expected one; None is an absent key."""

    def state_increment(self, key: str, ttl: float) -> int:
        """Adds one; the key is forgotten `ttl` seconds after it was created."""

    def warn(self, text: str) -> None: ...
