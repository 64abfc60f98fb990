"""Who may call: authorizers, then API keys and usage plans."""

from __future__ import annotations

from ..message import Call
from ..services import Services


def authorize(call: Call, services: Services) -> None:
    """Lets the call pass, with `call.context["authorizer"]` and `["identity"]["apiKey"]` filled in.

    Raises GatewayError (UNAUTHORIZED, ACCESS_DENIED, INVALID_API_KEY, THROTTLED, QUOTA_EXCEEDED, …) else.
    """
