"""AWS_IAM: whether a request is signed (Signature Version 4). The signature is not verified: the plugin has no callers' secret keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone

from ..errors import GatewayError
from ..message import Call

_CREDENTIAL = re.compile(r"(?P<key>[A-Za-z0-9_]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.A)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_ALGORITHM = "AWS4-HMAC-SHA256"
# Parameters of signatures of version 4, and the one by which version 2 is known.
_IN_QUERY = {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature", "x-amz-signedheaders", "awsaccesskeyid"}
# How far the time of a signature may be from now.
SKEW_SECONDS = 300


def check(call: Call, now_ms: int) -> dict[str, str]:
    """Lets a signed request pass. Gives what the signature says of the caller, `accessKey`. Raises GatewayError."""
    _check_once((name for name, _ in call.fields if name in ("authorization", "x-amz-date")), "header")
    _check_once((name.lower() for name, _ in call.query if name.lower() in _IN_QUERY), "query parameter")
    header = call.field("authorization")
    query = call.query_map()
    if header is not None:
        if any(name.lower() in _IN_QUERY for name in query):
            raise _incomplete("Only one of the Authorization header and the query may have a signature: send one of them.")
        name, _, rest = header.partition(" ")
        if name != _ALGORITHM:
            raise _incomplete(f"Authorization header requires '{_ALGORITHM}'.")
        pairs = [part.strip().partition("=")[::2] for part in rest.split(",")]
        _check_once((name for name, _ in pairs), "part of the Authorization header")
        parts = dict(pairs)
        time = call.field("x-amz-date") or ""
        longest = SKEW_SECONDS
    elif query.get("X-Amz-Algorithm") == _ALGORITHM:
        parts = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
        time = query.get("X-Amz-Date", "")
        given = query.get("X-Amz-Expires", "")
        longest = int(given) if given.isdecimal() and len(given) < 7 else SKEW_SECONDS
    else:
        raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
    credential = _CREDENTIAL.fullmatch(parts.get("Credential", ""))
    signed = parts.get("SignedHeaders", "").split(";")
    if credential is None or "host" not in signed or not _SIGNATURE.fullmatch(parts.get("Signature", "")):
        raise _incomplete("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.")
    if credential["service"] != "execute-api" or credential["region"] != call.api.region:
        raise _refused("Credential should be scoped to correct service: 'execute-api'.")
    _check_time(time, credential["date"], longest, now_ms)
    return {"accessKey": credential["key"]}


def _check_once(names: Iterable[str], what: str) -> None:
    """Who verifies the signature (aws-extras) may take the first of two, where this takes the last."""
    known: set[str] = set()
    for name in names:
        if name in known:
            raise _incomplete(f"The {what} '{name}' is there twice: send it once.")
        known.add(name)


def _check_time(text: str, day: str, longest: int, now_ms: int) -> None:
    found = _TIME.fullmatch(text)
    try:
        # Not strptime: it imports a module when it is called first, and there are no files then.
        time = datetime(*(int(part) for part in found.groups()), tzinfo=timezone.utc) if found else None
    except ValueError:
        time = None
    if time is None:
        raise _incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    age = now_ms / 1000 - time.timestamp()
    if not text.startswith(day) or not -SKEW_SECONDS <= age <= longest:
        raise _refused(f"Signature expired: {text} is now more than {longest} seconds away.")


def _incomplete(text: str) -> GatewayError:
    return GatewayError("DEFAULT_4XX", text, status=403)


def _refused(text: str) -> GatewayError:
    return GatewayError("INVALID_SIGNATURE", text)
