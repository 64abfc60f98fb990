"""Which definitions a request to the backend may change, told by its method and path alone."""

from __future__ import annotations

import re
from urllib.parse import unquote

ALL = "*"
"""Every API."""

MOTO = "/moto-api/"
"""moto's own interface, by which it is reset."""

READS = ("GET", "HEAD", "OPTIONS")
_ONE = re.compile(r"/(?:restapis|v2/apis)/+([^/?]+)")
# API keys and usage plans belong to no API, domain names to several; moto's own interface resets it.
_SEVERAL = ("/usageplans", "/apikeys", "/domainnames", "/v2/domainnames", MOTO, "/restapis", "/v2/apis")
_SCOPE = re.compile(r"Credential=[^/\s]+/\d+/([^/\s]+)/([^/\s]+)/aws4_request")


def touched(method: str, path: str, authorization: str | None) -> str | None:
    """The id of the API that may change, ALL, or None."""
    if method in READS:
        return None
    one = _ONE.match(path)
    if one is not None:
        return unquote(one[1])
    if path in ("/restapis", "/v2/apis"):
        # A new API, which nobody has read before.
        return None
    if path.startswith(_SEVERAL):
        return ALL
    # A stack may have APIs.
    found = scope(authorization)
    return ALL if found is not None and found[1] == "cloudformation" else None


def scope(authorization: str | None) -> tuple[str, str] | None:
    """Region and service of a signature's credential."""
    found = _SCOPE.search(authorization or "")
    return (found[1], found[2]) if found else None
