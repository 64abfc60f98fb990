"""Who may call: the API's resource policy, authorizers, then API keys and usage plans.

What can't be decided never lets a request pass: an authorizer that is missing, unknown, broken or silent is a refusal.
"""

from __future__ import annotations

from typing import Any

from ..errors import GatewayError
from ..message import Call
from ..outside import Outside
from ..reach import Reach
from ..services import Services
from . import api_keys, iam, jwt_authorizer, lambda_authorizer, resource_policy
from .wording import misconfigured


def authorize(call: Call, services: Services) -> None:
    """Lets the call pass, with `call.context["authorizer"]` and `["identity"]["apiKey"]` filled in.

    Raises GatewayError (UNAUTHORIZED, ACCESS_DENIED, INVALID_API_KEY, THROTTLED, QUOTA_EXCEEDED, …) else.
    """
    decide(call, Outside(services.config))


def decide(call: Call, reach: Reach) -> None:
    """The same, with what it needs of the world. A test-invoke asks neither authorizers nor keys, as in AWS."""
    if call.test:
        return
    kind = call.method_doc.get("authorizationType")
    if kind != "NONE" or api_keys.is_required(call) or call.api.about.get("policy"):
        _stage_exists(call)
    if call.api.kind == "REST":
        resource_policy.check(call, str(kind))
    usage_identifier = _authorizer(call, kind, reach)
    if api_keys.is_required(call):
        api_keys.check(call, usage_identifier, reach)


def _stage_exists(call: Call) -> None:
    """Who may call can depend on the stage, so a client must not make one up. (Where nothing is guarded, a stage need not exist.)"""
    if call.stage not in call.api.stages:
        kind = "ACCESS_DENIED" if call.api.kind == "REST" else "RESOURCE_NOT_FOUND"
        detail = f"{call.api.id} has no stage {call.stage}, and {call.method} {call.path} is not for everybody: deploy it to that stage"
        raise GatewayError(kind, "Forbidden" if call.api.kind == "REST" else None, detail=detail)


def _authorizer(call: Call, kind: Any, reach: Reach) -> str | None:
    """Asks the method's authorizer. Gives the API key that it names, if it does. Raises GatewayError."""
    if kind == "NONE":
        return None
    if kind == "AWS_IAM":
        call.context["identity"].update(iam.check(call, reach.now()))
        return None
    if kind not in ("CUSTOM", "COGNITO_USER_POOLS", "JWT"):
        raise misconfigured(call, f"{call.method} {call.path}: the method's authorizationType is {kind!r}")
    authorizer = call.api.authorizers.get(str(call.method_doc.get("authorizerId")))
    if authorizer is None:
        raise misconfigured(call, f"{call.method} {call.path}: there is no authorizer {call.method_doc.get('authorizerId')!r}")
    own = authorizer.get("type") or authorizer.get("authorizerType")
    scopes = [str(scope) for scope in call.method_doc.get("authorizationScopes") or []]
    if kind == "CUSTOM" and own in ("TOKEN", "REQUEST"):
        answer = lambda_authorizer.check(call, authorizer, reach)
        context = answer["context"]
        call.context["authorizer"] = {"lambda": context} if call.api.kind == "HTTP" else context
        return answer["usageIdentifierKey"]
    if kind == "COGNITO_USER_POOLS" and own == "COGNITO_USER_POOLS":
        call.context["authorizer"] = jwt_authorizer.check_cognito(call, authorizer, scopes, reach)
        return None
    if kind == "JWT" and own == "JWT":
        call.context["authorizer"] = jwt_authorizer.check_jwt(call, authorizer, scopes, reach)
        return None
    raise misconfigured(call, f"{call.method} {call.path}: the method wants {kind}, its authorizer {authorizer.get('name')} is {own!r}")
