"""Integrations with services of AWS: `arn:aws:apigateway:REGION:SERVICE:path|action/…`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from ..errors import GatewayError, configuration
from ..message import Call, EndpointRequest, EndpointResponse
from ..outside import Outside
from ..reach import Reach, SendFailed
from ..reply import new_request_id
from ..services import Services
from . import lambda_, subtypes
from .aws_request import Out, address, header
from .aws_services import JSON_SERVICES, build, json_request
from .aws_target import BadUri, Target, lambda_function, read
from .aws_xml import as_json

# StartSyncExecution: how often the state is asked. It ends with the integration's timeout.
_POLL_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
_ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def invoke(call: Call, request: EndpointRequest, services: Services) -> EndpointResponse:
    """Type AWS. `request` is mapped already; a function's error message becomes `selection`."""
    return ask(call, request, Outside(services.config))


def proxy(call: Call, services: Services) -> EndpointResponse:
    """Type AWS_PROXY, of REST APIs and (with `payloadFormatVersion` and `integrationSubtype`) of HTTP APIs. What it gives is the answer to
    the client.
    """
    reach = Outside(services.config)
    if call.integration.get("integrationSubtype"):
        return ask_subtype(call, reach)
    return lambda_.invoke_proxy(call, reach)


def ask(call: Call, request: EndpointRequest, reach: Reach) -> EndpointResponse:
    """Asks the service and gives its answer, whatever its status is. Raises GatewayError if there is none."""
    timeout = lambda_.timeout_seconds(call.integration, reach)
    try:
        function = lambda_function(request.uri)
        if function is not None:
            return lambda_.invoke_plain(function, call, request, reach)
        target = read(request.uri)
        if _is_sync(target):
            return _start_sync(target, request, timeout, reach)
        if target.service == "states" and target.rest == "StartExecution":
            request = _named(request)
        out = build(target, request, bool(call.integration.get("requestTemplates")))
    except BadUri as error:
        raise configuration(f"{call.method} {call.path}: {error}") from None
    return _send(out, target, timeout, reach)


def ask_subtype(call: Call, reach: Reach) -> EndpointResponse:
    """The same for an HTTP API's `integrationSubtype`. The answer is the client's, without what belongs to the service's connection."""
    timeout = lambda_.timeout_seconds(call.integration, reach)
    try:
        target, request = subtypes.request(call)
    except BadUri as error:
        raise GatewayError("API_CONFIGURATION_ERROR", "Internal Server Error", detail=f"{call.method} {call.path}: {error}") from None
    if _is_sync(target):
        answer = _start_sync(target, request, timeout, reach)
    else:
        request = _named(request) if target.rest == "StartExecution" else request
        answer = _send(json_request(target, request), target, timeout, reach)
    kind = header(answer.fields, "content-type") or "application/json"
    return EndpointResponse(answer.status, [("content-type", kind)], answer.body)


def _is_sync(target: Target) -> bool:
    return (target.service, target.kind, target.rest) == ("states", "action", "StartSyncExecution")


def _send(out: Out, target: Target, timeout: float, reach: Reach) -> EndpointResponse:
    url = reach.config.backend + out.path
    if out.query:
        url += "?" + urlencode(out.query)
    try:
        answer = reach.send(out.method, url, address(out.fields, target.service, target.region, reach), out.body, timeout)
    except SendFailed as error:
        kind = "INTEGRATION_TIMEOUT" if error.reason == "timed-out" else "INTEGRATION_FAILURE"
        raise GatewayError(kind, detail=f"{target.service} at {reach.config.backend} did not answer: {error}") from None
    if target.service in JSON_SERVICES or target.service == "s3":
        return answer
    return as_json(answer)


def _named(request: EndpointRequest) -> EndpointRequest:
    """The request to start an execution, with a random name if it has none. AWS gives one itself; moto calls all such executions `None`."""
    try:
        members = json.loads(request.body)
    except (ValueError, RecursionError):
        return request
    if not isinstance(members, dict) or members.get("name"):
        return request
    return replace(request, body=json.dumps({**members, "name": new_request_id()}).encode())


def _start_sync(target: Target, request: EndpointRequest, timeout: float, reach: Reach) -> EndpointResponse:
    """Starts an execution and waits for its end: a server that has no StartSyncExecution can be asked in this way.

    The answer is the execution's description, which has the members of StartSyncExecution's. Each question takes one of the calls
    that the host allows an exchange (50 by default); when they are used up this ends as a timeout.
    """
    until = reach.now() + timeout * 1000
    started = _send(build(Target(target.region, "states", "action", "StartExecution"), _named(request)), target, timeout, reach)
    arn = _member(started, "executionArn")
    if started.status != 200 or not isinstance(arn, str):
        return started
    describe = Target(target.region, "states", "action", "DescribeExecution")
    question = EndpointRequest("POST", "", [], [], json.dumps({"executionArn": arn}).encode())
    turn = 0
    while True:
        left = (until - reach.now()) / 1000
        if left <= 0:
            raise GatewayError("INTEGRATION_TIMEOUT", detail=f"{arn} still runs")
        described = _send(build(describe, question), target, left, reach)
        if described.status != 200 or _member(described, "status") in _ENDED:
            return described
        reach.sleep(min(left, _POLL_SECONDS[min(turn, len(_POLL_SECONDS) - 1)]))
        turn += 1


def _member(response: EndpointResponse, name: str) -> Any:
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return value.get(name) if isinstance(value, dict) else None
