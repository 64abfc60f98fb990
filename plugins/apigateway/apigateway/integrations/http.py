"""Integration types HTTP and HTTP_PROXY: another server's answer."""

from __future__ import annotations

import random
import time

from tollgate import client
from tollgate.client import SendError

from ..backend import response
from ..errors import GatewayError, configuration
from ..message import Call, EndpointRequest, EndpointResponse, Fields
from ..parameters import Mapped, mapped_request, uri_with
from ..services import Services
from ..urls import with_query

# Of the connection, or set by the host (RFC 9110, section 7.6.1).
_HOP = {"connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade"}
# What API Gateway says under another name, because the field itself is its own.
_REMAPPED = ("connection", "content-length", "date", "server", "www-authenticate", "x-amzn-requestid")
_NO_BODY = ("GET", "HEAD", "OPTIONS")


def invoke(call: Call, request: EndpointRequest, services: Services) -> EndpointResponse:
    """Type HTTP: the request as it was mapped."""
    fields = _own_fields(call, request.fields)
    body = b"" if request.method in _NO_BODY else request.body
    if body and not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("content-type", "application/json"))
    return send(call, client.OutgoingRequest(request.method, with_query(request.uri, request.query), fields, body, timeout(call, services)))


def proxy(call: Call, services: Services) -> EndpointResponse:
    """Type HTTP_PROXY: the request as it came, with the parameters that the integration sets, and the answer as it comes."""
    mapping = mapped_request(call)
    method = call.integration.get("httpMethod") or call.method
    mapped = Mapped(
        fields=_replaced(call.fields, mapping.fields),
        query=_replaced(call.query, mapping.query),
        path=mapping.path,
    )
    answer = forward(call, services, call.method if method == "ANY" else method, call.integration.get("uri") or "", mapped)
    answer.fields = [(name, value) for name, value in answer.fields if name not in _REMAPPED] + remapped(answer.fields)
    return answer


def forward(call: Call, services: Services, method: str, uri: str, mapped: Mapped) -> EndpointResponse:
    """The call's body with these parameters, and the answer as it comes."""
    # The host has put the client into x-forwarded-for already.
    fields: Fields = [(name, value) for name, value in mapped.fields if name.lower() not in _HOP]
    url = with_query(uri_with(uri, call, mapped.path), mapped.query)
    return send(call, client.OutgoingRequest(method, url, _own_fields(call, fields), call.body, timeout(call, services)))


def _replaced(pairs: Fields, by: Fields) -> Fields:
    """What is mapped takes the place of what came under the same name."""
    if not by:
        return pairs
    names = {name.lower() for name, _ in by}
    return [pair for pair in pairs if pair[0].lower() not in names] + by


def send(call: Call, sent: client.OutgoingRequest) -> EndpointResponse:
    """Raises GatewayError for what is no answer."""
    try:
        return response(client.send(sent))
    except SendError as error:
        what = f"{sent.method} {sent.url}: {error.reason}: {error}"
        if error.reason == "timed-out":
            raise GatewayError("INTEGRATION_TIMEOUT", detail=what) from None
        if error.reason in ("denied", "invalid-request"):
            raise configuration(what) from None
        raise GatewayError("INTEGRATION_FAILURE", detail=what) from None


def remapped(fields: Fields) -> Fields:
    """Fields that the endpoint sent and API Gateway sends itself, as `x-amzn-remapped-…`."""
    return [(f"x-amzn-remapped-{name}", value) for name, value in fields if name in _REMAPPED]


def timeout(call: Call, services: Services) -> float:
    """Of the integration, in seconds, at most the setting."""
    most = services.config.integration_timeout
    try:
        return min(float(call.integration.get("timeoutInMillis") or 0) / 1000 or most, most)
    except (TypeError, ValueError):
        return most


def _own_fields(call: Call, fields: Fields) -> Fields:
    """With what API Gateway adds where nobody else has said it."""
    known = {name.lower() for name, _ in fields}
    trace = f"Root=1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
    added = (("x-amzn-apigateway-api-id", call.api.id), ("user-agent", f"AmazonAPIGateway_{call.api.id}"), ("x-amzn-trace-id", trace))
    return [*fields, *((name, value) for name, value in added if name not in known)]
