"""Integration type MOCK: the answer is the request template's `statusCode`."""

from __future__ import annotations

import json

from ..errors import configuration
from ..message import Call, EndpointRequest, EndpointResponse


def invoke(call: Call, request: EndpointRequest, strict: bool) -> EndpointResponse:
    """The status that the mapped request names. Without any template it is 200 unless `strict`, as in LocalStack."""
    if not strict and not call.integration.get("requestTemplates"):
        return EndpointResponse(200, [], b"{}")
    return EndpointResponse(_status(request.body), [], b"")


def _status(body: bytes) -> int:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise configuration("the request template of a MOCK integration gave no JSON") from None
    status = found.get("statusCode") if isinstance(found, dict) else None
    if not isinstance(status, int) or isinstance(status, bool):
        raise configuration("the request template of a MOCK integration gave no statusCode")
    return status
