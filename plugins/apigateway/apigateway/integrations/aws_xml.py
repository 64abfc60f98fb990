"""Answers of the query protocol as JSON. AWS gives JSON to integrations with SQS, SNS and the like, where clients of its own get XML, and so does this.

`<SendMessageResponse><SendMessageResult>…` becomes `{"SendMessageResponse": {"SendMessageResult": {…}}}`, an error `{"Error": {…}, "RequestId": …}`.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

from ..message import EndpointResponse
from .aws_request import header

# Members of lists, each of which has these names.
_MEMBERS = {"member", "entry"}


def as_json(answer: EndpointResponse) -> EndpointResponse:
    """The same answer in JSON if it is XML, else as it is."""
    kind = (header(answer.fields, "content-type") or "").partition(";")[0].strip().lower()
    if kind not in ("text/xml", "application/xml") and not re.match(rb"\s*<", answer.body):
        return answer
    try:
        root = ElementTree.fromstring(answer.body)
    except ElementTree.ParseError:
        return answer
    name, value = _name(root), _value(root)
    made = value if name == "ErrorResponse" else {name: value}
    fields = [(known, text) for known, text in answer.fields if known.lower() not in ("content-type", "content-length")]
    return EndpointResponse(answer.status, [*fields, ("content-type", "application/json")], json.dumps(made, ensure_ascii=False).encode())


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: ElementTree.Element) -> Any:
    """Text, an object of the parts, or a list if they are a list's members."""
    if len(element) == 0:
        return element.text or ""
    if all(_name(part) in _MEMBERS for part in element):
        return [_value(part) for part in element]
    made: dict[str, Any] = {}
    for part in element:
        name = _name(part)
        if name not in made:
            made[name] = _value(part)
        elif isinstance(made[name], list):
            made[name].append(_value(part))
        else:
            made[name] = [made[name], _value(part)]
    return made
