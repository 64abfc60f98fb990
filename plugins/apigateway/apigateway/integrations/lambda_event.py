"""The event that a Lambda function of type AWS_PROXY gets, in the formats 1.0 and 2.0, and what an authorizer gets of the request.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (input format) and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from .. import binary
from ..context import complete
from ..message import Call

# What an HTTP API takes for text; everything else goes as base64. REST APIs take everything for text that is not among their binary
# media types.
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded")
_NOT_GIVEN = {"connection", "transfer-encoding", "content-length"}


def version_1(call: Call) -> dict[str, Any]:
    """Format 1.0. What is absent is null, as AWS has it."""
    event = {
        "resource": _resource_path(call),
        "path": call.path if call.api.kind == "REST" else _path_with_stage(call),
        "httpMethod": call.method,
        **parameters(call),
        "requestContext": complete(call),
        **_body(call),
    }
    if call.api.kind == "HTTP":
        # Format 1.0 has what format 2.0 has under `lambda` or `jwt` beside the other members.
        authorizer = event["requestContext"].get("authorizer") or {}
        if authorizer:
            event["requestContext"]["authorizer"] = next(iter(authorizer.values()))
        event = {"version": "1.0", **event}
    return event


def parameters(call: Call) -> dict[str, Any]:
    """Header fields and parameters of a request, in format 1.0."""
    headers = {name: value for name, value in call.headers().items() if name.lower() not in _NOT_GIVEN}
    multi = {name: values for name, values in call.multi_headers().items() if name.lower() not in _NOT_GIVEN}
    return {
        "headers": headers or None,
        "multiValueHeaders": multi or None,
        "queryStringParameters": call.query_map() or None,
        "multiValueQueryStringParameters": call.multi_query() or None,
        "pathParameters": call.path_parameters or None,
        "stageVariables": call.stage_variables or None,
    }


def version_2(call: Call) -> dict[str, Any]:
    """Format 2.0. What is absent is left out; repeated values are joined with commas; cookies are apart."""
    fields = [(name.lower(), value) for name, value in call.fields if name.lower() not in _NOT_GIVEN]
    cookies = [part.strip() for name, value in fields if name == "cookie" for part in value.split(";") if part.strip()]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": _route_key(call),
        "rawPath": _path_with_stage(call),
        "rawQueryString": urlencode(call.query),
        "headers": _joined((name, value) for name, value in fields if name != "cookie"),
        "requestContext": context_2(call),
        **_body(call),
    }
    optional = {
        "cookies": cookies,
        "queryStringParameters": _joined(call.query),
        "pathParameters": call.path_parameters,
        "stageVariables": call.stage_variables,
    }
    event.update({name: value for name, value in optional.items() if value})
    authorizer = call.context.get("authorizer")
    if authorizer:
        event["requestContext"]["authorizer"] = authorizer
    if event["body"] is None:
        del event["body"]
    return event


def context_2(call: Call) -> dict[str, Any]:
    """`requestContext` of format 2.0."""
    context = call.context
    domain = str(context["domainName"])
    return {
        "accountId": call.api.account_id,
        "apiId": call.api.id,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": call.method,
            "path": _path_with_stage(call),
            "protocol": context["protocol"],
            "sourceIp": call.source_ip,
            "userAgent": call.field("user-agent") or "",
        },
        "requestId": context["requestId"],
        "routeKey": _route_key(call),
        "stage": call.stage,
        "time": context["requestTime"],
        "timeEpoch": context["requestTimeEpoch"],
    }


def _resource_path(call: Call) -> str:
    if call.resource is not None:
        return call.resource.path
    return _route_key(call).partition(" ")[2] or _route_key(call)


def _route_key(call: Call) -> str:
    return str(call.method_doc.get("routeKey") or "$default")


def _path_with_stage(call: Call) -> str:
    return call.path if call.stage == "$default" else f"/{call.stage}{call.path}"


def _joined(pairs: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = value if name not in found else f"{found[name]},{value}"
    return found


def _body(call: Call) -> dict[str, Any]:
    """`body` and `isBase64Encoded`. A body that is not UTF-8 goes as base64 in any case, so that nothing of it is lost."""
    if not call.body:
        return {"body": None, "isBase64Encoded": False}
    if not is_binary(call):
        try:
            return {"body": call.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(call.body).decode(), "isBase64Encoded": True}


def is_binary(call: Call) -> bool:
    """Whether the media type of the request's body is one that goes as base64."""
    kind = (call.field("content-type") or "").partition(";")[0].strip().lower()
    if call.api.kind == "HTTP":
        return not (kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml")))
    return binary.is_binary(call.field("content-type"), call.api.binary_media_types)
