"""Parameter mappings of HTTP APIs: `append:header.NAME`, `overwrite:querystring.NAME`, `remove:header.NAME`, `overwrite:path`, and for responses
`overwrite:statuscode`.

The Developer Guide has them in "Transform API requests and responses for HTTP APIs".
"""

from __future__ import annotations

import re

from .message import Call, EndpointResponse, Fields
from .parameters import Mapped, source


def request(call: Call, rules: dict[str, str]) -> Mapped:
    """The call's own parameters, changed by the integration's `requestParameters`."""
    out = Mapped(fields=list(call.fields), query=list(call.query))
    for target, template in rules.items():
        action, _, place = target.partition(":")
        place, _, name = place.partition(".")
        if place == "path" and action == "overwrite":
            out.path["proxy"] = text(call, template, None).lstrip("/")
        elif place in ("header", "querystring"):
            pairs = out.fields if place == "header" else out.query
            changed = _changed(pairs, action, name, "" if action == "remove" else text(call, template, None), case=place == "querystring")
            pairs[:] = changed
    return out


def response(call: Call, rules: dict[str, str], answer: EndpointResponse) -> None:
    """Changes the answer by the rules for its status."""
    for target, template in rules.items():
        action, _, place = target.partition(":")
        place, _, name = place.partition(".")
        if place == "statuscode":
            status = text(call, template, answer)
            answer.status = int(status) if status.isdecimal() and 200 <= int(status) <= 599 else answer.status
        elif place == "header":
            value = "" if action == "remove" else text(call, template, answer)
            answer.fields = _changed(answer.fields, action, name, value, case=False)


def _changed(pairs: Fields, action: str, name: str, value: str, *, case: bool) -> Fields:
    def same(other: str) -> bool:
        return other == name if case else other.lower() == name.lower()

    kept = [pair for pair in pairs if action == "append" or not same(pair[0])]
    return kept if action == "remove" else [*kept, (name if case else name.lower(), value)]


def text(call: Call, template: str, answer: EndpointResponse | None) -> str:
    """A value with `$request.header.NAME`, `${context.requestId}` and the like in place; `answer` is what `$response` is about."""
    return _NAME.sub(lambda found: _value(call, found[1] or found[2], answer), str(template))


def _value(call: Call, name: str, answer: EndpointResponse | None) -> str:
    if name == "request.path":
        return call.path
    if name == "request.body" or name == "response.body":
        body = call.body if name == "request.body" else answer.body if answer else b""
        return body.decode("utf-8", "replace")
    for prefix, known in _SOURCES:
        if name.startswith(prefix):
            value = source(known + name[len(prefix) :])(call, answer)
            return value if isinstance(value, str) else ",".join(value or [])
    return ""


_NAME = re.compile(r"\$(?:\{((?:request|response|context|stageVariables)\.[^}]+)\}|((?:request|response|context|stageVariables)\.[\w.\[\]-]+))")
_SOURCES = (
    ("request.header.", "method.request.header."),
    ("request.querystring.", "method.request.querystring."),
    ("request.path.", "method.request.path."),
    ("request.body.", "method.request.body."),
    ("response.header.", "integration.response.header."),
    ("response.body.", "integration.response.body."),
    ("context.", "context."),
    ("stageVariables.", "stageVariables."),
)
