"""Identity sources: which parts of a request say who the caller is.

REST APIs: `method.request.header.Authorization, method.request.querystring.q, stageVariables.v, context.x`. HTTP APIs: a list of
`$request.header.Authorization`, `$request.querystring.q`, `$stageVariables.v`, `$context.x`.
"""

from __future__ import annotations

from typing import Any

from ..message import Call


class BadSource(Exception):
    """An identity source that is not known. It can't be checked, so nobody may pass."""


def sources(authorizer: dict[str, Any]) -> list[str]:
    """The sources of an authorizer, without empty ones."""
    given = authorizer.get("identitySource")
    parts = given if isinstance(given, list) else str(given or "").split(",")
    return [part.strip() for part in parts if str(part).strip()]


def values(call: Call, named: list[str]) -> list[str] | None:
    """The values of the sources; None if one is absent or empty. Raises BadSource."""
    found = []
    for source in named:
        value = _value(call, source)
        if not value:
            return None
        found.append(value)
    return found


def _value(call: Call, source: str) -> str | None:
    text = source.removeprefix("$").removeprefix("{").removesuffix("}")
    text = text.removeprefix("method.")
    place, _, name = text.partition(".")
    if place == "request":
        place, _, name = name.partition(".")
    if not name:
        raise BadSource(f"identity source {source!r}")
    if place == "header":
        return call.field(name.lower())
    if place == "querystring":
        return call.query_map().get(name)
    if place == "stageVariables":
        return call.stage_variables.get(name)
    if place == "context":
        return _context(call, name)
    raise BadSource(f"identity source {source!r}")


def _context(call: Call, name: str) -> str | None:
    if name == "routeKey":
        return str(call.method_doc.get("routeKey") or "")
    found: Any = call.context
    try:
        for part in name.split("."):
            found = found[part]
    except (KeyError, TypeError):
        return None
    return None if found is None else str(found)
