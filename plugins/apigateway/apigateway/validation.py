"""Request validation: what the method's request validator and models demand."""

from __future__ import annotations

from .message import Call


def validate(call: Call) -> None:
    """Raises GatewayError BAD_REQUEST_PARAMETERS or BAD_REQUEST_BODY."""
