"""`$context` and an event's `requestContext`: what is known of a call, each value made when it is asked for first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import reply
from .message import Call


class Context(dict[str, Any]):
    """A dictionary for templates, whose usual members appear when they are asked for."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    def __missing__(self, key: str) -> Any:
        make = _MEMBERS.get(key)
        if make is None:
            raise KeyError(key)
        value = self[key] = make(self._call)
        return value

    def __deepcopy__(self, _memo: Any) -> dict[str, Any]:
        return dict(self)


def begin(call: Call) -> None:
    """Gives the call its context."""
    call.context = Context(call)
    call.context["requestOverride"] = {"header": {}, "path": {}, "querystring": {}}
    call.context["responseOverride"] = {"header": {}, "status": None}


def complete(call: Call) -> dict[str, Any]:
    """All members, as a Lambda function gets them in `requestContext`; without those that only templates have."""
    for name in _MEMBERS:
        call.context[name]
    return {name: value for name, value in call.context.items() if name not in ("requestOverride", "responseOverride", "error")}


def _identity(call: Call) -> dict[str, Any]:
    return {
        "accessKey": None,
        "accountId": None,
        "apiKey": None,
        "caller": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": call.source_ip,
        "user": None,
        "userAgent": call.field("user-agent"),
        "userArn": None,
    }


def _deployment(call: Call) -> str | None:
    return (call.api.stages.get(call.stage) or {}).get("deploymentId")


_MEMBERS: dict[str, Callable[[Call], Any]] = {
    "accountId": lambda call: call.api.account_id,
    "apiId": lambda call: call.api.id,
    "deploymentId": _deployment,
    "domainName": lambda call: call.host.partition(":")[0],
    "domainPrefix": lambda call: call.host.partition(".")[0].partition(":")[0],
    "extendedRequestId": lambda call: reply.new_extended_id(),
    "httpMethod": lambda call: call.method,
    "identity": _identity,
    "path": lambda call: f"/{call.stage}{call.path}" if call.stage != "$default" else call.path,
    "protocol": lambda call: "HTTP/1.1",
    "requestId": lambda call: reply.new_request_id(),
    "requestTime": lambda call: time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(call.context["requestTimeEpoch"] / 1000)),
    "requestTimeEpoch": lambda call: int(time.time() * 1000),
    "resourceId": lambda call: call.resource.id if call.resource else None,
    "resourcePath": lambda call: call.resource.path if call.resource else None,
    "stage": lambda call: call.stage,
}
