"""Lambda authorizers: a function says whether a request may pass.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from ..integrations import lambda_, lambda_event
from ..integrations.aws_target import fill_stage_variables, lambda_function
from ..message import Call
from ..reach import Reach
from . import identity, policy
from .wording import denied, failed, misconfigured, unauthorized

# AWS waits for an authorizer for ten seconds at most, and caches an answer for an hour at most.
TIMEOUT_SECONDS = 10.0
LONGEST_TTL = 3600
# Answers that are kept for an authorizer at a stage. Clients make up tokens, and each gets an answer.
MOST = 4096
DEFAULT_TOKEN_SOURCE = "method.request.header.Authorization"


def check(call: Call, authorizer: dict[str, Any], reach: Reach) -> dict[str, Any]:
    """Lets a request pass, with what the function said about the caller, or raises GatewayError.

    The result has `context` (for `$context.authorizer`) and `usageIdentifierKey`, which may be None.
    """
    kind = authorizer.get("type") or authorizer.get("authorizerType")
    named = identity.sources(authorizer)
    if kind == "TOKEN" and not named:
        named = [DEFAULT_TOKEN_SOURCE]
    try:
        found = identity.values(call, named)
    except identity.BadSource as error:
        raise misconfigured(call, f"authorizer {authorizer.get('name')}: {error}") from None
    if found is None:
        raise unauthorized(call)
    if kind == "TOKEN" and not _fits(authorizer.get("identityValidationExpression"), found[0], call):
        raise unauthorized(call)
    answer = _answer(call, authorizer, kind, named, found, reach)
    _decide(call, answer)
    return answer


def _fits(expression: str | None, token: str, call: Call) -> bool:
    if not expression:
        return True
    try:
        return re.fullmatch(expression, token) is not None
    except re.error as error:
        raise misconfigured(call, f"identityValidationExpression {expression!r}: {error}") from None


def _answer(call: Call, authorizer: dict[str, Any], kind: str | None, named: list[str], found: list[str], reach: Reach) -> dict[str, Any]:
    """The function's answer, from the state if it was asked lately. What is not known is never cached."""
    ttl = _ttl(authorizer, call)
    # Without identity sources all callers would share one answer.
    caches = ttl > 0 and bool(named)
    digest = _digest(call, authorizer, found)
    # One of so many places, whose answer gives way to the next.
    key = f"authorizer:{call.api.id}:{call.stage}:{authorizer.get('id') or authorizer.get('authorizerId')}:{int(digest, 16) % MOST}"
    if caches:
        cached = reach.state_get(key)
        if cached is not None and cached.startswith(digest.encode()):
            return json.loads(cached[len(digest) :])
    answer = _read(call, authorizer, _ask(call, authorizer, kind, found, reach))
    if caches:
        reach.state_set(key, (digest + json.dumps(answer)).encode(), ttl)
    return answer


def _ttl(authorizer: dict[str, Any], call: Call) -> int:
    given = authorizer.get("authorizerResultTtlInSeconds")
    if given is None:
        return 300 if call.api.kind == "REST" else 0
    return min(max(int(given), 0), LONGEST_TTL)


def _digest(call: Call, authorizer: dict[str, Any], found: list[str]) -> str:
    """Of who asks whom. It changes with the authorizer's definition, so that a changed authorizer is asked."""
    parts = [json.dumps(authorizer, sort_keys=True), json.dumps(call.stage_variables, sort_keys=True), *found]
    return hashlib.sha256(b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)).hexdigest()


def _ask(call: Call, authorizer: dict[str, Any], kind: str | None, found: list[str], reach: Reach) -> Any:
    uri = fill_stage_variables(authorizer.get("authorizerUri") or "", call.stage_variables)
    function = lambda_function(uri)
    if function is None:
        raise misconfigured(call, f"authorizer {authorizer.get('name')}: the URI {uri!r} is not that of a Lambda function")
    event = _event(call, authorizer, kind, found)
    try:
        answer = lambda_.ask(function, json.dumps(event).encode(), TIMEOUT_SECONDS, reach, call.api.region)
    except lambda_.NotAsked as error:
        raise failed(call, f"authorizer {authorizer.get('name')}: {error}") from None
    if answer.error is not None:
        # A function says that it does not know the caller by failing with this text, and no other.
        if answer.error_message() == "Unauthorized":
            raise unauthorized(call)
        raise failed(call, f"authorizer {authorizer.get('name')}: {function} failed: {answer.error_message()}")
    try:
        return answer.value()
    except ValueError:
        raise misconfigured(call, f"authorizer {authorizer.get('name')}: {function} returned no JSON") from None


def _event(call: Call, authorizer: dict[str, Any], kind: str | None, found: list[str]) -> dict[str, Any]:
    arn = policy.method_arn(call)
    if kind == "TOKEN":
        return {"type": "TOKEN", "authorizationToken": found[0], "methodArn": arn}
    if kind != "REQUEST":
        raise misconfigured(call, f"authorizer {authorizer.get('name')} has the type {kind!r}")
    if call.api.kind == "HTTP" and str(authorizer.get("authorizerPayloadFormatVersion") or "2.0") == "2.0":
        event = lambda_event.version_2(call)
        for name in ("body", "isBase64Encoded"):
            event.pop(name, None)
        return {**event, "type": "REQUEST", "routeArn": arn, "identitySource": found}
    event = lambda_event.version_1(call)
    for name in ("body", "isBase64Encoded"):
        event.pop(name)
    return {**event, "type": "REQUEST", "methodArn": arn, "identitySource": ",".join(found), "authorizationToken": ",".join(found)}


def _read(call: Call, authorizer: dict[str, Any], value: Any) -> dict[str, Any]:
    """An answer, checked: `policy` or `simple`, `context`, `usageIdentifierKey`. Raises GatewayError."""
    name = f"authorizer {authorizer.get('name')}"
    if not isinstance(value, dict):
        raise misconfigured(call, f"{name}: the function returned no object")
    simple = call.api.kind == "HTTP" and _is_true(authorizer.get("enableSimpleResponses"))
    answer: dict[str, Any] = {"context": _context(call, name, value.get("context")), "usageIdentifierKey": None}
    if simple:
        if not isinstance(value.get("isAuthorized"), bool):
            raise misconfigured(call, f"{name}: isAuthorized is {value.get('isAuthorized')!r}")
        answer["simple"] = value["isAuthorized"]
        return answer
    principal = value.get("principalId")
    if not isinstance(principal, (str, int)) or isinstance(principal, bool):
        raise misconfigured(call, f"{name}: principalId is {principal!r}")
    answer["policy"] = value.get("policyDocument")
    try:
        policy.decide(answer["policy"], call)
    except policy.BadPolicy as error:
        raise misconfigured(call, f"{name}: {error}") from None
    answer["context"]["principalId"] = str(principal)
    key = value.get("usageIdentifierKey")
    answer["usageIdentifierKey"] = key if isinstance(key, str) and key else None
    return answer


def _context(call: Call, name: str, context: Any) -> dict[str, Any]:
    """What the function says of the caller. For REST APIs values are text; objects and lists are an error, as in AWS."""
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise misconfigured(call, f"{name}: context is no object")
    if call.api.kind == "HTTP":
        return dict(context)
    found = {}
    for key, value in context.items():
        if isinstance(value, (dict, list)):
            raise misconfigured(call, f"{name}: context.{key} is neither text nor a number nor a boolean")
        if value is not None:
            found[key] = value if isinstance(value, str) else json.dumps(value)
    return found


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _decide(call: Call, answer: dict[str, Any]) -> None:
    """Raises GatewayError unless the answer allows this very method: one answer is used for many."""
    if "simple" in answer:
        if answer["simple"] is not True:
            raise denied(call, "none")
        return
    try:
        verdict = policy.decide(answer.get("policy"), call)
    except policy.BadPolicy as error:
        raise misconfigured(call, str(error)) from None
    if verdict != "allow":
        raise denied(call, verdict)
