"""A call of an HTTP API (version 2): routes, `$default`, CORS of the API itself."""

from __future__ import annotations

from .errors import GatewayError, answered
from .message import Call, EndpointResponse
from .services import Services


def execute(call: Call, services: Services) -> EndpointResponse:
    """What the client gets."""
    return answered(GatewayError("RESOURCE_NOT_FOUND"), call)
