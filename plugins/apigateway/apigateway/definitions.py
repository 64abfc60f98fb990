"""Definitions of APIs: read from the backend, kept in the state, dropped when a change passes.

An API that is in use has a token in the state, under `v/ID`. Whoever changes the API removes it. A definition holds as long as the token is there
that it was read under, so a call needs one look at the state. The token is made before reading: a change meanwhile removes it, and what
was read then is used once and never again. All instances share the definition itself, under `a/ID`, so that one of them asks the backend.
"""

from __future__ import annotations

import json
import uuid
from collections import OrderedDict

from tollgate import StateError, log, state

from . import importing, reading
from .changes import ALL
from .model import Api, Doc
from .services import Services

MOST = 64
"""Definitions that an instance keeps."""


class Definitions:
    """The APIs that this instance knows."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: OrderedDict[str, tuple[bytes, Api]] = OrderedDict()

    def get(self, api_id: str, region: str | None = None) -> Api | None:
        """The API of an id, None if there is none. `region` is where the request says that it is.

        Raises SendError if the backend can't be asked, StateError if the state can't be used.
        """
        token = state.get(f"v/{api_id}")
        known = self._known.get(api_id)
        if known is not None and known[0] == token:
            self._known.move_to_end(api_id)
            return known[1]
        return self._read(api_id, token, region)

    def _read(self, api_id: str, token: bytes | None, region: str | None) -> Api | None:
        self._known.pop(api_id, None)
        ttl = self._services.config.cache_seconds
        document = self._shared(api_id, token)
        if document is None:
            if token is None:
                made = uuid.uuid4().hex.encode()
                token = made if state.compare_and_swap(f"v/{api_id}", None, made, ttl) else state.get(f"v/{api_id}")
            where = state.get_text(f"r/{api_id}") or region or self._services.config.region
            document = reading.read(api_id, where, self._services.backend, importing.kept(api_id))
            if document is None:
                state.delete(f"v/{api_id}")
                return None
            document["binaryMediaTypes"] = json.loads(state.get(f"b/{api_id}") or b"[]")
            if token is not None:
                self._share(api_id, token, document)
        api = reading.made(document, self._services.config.account_id)
        if token is not None:
            self._known[api_id] = (token, api)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return api

    def _shared(self, api_id: str, token: bytes | None) -> Doc | None:
        """What another instance has read under the same token."""
        shared = state.get(f"a/{api_id}") if token is not None else None
        if shared is None or token is None or not shared.startswith(token + b"\n"):
            return None
        found: Doc = json.loads(shared[len(token) + 1 :])
        return found

    def _share(self, api_id: str, token: bytes, document: Doc) -> None:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        try:
            state.set(f"a/{api_id}", token + b"\n" + text.encode(), self._services.config.cache_seconds)
        except StateError as error:
            # A definition that is too large for the state is read by each instance.
            log.debug(f"{api_id}: {error}")


def forget(api_id: str) -> None:
    """Drops one definition, or with ALL every one, in all instances."""
    if api_id == ALL:
        _drop("v/")
        _drop("a/")
        return
    state.delete(f"v/{api_id}")
    state.delete(f"a/{api_id}")


def forget_everything() -> None:
    """The backend has forgotten everything."""
    _drop("")


def _drop(prefix: str) -> None:
    """Each round begins where the one before ended, so keys that others make meanwhile don't hold it up."""
    after = None
    while keys := state.keys(prefix, after):
        for key in keys:
            state.delete(key)
        after = keys[-1]


def remember_region(api_id: str, region: str) -> None:
    """An API was created in this region."""
    state.set(f"r/{api_id}", region)


def forget_region(api_id: str) -> None:
    """An API was deleted."""
    for place in ("r", "b"):
        state.delete(f"{place}/{api_id}")


def binary_media_types(api_id: str) -> list[str]:
    found: list[str] = json.loads(state.get(f"b/{api_id}") or b"[]")
    return found


def remember_binary_media_types(api_id: str, types: list[str]) -> None:
    """The media types that moto doesn't keep when an API is created with them, and loses when they are added."""
    state.set(f"b/{api_id}", json.dumps(types))
