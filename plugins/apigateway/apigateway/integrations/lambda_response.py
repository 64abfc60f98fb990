"""What a Lambda function of type AWS_PROXY returned, read.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (output format) and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (format 2.0)
"""

import base64
import binascii
import json
from typing import Any

from ..message import EndpointResponse, Fields

_MEMBERS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_MEMBERS_2 = _MEMBERS | {"cookies"}
# The host's, and those of the connection between the function and nobody.
_NOT_TAKEN = {"content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "trailer", "te"}


class Malformed(Exception):
    """The answer has not the form that API Gateway wants. The text says what is wrong, for a log."""


def read_1(payload: bytes) -> EndpointResponse:
    """Format 1.0: an object with `statusCode`, `headers`, `multiValueHeaders`, `body`, `isBase64Encoded`, and nothing else.

    Without `statusCode` the status is 200. Raises Malformed.
    """
    value = _json(payload)
    if not isinstance(value, dict):
        raise Malformed(f"the function returned {_kind(value)}, not an object with statusCode, headers and body")
    others = sorted(set(value) - _MEMBERS)
    if others:
        raise Malformed(f"the function returned an object with {', '.join(others)}")
    headers = _headers(value)
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return EndpointResponse(_status(value.get("statusCode")), headers, _body(value))


def read_2(payload: bytes) -> EndpointResponse:
    """Format 2.0: an object with `statusCode`, or any JSON, which is the body then. Raises Malformed."""
    value = _json(payload)
    if not isinstance(value, dict) or "statusCode" not in value:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return EndpointResponse(200, [("content-type", "application/json")], text.encode())
    headers = _headers({name: part for name, part in value.items() if name in _MEMBERS_2})
    cookies = value.get("cookies") or []
    if not isinstance(cookies, list):
        raise Malformed(f"cookies is {_kind(cookies)}, not a list")
    headers += [("set-cookie", _field("cookies", one)) for one in cookies]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return EndpointResponse(_status(value.get("statusCode")), headers, _body(value))


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise Malformed("the function returned no JSON") from None


def _status(value: Any) -> int:
    if value is None:
        return 200
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        status = int(value)
    except ValueError:
        raise Malformed(f"statusCode is {value!r}") from None
    # 1xx are no final responses.
    if not 200 <= status <= 599:
        raise Malformed(f"statusCode is {status}")
    return status


def _headers(value: dict[str, Any]) -> Fields:
    """Fields of both members. One that is in both has the values of `multiValueHeaders`, and the single one if it is not among them."""
    single, several = (_object(value, name) for name in ("headers", "multiValueHeaders"))
    found: dict[str, list[str]] = {}
    for name, values in several.items():
        if not isinstance(values, list):
            raise Malformed(f"multiValueFields: {name} is {_kind(values)}, not a list")
        found.setdefault(_name(name), []).extend(_field(name, one) for one in values)
    for name, one in single.items():
        if one is None:
            continue
        values = found.setdefault(_name(name), [])
        if _field(name, one) not in values:
            values.append(_field(name, one))
    return [(name, one) for name, values in found.items() if name not in _NOT_TAKEN for one in values]


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    if part is not None and not isinstance(part, dict):
        raise Malformed(f"{name} is {_kind(part)}, not an object")
    return part or {}


def _name(name: str) -> str:
    lower = name.lower()
    if not lower or any(not (char.isascii() and (char.isalnum() or char in "!#$%&'*+-.^_`|~")) for char in lower):
        raise Malformed(f"{name!r} is no name of a header field")
    return lower


def _field(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return json.dumps(value)
    if not isinstance(value, str):
        raise Malformed(f"header field {name} is {_kind(value)}, not text")
    if any(char in "\r\n\0" for char in value):
        raise Malformed(f"header field {name} has a line break")
    return value.strip(" \t")


def _body(value: dict[str, Any]) -> bytes:
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise Malformed(f"body is {_kind(body)}, not text")
    encoded = value.get("isBase64Encoded") or False
    if not isinstance(encoded, bool):
        raise Malformed(f"isBase64Encoded is {encoded!r}")
    if not encoded:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("body is no base64, though isBase64Encoded says so") from None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")
