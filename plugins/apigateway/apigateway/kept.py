"""Things of API Gateway that moto doesn't know at all, kept in the plugin's state: documentation parts and client certificates.

moto is asked first; only where it answers 404 these take its place, so what a later moto has by itself is moto's.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tollgate import BodyError, Error, StateError, log, request, response, state

from .model import Doc

MOST = 1000
"""Things that a list shows, and that one can have."""
_OF_API = re.compile(r"/restapis/([A-Za-z0-9_-]{1,64})/")
_API = re.compile(r"/restapis/([A-Za-z0-9_-]{1,64})/?")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Kind:
    pattern: re.Pattern[str]
    """The collection, and the id of one thing in it."""
    key: str
    """The member that has the id."""
    members: tuple[str, ...]
    """Those that a client gives."""
    missing: str
    """What is said of an id that isn't there."""

    def made(self, given: Doc) -> Doc:
        thing = {self.key: "".join(random.choices(_LETTERS, k=6)), **{name: given[name] for name in self.members if name in given}}
        if self.key == "clientCertificateId":
            now = int(time.time())
            thing |= {"createdDate": now, "expirationDate": now + 365 * 24 * 3600}
        return thing


_KINDS = (
    Kind(
        re.compile(r"(/restapis/[A-Za-z0-9_-]{1,64}/documentation/parts)(?:/([A-Za-z0-9]{1,64}))?/?"),
        "id",
        ("location", "properties"),
        "Invalid Documentation part identifier specified",
    ),
    Kind(
        re.compile(r"(/clientcertificates)(?:/([A-Za-z0-9]{1,64}))?/?"),
        "clientCertificateId",
        ("description", "tags"),
        "Invalid client certificate identifier specified",
    ),
)


def find(path: str) -> tuple[Kind, str, str | None] | None:
    """Kind, collection and id that a path is about."""
    if not path.startswith(("/restapis/", "/clientcertificates")):
        return None
    for kind in _KINDS:
        found = kind.pattern.fullmatch(path)
        if found is not None:
            return kind, found[1], found[2]
    return None


def before(method: str, path: str) -> None:
    """In `forward_request`: asks for the body that `after` needs."""
    if method in ("POST", "PATCH") and find(path) is not None:
        _given()


def after(method: str, path: str, exists: Callable[[str], bool]) -> None:
    """In `return_response`: answers in moto's place if it doesn't know the path. `exists` says whether there is an API of an id."""
    found = find(path)
    if found is None:
        _forget_with_api(method, path)
        return
    if response.status != 404:
        return
    kind, collection, name = found
    if name is None:
        if method == "GET":
            _list(collection)
        elif method == "POST":
            _create(kind, collection, exists)
        return
    thing = _load(collection, name)
    if thing is None:
        _say(404, {"message": kind.missing}, "NotFoundException")
    elif method == "GET":
        _say(200, thing)
    elif method == "DELETE":
        state.delete(_key(collection, name))
        _say(202, {})
    elif method == "PATCH":
        for one in _given().get("patchOperations") or []:
            member = str(one.get("path", "")).lstrip("/")
            if one.get("op") == "replace" and member in kind.members:
                thing[member] = one.get("value")
        state.set(_key(collection, name), json.dumps(thing))
        _say(200, thing)


def _forget_with_api(method: str, path: str) -> None:
    """What belongs to an API ends with it."""
    one = _API.fullmatch(path)
    if method == "DELETE" and one is not None and response.status < 300:
        for key in state.keys(f"k/restapis/{one[1]}/", limit=MOST):
            state.delete(key)


def _list(collection: str) -> None:
    names = (key.rpartition("/")[2] for key in state.keys(_key(collection, ""), limit=MOST))
    _say(200, {"item": [thing for name in names if (thing := _load(collection, name)) is not None]})


def _create(kind: Kind, collection: str, exists: Callable[[str], bool]) -> None:
    """One more thing, of an API that is there. Where no more can be kept it is refused, as AWS does beyond a quota."""
    of = _OF_API.match(collection)
    try:
        if of is not None and not exists(of[1]):
            _say(404, {"message": "Invalid API identifier specified"}, "NotFoundException")
            return
        if len(state.keys(_key(collection, ""), limit=MOST)) >= MOST:
            _say(429, {"message": f"{collection} has {MOST} things, and no more are kept: delete some"}, "LimitExceededException")
            return
        thing = kind.made(_given())
        state.set(_key(collection, thing[kind.key]), json.dumps(thing))
        _say(201, thing)
    except StateError as error:
        _say(429, {"message": f"it can't be kept: {error}"}, "LimitExceededException")
    except Error as error:
        log.error(f"{collection}: the backend can't be asked for the API: {error}")
        _say(500, {"message": "Internal server error"}, "InternalServerErrorException")


def _key(collection: str, name: str) -> str:
    return f"k{collection}/{name}"


def _load(collection: str, name: str) -> Doc | None:
    text = state.get(_key(collection, name))
    return None if text is None else json.loads(text)


def _given() -> Doc:
    try:
        found = json.loads(request.body() or b"{}")
    except (BodyError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _say(status: int, value: Any, error: str | None = None) -> None:
    response.status = status
    response.set_field("content-type", "application/json")
    if error is not None:
        response.set_field("x-amzn-errortype", error)
    response.set_json(value)
