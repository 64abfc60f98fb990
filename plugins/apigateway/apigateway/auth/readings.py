"""A path with an encoded slash has two readings: `/a%2Fb` is one segment for the router, and two for an endpoint that decodes it.

Such a path must be no way past the authorizer of the route that the second reading means.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ..errors import GatewayError
from ..message import Call
from ..model import Doc
from ..paths import parted
from . import api_keys


def check(call: Call, find: Callable[[str], Doc | None]) -> None:
    """Raises GatewayError if the other reading of the path asks for more than the method that was found. `find` gives the method of a path."""
    other = parted(call.path)
    if other == call.path:
        return
    method = find(other)
    if method is None or _demands(method) <= _demands(call.method_doc):
        return
    detail = f"with its encoded slash decoded the path is that of a method with another authorization: call {other}"
    raise GatewayError("ACCESS_DENIED", "Forbidden", detail=detail)


def _demands(method: Doc) -> set[str]:
    """What a caller must have."""
    names = ("authorizationType", "authorizerId", "authorizationScopes")
    found = set() if method.get("authorizationType") == "NONE" else {json.dumps([method.get(name) for name in names])}
    return found | ({"key"} if api_keys.requires(method) else set())
