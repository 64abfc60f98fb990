"""Authorizers that look at a token: Cognito user pools (REST APIs) and JWT (HTTP APIs).

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import GatewayError
from ..message import Call
from ..reach import Reach
from . import identity, key_sets, token
from .wording import failed, misconfigured, unauthorized

_POOL_ARN = re.compile(r"arn:aws[a-z-]*:cognito-idp:(?P<region>[a-z0-9-]+):\d*:userpool/(?P<pool>[A-Za-z0-9_-]+)")


# A scope-token of RFC 6749, section 3.3.
_SCOPE = re.compile(r"[!#-\[\]-~]+")


class Expired(token.BadToken):
    pass


def check_cognito(call: Call, authorizer: dict[str, Any], scopes: list[str], reach: Reach) -> dict[str, Any]:
    """A token of one of the authorizer's user pools. Without scopes it must be an ID token, with them an access token that has one.

    Gives `$context.authorizer`. Raises GatewayError.
    """
    text = _token_text(call, authorizer, "method.request.header.Authorization")
    issuers = {}
    for arn in authorizer.get("providerARNs") or []:
        found = _POOL_ARN.fullmatch(arn)
        if found is None:
            raise misconfigured(call, f"authorizer {authorizer.get('name')}: {arn!r} is not the ARN of a user pool")
        issuers[f"https://cognito-idp.{found['region']}.amazonaws.com/{found['pool']}"] = None
    if not issuers:
        raise misconfigured(call, f"authorizer {authorizer.get('name')} has no providerARNs")
    try:
        claims = _verified(text, issuers, reach)
        _check_times(claims, reach.now())
        if claims.get("token_use") != ("access" if scopes else "id"):
            raise token.BadToken(f"token_use is {claims.get('token_use')!r}")
        if scopes and not set(scopes) & _scopes(claims):
            raise token.BadToken("it has none of the scopes")
    except Expired:
        raise GatewayError("EXPIRED_TOKEN", "The incoming token has expired", status=401) from None
    except token.BadToken as error:
        raise unauthorized(call, f"the token is refused: {error}") from None
    except key_sets.NoKeys as error:
        raise failed(call, str(error)) from None
    return {"claims": {name: _text(value) for name, value in claims.items()}}


def check_jwt(call: Call, authorizer: dict[str, Any], scopes: list[str], reach: Reach) -> dict[str, Any]:
    """A token of the issuer that the authorizer of an HTTP API names. Gives `$context.authorizer`. Raises GatewayError."""
    settings = {str(name).lower(): value for name, value in (authorizer.get("jwtConfiguration") or {}).items()}
    issuer, audience = settings.get("issuer"), settings.get("audience")
    if not issuer or not isinstance(audience, list) or not audience:
        raise misconfigured(call, f"authorizer {authorizer.get('name')} has no issuer or no audience")
    try:
        text = _token_text(call, authorizer, "$request.header.Authorization")
    except GatewayError as error:
        if error.kind == "UNAUTHORIZED":
            error.fields = [("www-authenticate", "Bearer")]
        raise
    try:
        claims = _verified(text, {issuer: None}, reach)
        _check_times(claims, reach.now())
        _check_audience(claims, audience)
    except token.BadToken as error:
        raise _challenge(call, "UNAUTHORIZED", "invalid_token", str(error)) from None
    except key_sets.NoKeys as error:
        raise failed(call, str(error)) from None
    granted = _scopes(claims)
    if scopes and not set(scopes) & granted:
        raise _challenge(call, "ACCESS_DENIED", "insufficient_scope", "it has none of the scopes", scopes)
    return {"jwt": {"claims": {name: _text(value) for name, value in claims.items()}, "scopes": sorted(set(scopes) & granted) or None}}


def _challenge(call: Call, kind: str, error: str, why: str, scopes: list[str] | None = None) -> GatewayError:
    """With the field of RFC 6750, section 3."""
    message = "Forbidden" if kind == "ACCESS_DENIED" else None
    named = [scope for scope in scopes or [] if _SCOPE.fullmatch(scope)]
    said = f'Bearer scope="{" ".join(named)}" error="{error}"' if named else f'Bearer error="{error}"'
    return GatewayError(kind, message, detail=f"{error}: the token is refused: {why}", fields=[("www-authenticate", said)])


def _token_text(call: Call, authorizer: dict[str, Any], source: str) -> str:
    """The token without `Bearer`, from the identity source. Raises GatewayError."""
    try:
        found = identity.values(call, identity.sources(authorizer)[:1] or [source])
    except identity.BadSource as error:
        raise misconfigured(call, f"authorizer {authorizer.get('name')}: {error}") from None
    if found is None:
        raise unauthorized(call)
    expression = authorizer.get("identityValidationExpression")
    text = re.sub(r"^bearer +", "", found[0].strip(), flags=re.I)
    try:
        if expression and not (re.fullmatch(expression, text) or re.fullmatch(expression, found[0])):
            raise unauthorized(call)
    except re.error as error:
        raise misconfigured(call, f"identityValidationExpression {expression!r}: {error}") from None
    return text


def _verified(text: str, issuers: dict[str, None], reach: Reach) -> dict[str, Any]:
    """The claims of a token that one of the issuers signed. Raises BadToken, NoKeys."""
    read = token.read(text)
    issuer = read.claims.get("iss")
    if not isinstance(issuer, str) or issuer not in issuers:
        raise token.BadToken(f"its issuer is {issuer!r}")
    if not any(token.verify(read, key) for key in key_sets.keys(issuer, read.kid, reach)):
        raise token.BadToken("no key of the issuer signed it")
    return read.claims


def _check_times(claims: dict[str, Any], now_ms: int) -> None:
    """`exp` must be there. Raises Expired, BadToken."""
    times = {name: claims.get(name) for name in ("exp", "nbf", "iat")}
    for name, value in times.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise token.BadToken(f"{name} is no time")
    now = now_ms / 1000
    if times["exp"] is None:
        raise token.BadToken("it has no exp")
    if now >= times["exp"]:
        raise Expired("it has expired")
    for name in ("nbf", "iat"):
        # Clocks may differ a little. `exp` has no such room.
        if times[name] is not None and now + 60 < times[name]:
            raise token.BadToken(f"{name} is to come")


def _check_audience(claims: dict[str, Any], audience: list[str]) -> None:
    """`aud`, or `client_id` where there is no `aud`, as AWS has it."""
    named = claims.get("aud", claims.get("client_id"))
    values = named if isinstance(named, list) else [named]
    if not any(isinstance(one, str) and one in audience for one in values):
        raise token.BadToken("it is for another audience")


def _scopes(claims: dict[str, Any]) -> set[str]:
    """`scope` (text, RFC 8693) or `scp` (text or a list)."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            found.update(value.split())
        elif isinstance(value, list):
            found.update(one for one in value if isinstance(one, str))
    return found


def _text(value: Any) -> str:
    """A claim as `$context.authorizer.claims` has it: lists as `[a b]`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + " ".join(_text(one) for one in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
