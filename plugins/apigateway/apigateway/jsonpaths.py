"""JSONPath in templates and parameter mappings. A path of names alone is walked here; the others are python-jsonpath's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jsonpath

from .errors import configuration

_NAMES = re.compile(r"\$?((?:\.[A-Za-z_][\w-]*)*)")

MISSING = object()


def find(document: Any, path: str) -> Any:
    """The one value that a path leads to, the list of several, MISSING if there is none. Raises GatewayError for a path that is none."""
    names, query = _compiled(path)
    if names is not None:
        found = document
        for name in names:
            if not isinstance(found, dict) or name not in found:
                return MISSING
            found = found[name]
        return found
    matches = query.findall(document)
    if not matches:
        return MISSING
    return matches[0] if len(matches) == 1 and query.singular_query() else matches


@lru_cache(maxsize=512)
def _compiled(path: str) -> tuple[tuple[str, ...] | None, Any]:
    simple = _NAMES.fullmatch(path)
    if simple is not None:
        return tuple(simple[1].split(".")[1:]), None
    try:
        return None, jsonpath.compile(path if path.startswith("$") else f"$.{path}")
    except jsonpath.JSONPathError as error:
        raise configuration(f"the JSONPath {path} can't be read: {error}") from None
