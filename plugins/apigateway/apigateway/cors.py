"""Preflight requests (WHATWG Fetch) that no method of a REST API is for.

AWS refuses them; LocalStack answered them, so that pages can be tried before the methods for OPTIONS are made. A method OPTIONS with an
integration goes before this.
"""

from __future__ import annotations

from .message import Call, EndpointResponse, Fields
from .model import Doc

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


def of_api(call: Call, rules: Doc) -> EndpointResponse | None:
    """An HTTP API's answer to a preflight, if it has rules; None if it has none or the request is none."""
    if not rules or call.method != "OPTIONS" or call.field("origin") is None or call.field("access-control-request-method") is None:
        return None
    return EndpointResponse(204, with_rules(call, rules, []), b"")


def with_rules(call: Call, rules: Doc, fields: Fields) -> Fields:
    """The fields with those of the API's rules instead of the integration's, which AWS ignores then. An origin that no rule names gets none."""
    origin = call.field("origin")
    if not rules:
        return fields
    kept = [(name, value) for name, value in fields if not name.lower().startswith("access-control-")]
    allowed = _allowed_origin(origin, rules.get("allowOrigins") or [])
    if origin is None or allowed is None:
        return kept
    kept.append(("access-control-allow-origin", allowed))
    if rules.get("allowCredentials"):
        kept.append(("access-control-allow-credentials", "true"))
    if call.method == "OPTIONS" and call.field("access-control-request-method") is not None:
        for name, key in (("access-control-allow-methods", "allowMethods"), ("access-control-allow-headers", "allowHeaders")):
            if rules.get(key):
                kept.append((name, ",".join(rules[key])))
        if rules.get("maxAge") is not None:
            kept.append(("access-control-max-age", str(rules["maxAge"])))
    elif rules.get("exposeHeaders"):
        kept.append(("access-control-expose-headers", ",".join(rules["exposeHeaders"])))
    return kept


def _allowed_origin(origin: str | None, allowed: list[str]) -> str | None:
    """`*`, or the origin if it is listed; `https://*` stands for every host of a scheme."""
    if origin is None:
        return None
    if "*" in allowed:
        return "*"
    matches = (origin == one or (one.endswith("://*") and origin.startswith(one[:-1])) for one in allowed)
    return origin if any(matches) else None
