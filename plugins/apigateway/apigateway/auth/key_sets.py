"""The keys of who issues tokens (JWKS, RFC 7517), fetched and kept in the state.

Keys are used for five minutes, then fetched again; when that fails, for an hour in all. A token with a `kid` that is not known
has them fetched at once, but an issuer gets one request in ten seconds at most, whatever clients send.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

from ..integrations.aws_request import address
from ..reach import Reach, SendFailed

FRESH_MS = 300_000
OLDEST_MS = 3_600_000
RETRY_SECONDS = 10
TIMEOUT_SECONDS = 5.0
_COGNITO = re.compile(r"https://cognito-idp\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<pool>[A-Za-z0-9_-]+)")


class NoKeys(Exception):
    """There are no keys to verify with."""


def keys(issuer: str, kid: str | None, reach: Reach) -> list[dict[str, Any]]:
    """The keys of an issuer that a token with this `kid` may be signed with. Raises NoKeys if the issuer's keys can't be had."""
    name = "keys:" + hashlib.sha256(issuer.encode()).hexdigest()
    kept = _kept(name, reach)
    age = reach.now() - kept["fetched"] if kept else OLDEST_MS
    if kept and age < FRESH_MS and _chosen(kept["keys"], kid):
        return _chosen(kept["keys"], kid)
    if kept is None or reach.state_increment(f"{name}:asked", RETRY_SECONDS) == 1:
        try:
            kept = {"fetched": reach.now(), "keys": _fetch(issuer, reach)}
            reach.state_set(name, json.dumps(kept).encode(), OLDEST_MS / 1000)
            age = 0
        except (SendFailed, ValueError) as error:
            reach.warn(f"the keys of {issuer} can't be fetched: {error}")
            if kept is None or age >= OLDEST_MS:
                raise NoKeys(f"the keys of {issuer} can't be fetched: {error}") from None
    if age >= OLDEST_MS:
        raise NoKeys(f"the keys of {issuer} are too old")
    return _chosen(kept["keys"], kid)


def _kept(name: str, reach: Reach) -> dict[str, Any] | None:
    text = reach.state_get(name)
    return None if text is None else json.loads(text)


def _chosen(found: list[dict[str, Any]], kid: str | None) -> list[dict[str, Any]]:
    """Those with the token's `kid`; all if it names none."""
    return found if kid is None else [key for key in found if key.get("kid") == kid]


def _fetch(issuer: str, reach: Reach) -> list[dict[str, Any]]:
    """Raises SendFailed, or ValueError for an answer that is no key set."""
    url = reach.config.jwks.get(issuer)
    pool = _COGNITO.fullmatch(issuer)
    if url is None and pool:
        # A user pool of the mock. Its address is not Amazon's.
        fields = address([], "cognito-idp", pool["region"], reach)
        answer = _get(f"{reach.config.backend}/{pool['pool']}/.well-known/jwks.json", fields, reach)
    else:
        answer = _get(url or _discovered(issuer, reach), [], reach)
    found = answer.get("keys")
    if not isinstance(found, list):
        raise ValueError("the answer has no keys")
    return [key for key in found if isinstance(key, dict) and key.get("kty") in ("RSA", "EC")]


def _discovered(issuer: str, reach: Reach) -> str:
    """Where the issuer says that its keys are (OpenID Connect Discovery 1.0, section 4)."""
    about = _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", [], reach)
    url = about.get("jwks_uri")
    if about.get("issuer") != issuer or not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("its discovery document names another issuer, or no jwks_uri")
    return url


def _get(url: str, fields: list[tuple[str, str]], reach: Reach) -> dict[str, Any]:
    answer = reach.send("GET", url, [*fields, ("accept", "application/json")], b"", TIMEOUT_SECONDS)
    if answer.status != 200:
        raise ValueError(f"{url} answered {answer.status}")
    value = json.loads(answer.body)
    if not isinstance(value, dict):
        raise ValueError(f"{url} answered no JSON object")
    return value
