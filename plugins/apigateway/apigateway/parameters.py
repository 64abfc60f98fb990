"""Parameter mappings: which value goes where between method and integration.

Sources and targets are those of the Developer Guide, "API Gateway API request and response data mapping reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from . import jsonpaths, paths
from .errors import GatewayError
from .message import Call, EndpointResponse, Fields

Source = Callable[[Call, EndpointResponse | None], str | list[str] | None]
"""Gives the value for a call (and for responses, of what the endpoint answered); a list is repeated."""

_SAFE = ":@!$&'()*+,;=~-._"
_PLACE = re.compile(r"\$\{stageVariables\.(\w+)\}|\{(\w[\w.-]*)\+?\}")


@dataclass(slots=True)
class Mapped:
    """Parameters of an integration request."""

    fields: Fields = field(default_factory=list)
    query: Fields = field(default_factory=list)
    path: dict[str, str] = field(default_factory=dict)


def mapped_request(call: Call) -> Mapped:
    """The `requestParameters` of the integration, `integration.request.{header,querystring,path}.NAME`."""
    out = Mapped()
    for place, name, source in _compiled(call, call.integration.get("requestParameters"), "integration.request."):
        value = source(call, None)
        if value is None or value == []:
            continue
        if place == "path":
            out.path[name] = value if isinstance(value, str) else ",".join(value)
        elif place in ("header", "querystring"):
            several = [value] if isinstance(value, str) else value
            (out.fields if place == "header" else out.query).extend((name, one) for one in several)
    return out


def mapped_response(call: Call, parameters: dict[str, str] | None, answer: EndpointResponse) -> Fields:
    """The `responseParameters` of an integration response, `method.response.header.NAME`."""
    fields: Fields = []
    for place, name, source in _compiled(call, parameters, "method.response."):
        value = source(call, answer)
        if place == "header" and value is not None:
            fields.extend((name, one) for one in ([value] if isinstance(value, str) else value))
    return fields


def uri_with(uri: str, call: Call, values: dict[str, str]) -> str:
    """The integration's URI with stage variables, mapped parameters, and path parameters of the same name in place, encoded.

    Raises GatewayError for a value that would lead elsewhere.
    """

    def one(found: re.Match[str]) -> str:
        if found[1] is not None:
            return call.stage_variables.get(found[1], "")
        value = values.get(found[2], call.path_parameters.get(found[2]))
        # Who gets it may remove such segments, and `../other-bucket/key` would lead out of the place that the URI names.
        if value is not None and any(segment in (".", "..") for segment in re.split(r"[/\\]", value)):
            raise GatewayError("DEFAULT_4XX", detail=f"the parameter {found[2]} of {uri} has a segment . or ..")
        return found[0] if value is None else _encoded(call, value)

    return _PLACE.sub(one, uri)


def _encoded(call: Call, value: str) -> str:
    """A greedy parameter has slashes of its own. Those that came as `%2F` stay so, or they would lead elsewhere than was allowed."""
    kept = paths.encoded(call.path, value, _SAFE)
    return quote(value, safe="/" + _SAFE) if kept is None else kept


def _compiled(call: Call, parameters: dict[str, str] | None, prefix: str) -> list[tuple[str, str, Source]]:
    """The mappings, read once for each definition."""
    if not parameters:
        return []
    key = (prefix, id(parameters))
    known: list[tuple[str, str, Source]] | None = call.api.prepared.get(key)
    if known is None:
        known = []
        for target, text in parameters.items():
            place, _, name = target.removeprefix(prefix).partition(".")
            known.append((place, name, source(str(text))))
        call.api.prepared[key] = known
    return known


def source(text: str) -> Source:
    """What a mapping's right side means."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        literal = text[1:-1]
        return lambda call, answer: literal
    for prefix, make in _SOURCES:
        if text.startswith(prefix):
            return make(text[len(prefix) :])
    # AWS refuses such a mapping when it is put; moto keeps it.
    return lambda call, answer: None


def _of_path(name: str) -> Source:
    return lambda call, answer: call.path_parameters.get(name)


def _of_query(name: str) -> Source:
    return lambda call, answer: call.query_map().get(name)


def _of_multi_query(name: str) -> Source:
    return lambda call, answer: [value for known, value in call.query if known == name]


def _of_header(name: str) -> Source:
    lower = name.lower()
    return lambda call, answer: call.field(lower)


def _of_multi_header(name: str) -> Source:
    lower = name.lower()
    return lambda call, answer: ",".join(value for known, value in call.fields if known == lower) or None


def _of_body(path: str) -> Source:
    return lambda call, answer: _in_body(call.body, path, call.memo, "body")


def _of_answered_header(name: str) -> Source:
    lower = name.lower()
    return lambda call, answer: next((value for known, value in reversed(answer.fields) if known.lower() == lower), None) if answer else None


def _of_answered_headers(name: str) -> Source:
    lower = name.lower()
    return lambda call, answer: [value for known, value in answer.fields if known.lower() == lower] if answer else None


def _of_answered_body(path: str) -> Source:
    return lambda call, answer: _in_body(answer.body, path, call.memo, "answer") if answer else None


def _of_context(path: str) -> Source:
    names = path.split(".")

    def get(call: Call, answer: EndpointResponse | None) -> str | None:
        found: Any = call.context
        for name in names:
            try:
                found = found[name] if isinstance(found, dict) else None
            except KeyError:
                return None
        return _text(found)

    return get


def _of_stage(name: str) -> Source:
    return lambda call, answer: call.stage_variables.get(name)


_SOURCES: tuple[tuple[str, Callable[[str], Source]], ...] = (
    ("method.request.path.", _of_path),
    ("method.request.querystring.", _of_query),
    ("method.request.multivaluequerystring.", _of_multi_query),
    ("method.request.header.", _of_header),
    ("method.request.multivalueheader.", _of_multi_header),
    ("method.request.body", _of_body),
    ("integration.response.header.", _of_answered_header),
    ("integration.response.multivalueheader.", _of_answered_headers),
    ("integration.response.body", _of_answered_body),
    ("context.", _of_context),
    ("stageVariables.", _of_stage),
)


def _in_body(body: bytes, path: str, memo: dict[str, Any], which: str) -> str | None:
    """The body itself, or with `.PATH` what JSONPath finds in it."""
    text = body.decode("utf-8", "replace")
    if not path.startswith("."):
        return text
    key = f"{which} as JSON"
    if key not in memo:
        try:
            memo[key] = json.loads(text or "{}")
        except (ValueError, RecursionError):
            raise GatewayError("DEFAULT_4XX", "Invalid JSON in request body") from None
    found = jsonpaths.find(memo[key], "$" + path)
    return None if found is jsonpaths.MISSING else _text(found)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
