"""The resource policy of a REST API (`policy`), before all else.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import GatewayError
from ..message import Call
from . import policy
from .wording import misconfigured


def check(call: Call, kind: str) -> None:
    """Raises GatewayError if the policy denies. `kind` is the method's authorizationType.

    Where nobody else decides (NONE), or a user pool does that knows nothing of policies, the policy must allow. Otherwise it must
    not deny.
    """
    given = call.api.about.get("policy")
    if not given:
        return
    arn = policy.method_arn(call)
    try:
        verdict = policy.decide(_document(given), call, of_resource=True)
    except (policy.BadPolicy, ValueError) as error:
        raise misconfigured(call, f"the API's resource policy: {error}") from None
    if verdict == "allow" or (verdict == "none" and kind in ("CUSTOM", "AWS_IAM")):
        return
    account, _, rest = arn.removeprefix("arn:aws:execute-api:").partition(":")[2].partition(":")
    shown = f"arn:aws:execute-api:{call.api.region}:********{account[-4:]}:{rest}"
    text = f"User: anonymous is not authorized to perform: execute-api:Invoke on resource: {shown}"
    raise GatewayError("ACCESS_DENIED", text + (" with an explicit deny" if verdict == "deny" else ""))


def _document(given: Any) -> Any:
    """The policy's JSON. API Gateway gives it with escaped quotes."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return json.loads(given.replace('\\"', '"'))
