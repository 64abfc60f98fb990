"""Policies: whether a request may invoke a method, by what an authorizer returned or by the API's resource policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html

What cannot be evaluated here never lets a request pass: it makes an Allow not apply, and a Deny apply.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import unquote

from ..message import Call

Verdict = Literal["allow", "deny", "none"]
ACTION = "execute-api:Invoke"


class BadPolicy(Exception):
    """The policy is none."""


def method_arn(call: Call) -> str:
    """The ARN of the method that a request asks for. The path is decoded: a rule must not be evaded by `%61` for `a`."""
    return _arn(call, [unquote(part) for part in _segments(call)])


def _arn(call: Call, segments: list[str]) -> str:
    return f"arn:aws:execute-api:{call.api.region}:{call.api.account_id}:{call.api.id}/{call.stage}/{call.method}/{'/'.join(segments)}"


def _segments(call: Call) -> list[str]:
    """Of the path as it stands on the wire, without slashes at either end: `/pets/` is the resource `/pets` for the router, too."""
    return call.path.strip("/").split("/")


def decide(policy: Any, call: Call, *, of_resource: bool = False) -> Verdict:
    """What a policy says of a request. Raises BadPolicy.

    An encoded slash can be read in two ways: `/a%2Fb` is one segment for the router, and two for who gets a greedy parameter. The request is
    allowed if it is in both readings, and denied if it is in one.
    """
    inside = [unquote(part).replace("/", "%2F") for part in _segments(call)]
    keys = condition_keys(call)
    verdicts = {evaluate(policy, arn, keys, of_resource=of_resource) for arn in (method_arn(call), _arn(call, inside))}
    return "deny" if "deny" in verdicts else "allow" if verdicts == {"allow"} else "none"


def condition_keys(call: Call) -> dict[str, str]:
    """Condition keys of a request, in lower case."""
    keys = {"aws:sourceip": call.source_ip, "aws:useragent": call.field("user-agent") or "", "aws:referer": call.field("referer") or ""}
    return {name: value for name, value in keys.items() if value}


def evaluate(policy: Any, arn: str, keys: dict[str, str], *, of_resource: bool = False) -> Verdict:
    """Whether a policy allows to invoke the method with this ARN: one Deny that applies decides. `keys` are condition keys such as
    `aws:SourceIp`. Only resource policies name principals (`of_resource`). Raises BadPolicy.
    """
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not all(isinstance(one, dict) for one in statements):
        raise BadPolicy("the policy has no list of statements")
    verdict: Verdict = "none"
    for statement in statements:
        effect = statement.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise BadPolicy(f"a statement has the Effect {effect!r}")
        if _applies(statement, arn, keys, unsure=effect == "Deny", of_resource=of_resource):
            if effect == "Deny":
                return "deny"
            verdict = "allow"
    return verdict


def _applies(statement: dict[str, Any], arn: str, keys: dict[str, str], unsure: bool, of_resource: bool) -> bool:
    """Whether a statement is about this request; `unsure` where it can't be told."""
    if not _names(statement, "Action", lambda one: _like(one.lower(), ACTION.lower())):
        return False
    if not _names(statement, "Resource", lambda one: _like(_full(one, arn), arn)):
        return False
    if of_resource and not _names_everybody(statement, unsure):
        return False
    return _holds(statement.get("Condition"), keys, unsure)


def _names(statement: dict[str, Any], member: str, matches: Callable[[str], bool]) -> bool:
    """Whether `Action` or `Resource` names it, or `NotAction` or `NotResource` does not. Raises BadPolicy."""
    others = f"Not{member}"
    if (member in statement) == (others in statement):
        raise BadPolicy(f"a statement needs {member} or {others}")
    values = _texts(statement.get(member, statement.get(others)), member)
    found = any(matches(value) for value in values)
    return found if member in statement else not found


def _texts(value: Any, what: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise BadPolicy(f"{what} is no text")
    return values


def _full(resource: str, arn: str) -> str:
    """Resource policies may leave out what is the API's own: `execute-api:/STAGE/GET/path`."""
    if resource.startswith("execute-api:/"):
        return arn.partition("/")[0] + resource.removeprefix("execute-api:")
    return resource


def _names_everybody(statement: dict[str, Any], unsure: bool) -> bool:
    """Callers are not known here, so only a statement for everybody surely names this one."""
    principal = statement.get("Principal")
    values = principal.values() if isinstance(principal, dict) else [principal]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return True if "*" in flat else unsure


def _like(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern with `*` (any length) and `?` (one character).

    What stands between two `*` is looked for once, from left to right: the first place is as good as any later one.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return len(text) == len(first) and _at(first, text, 0)
    *middle, last = rest
    end = len(text) - len(last)
    if len(first) > end or not _at(first, text, 0) or not _at(last, text, end):
        return False
    at = len(first)
    for piece in middle:
        while at + len(piece) <= end and not _at(piece, text, at):
            at += 1
        at += len(piece)
        if at > end:
            return False
    return True


def _at(piece: str, text: str, at: int) -> bool:
    """Whether a piece without `*` stands at this place of the text, which is long enough for it."""
    if "?" not in piece:
        return text.startswith(piece, at)
    return all(char in ("?", text[at + index]) for index, char in enumerate(piece))


def _in_network(network: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


# Operator → how a value is compared, and whether the operator is the opposite of that.
_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "IpAddress": (_in_network, False),
    "NotIpAddress": (_in_network, True),
    "StringEquals": (lambda wanted, found: wanted == found, False),
    "StringNotEquals": (lambda wanted, found: wanted == found, True),
    "StringEqualsIgnoreCase": (lambda wanted, found: wanted.lower() == found.lower(), False),
    "StringNotEqualsIgnoreCase": (lambda wanted, found: wanted.lower() == found.lower(), True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
}


def _holds(conditions: Any, keys: dict[str, str], unsure: bool) -> bool:
    """Whether all conditions of a statement hold."""
    if not conditions:
        return True
    if not isinstance(conditions, dict):
        raise BadPolicy("Condition is no object")
    return all(
        _holds_one(operator, key, wanted, keys, unsure)
        for operator, tests in conditions.items()
        for key, wanted in (tests.items() if isinstance(tests, dict) else [("", None)])
    )


def _holds_one(operator: str, key: str, wanted: Any, keys: dict[str, str], unsure: bool) -> bool:
    compared = _OPERATORS.get(operator)
    found = keys.get(key.lower())
    values = wanted if isinstance(wanted, list) else [wanted]
    if compared is None or found is None or not all(isinstance(one, str) for one in values):
        return unsure
    compare, opposite = compared
    try:
        return any(compare(one, found) for one in values) != opposite
    except ValueError:
        return unsure
