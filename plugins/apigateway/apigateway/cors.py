"""Preflight requests (WHATWG Fetch) that no method of a REST API is for.

AWS refuses them; LocalStack answered them, so that pages can be tried before the methods for OPTIONS are made. A method OPTIONS with an
integration goes before this.
"""

from __future__ import annotations

from .message import Call, EndpointResponse

METHODS = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"


def preflight(call: Call) -> EndpointResponse | None:
    """The answer to a preflight request, None if it is none."""
    if call.method != "OPTIONS" or call.field("origin") is None:
        return None
    fields = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", METHODS),
        # `*` doesn't include Authorization, and means nothing to requests with credentials; what is asked for does.
        ("access-control-allow-headers", call.field("access-control-request-headers") or "*"),
        ("content-type", "application/json"),
    ]
    return EndpointResponse(200, fields, b"")
