"""Integrations with services of AWS: `arn:aws:apigateway:REGION:SERVICE:path|action/…`."""

from __future__ import annotations

from ..errors import configuration
from ..message import Call, EndpointRequest, EndpointResponse
from ..services import Services


def invoke(call: Call, request: EndpointRequest, services: Services) -> EndpointResponse:
    """Type AWS. `request` is mapped already; a function's error message becomes `selection`."""
    raise configuration(f"the integration {request.uri} is not supported")


def proxy(call: Call, services: Services) -> EndpointResponse:
    """Type AWS_PROXY, of REST APIs and (with `payloadFormatVersion` and `integrationSubtype`) of HTTP APIs. What it gives is the answer to the client."""
    raise configuration(f"the integration {call.integration.get('uri')} is not supported")
