"""What the integrations of AWS services share: the request to be sent, and how it is addressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from ..message import Fields
from ..reach import Reach


@dataclass
class Out:
    """A request to be sent. `path` is encoded, begins with a slash, and has no query."""

    method: str
    path: str
    fields: Fields
    query: Fields
    """Decoded."""
    body: bytes


def header(fields: Fields, name: str) -> str | None:
    return next((value for known, value in fields if known.lower() == name), None)


def set_default(fields: Fields, name: str, value: str) -> None:
    """Adds a header field unless it is there."""
    if header(fields, name) is None:
        fields.append((name, value))


def address(fields: Fields, service: str, region: str, reach: Reach) -> Fields:
    """The header fields with those that say which service is meant.

    A server of many services, as moto is, finds the service by the credential scope. The signature is none: the integration's
    `credentials` are not used, and a server that verifies signatures refuses the request.
    """
    time = datetime.fromtimestamp(reach.now() / 1000, timezone.utc)
    scope = f"{time:%Y%m%d}/{region}/{service}/aws4_request"
    own = {"authorization", "x-amz-date", "host", "content-length", "connection", "transfer-encoding"}
    kept = [(name, value) for name, value in fields if name.lower() not in own]
    authorization = f"AWS4-HMAC-SHA256 Credential={reach.config.access_key}/{scope}, SignedHeaders=host;x-amz-date, Signature=none"
    return [*kept, ("authorization", authorization), ("x-amz-date", f"{time:%Y%m%dT%H%M%SZ}")]
