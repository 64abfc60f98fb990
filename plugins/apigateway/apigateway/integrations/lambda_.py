"""Lambda functions, by Lambda's own Invoke API (`POST /2015-03-31/functions/FUNCTION/invocations`) on the endpoint that is configured.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ..errors import GatewayError
from ..message import Call, EndpointRequest, EndpointResponse
from ..reach import Reach, SendFailed
from . import lambda_event, lambda_response
from .aws_request import address, header
from .aws_target import fill_stage_variables, lambda_function, lambda_region


class NotAsked(Exception):
    """The function gave no answer: there is no endpoint, it refused, or it failed to answer in time.

    `reason` is `no-endpoint`, `refused` (the status is `status`), or one of SendFailed.
    """

    def __init__(self, reason: str, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.status = status


class Answer:
    """What a function returned. `error` is its function error (`Handled`, `Unhandled`), None if it has none."""

    def __init__(self, payload: bytes, error: str | None) -> None:
        self.payload = payload
        self.error = error

    def value(self) -> Any:
        """The payload, read as JSON. Raises ValueError."""
        return json.loads(self.payload)

    def error_message(self) -> str:
        """The errorMessage of a function error; the whole payload if it has none. Never empty for an error."""
        try:
            value = self.value()
        except ValueError:
            value = None
        message = value.get("errorMessage") if isinstance(value, dict) else None
        return str(message) if message else self.payload.decode("utf-8", "replace") or "Unhandled"


def ask(function: str, payload: bytes, timeout: float, reach: Reach, region: str, asynchronous: bool = False) -> Answer:
    """Invokes a function, by name or ARN. Raises NotAsked."""
    if not reach.config.lambda_endpoint:
        raise NotAsked("no-endpoint", f"{function} cannot be invoked: set `lambda_endpoint` to the URL of an endpoint that speaks Lambda's Invoke API")
    url = f"{reach.config.lambda_endpoint}/2015-03-31/functions/{quote(function, safe='')}/invocations"
    kind = "Event" if asynchronous else "RequestResponse"
    fields = [("content-type", "application/json"), ("x-amz-invocation-type", kind)]
    try:
        answer = reach.send("POST", url, address(fields, "lambda", lambda_region(function, region), reach), payload, timeout)
    except SendFailed as error:
        raise NotAsked(error.reason, f"{function} at {reach.config.lambda_endpoint}: {error}") from None
    if not 200 <= answer.status < 300:
        text = answer.body[:200].decode("utf-8", "replace")
        raise NotAsked("refused", f"{function} at {reach.config.lambda_endpoint}: status {answer.status}: {text}", answer.status)
    return Answer(answer.body, header(answer.fields, "x-amz-function-error"))


def timeout_seconds(integration: dict[str, Any], reach: Reach) -> float:
    """How long an integration is waited for: what it says itself, at most what the configuration says."""
    own = integration.get("timeoutInMillis")
    return min(int(own) / 1000, reach.config.integration_timeout) if own else reach.config.integration_timeout


def invoke_plain(function: str, call: Call, request: EndpointRequest, reach: Reach) -> EndpointResponse:
    """Type AWS: the mapped body is the payload, and the payload of the answer is the body. Raises GatewayError."""
    asynchronous = (header(request.fields, "x-amz-invocation-type") or "").strip("'") == "Event"
    timeout = timeout_seconds(call.integration, reach)
    try:
        answer = ask(function, request.body.strip() or b"{}", timeout, reach, call.api.region, asynchronous)
    except NotAsked as error:
        raise _gateway_error(error, call) from None
    selection = "" if answer.error is None else answer.error_message()
    return EndpointResponse(200, [("content-type", "application/json")], answer.payload, selection)


def invoke_proxy(call: Call, reach: Reach) -> EndpointResponse:
    """Type AWS_PROXY: the request is the event, and the function's answer says status, header fields and body. Raises GatewayError.

    For an HTTP API the event has the format that `payloadFormatVersion` says.
    """
    integration = call.integration
    is_http_api = call.api.kind == "HTTP"
    uri = fill_stage_variables(integration.get("uri") or integration.get("integrationUri") or "", call.stage_variables)
    function = lambda_function(uri)
    if function is None:
        raise _internal(call, 500, f"{call.method} {call.path}: the integration's URI {uri!r} is not that of a Lambda function")
    version = str(integration.get("payloadFormatVersion") or "1.0") if is_http_api else "1.0"
    event = lambda_event.version_2(call) if version == "2.0" else lambda_event.version_1(call)
    try:
        answer = ask(function, json.dumps(event).encode(), timeout_seconds(integration, reach), reach, call.api.region)
    except NotAsked as error:
        raise _gateway_error(error, call) from None
    try:
        if answer.error is not None:
            raise lambda_response.Malformed(f"the function failed: {answer.error_message()}")
        if version == "2.0":
            return lambda_response.read_2(answer.payload)
        return lambda_response.read_1(answer.payload)
    except lambda_response.Malformed as error:
        raise _internal(call, 500 if is_http_api else 502, f"{function}: {error}") from None


def _internal(call: Call, status: int, detail: str) -> GatewayError:
    """The error as REST APIs and HTTP APIs word it."""
    text = "Internal Server Error" if call.api.kind == "HTTP" else "Internal server error"
    return GatewayError("API_CONFIGURATION_ERROR", text, status=status, detail=detail)


def _gateway_error(error: NotAsked, call: Call) -> GatewayError:
    if error.reason != "timed-out":
        return _internal(call, 500, str(error))
    if call.api.kind == "HTTP":
        return GatewayError("INTEGRATION_TIMEOUT", "Service Unavailable", status=503, detail=str(error))
    return GatewayError("INTEGRATION_TIMEOUT", detail=str(error))
