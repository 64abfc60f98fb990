"""Bodies that are not text: binary media types and `contentHandling`, as the Developer Guide's table of payload conversions has it."""

from __future__ import annotations

import base64
import binascii

from .errors import configuration

TO_TEXT = "CONVERT_TO_TEXT"
TO_BINARY = "CONVERT_TO_BINARY"


def is_binary(media_type: str | None, types: list[str]) -> bool:
    """Whether the first media type of a field `content-type` or `accept` is one of the API's binary ones; `*/*` and `image/*` are patterns. A field
    that is absent stands for JSON.
    """
    if not types:
        return False
    name = (media_type or "application/json").partition(",")[0].partition(";")[0].strip().lower()
    kind = name.partition("/")[0]
    return any(one in ("*/*", name, f"{kind}/*") for one in map(str.lower, types))


def of_request(body: bytes, handling: str | None, binary: bool) -> bytes:
    """The body that templates and endpoint get."""
    if binary and handling == TO_TEXT:
        return base64.b64encode(body)
    if not binary and handling == TO_BINARY:
        return _decoded(body, "request")
    return body


def of_response(body: bytes, handling: str | None, binary: bool, accepts_binary: bool) -> bytes:
    """The body that templates and client get."""
    if binary:
        return base64.b64encode(body) if handling == TO_TEXT or (handling is None and not accepts_binary) else body
    if handling == TO_BINARY or (handling is None and accepts_binary):
        return _decoded(body, "response")
    return body


def _decoded(body: bytes, what: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise configuration(f"the {what}'s body is to be converted to binary, but it is no base64") from None
