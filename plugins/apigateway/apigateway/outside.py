"""`Reach`, of tollgate."""

from __future__ import annotations

import time

from tollgate import SendError, StateError, client, log, state, timer

from .backend import response
from .config import Config
from .message import EndpointResponse, Fields
from .reach import SendFailed


class Outside:
    def __init__(self, config: Config) -> None:
        self.config = config

    def send(self, method: str, url: str, fields: Fields, body: bytes, timeout: float) -> EndpointResponse:
        try:
            return response(client.send(client.OutgoingRequest(method, url, fields, body, timeout)))
        except SendError as error:
            raise SendFailed(str(error.reason), str(error)) from None

    def now(self) -> int:
        return int(time.time() * 1000)

    def sleep(self, seconds: float) -> None:
        timer.sleep(seconds)

    def state_get(self, key: str) -> bytes | None:
        return state.get(key)

    def state_set(self, key: str, value: bytes, ttl: float) -> None:
        try:
            state.set(key, value, ttl)
        except StateError as error:
            # What is too large to be kept is asked for again each time.
            log.warn(f"{key} is not kept: {error}")

    def state_swap(self, key: str, expected: bytes | None, new: bytes, ttl: float) -> bool:
        return state.compare_and_swap(key, expected, new, ttl)

    def state_increment(self, key: str, ttl: float) -> int:
        return state.increment(key, 1, ttl)

    def warn(self, text: str) -> None:
        log.warn(text)
