"""Refusals of authorizers, as REST APIs and HTTP APIs word them."""

from __future__ import annotations

from ..errors import GatewayError
from ..message import Call

_DENIED = "User is not authorized to access this resource"


def unauthorized(call: Call, detail: str = "") -> GatewayError:
    """Who the caller is isn't known: 401."""
    return GatewayError("UNAUTHORIZED", detail=detail)


def denied(call: Call, verdict: str) -> GatewayError:
    """The caller is known and may not: 403. `verdict` is that of a policy."""
    if call.api.kind == "HTTP":
        return GatewayError("ACCESS_DENIED", "Forbidden")
    return GatewayError("ACCESS_DENIED", _DENIED + (" with an explicit deny" if verdict == "deny" else ""))


def failed(call: Call, detail: str) -> GatewayError:
    """The authorizer could not be asked, or failed: 500. The reason is for the log alone."""
    return GatewayError("AUTHORIZER_FAILURE", _internal(call), detail=detail)


def misconfigured(call: Call, detail: str) -> GatewayError:
    """The authorizer's definition or its answer is not what API Gateway wants: 500."""
    return GatewayError("AUTHORIZER_CONFIGURATION_ERROR", _internal(call), detail=detail)


def _internal(call: Call) -> str | None:
    return "Internal Server Error" if call.api.kind == "HTTP" else None
