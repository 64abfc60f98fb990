"""API keys and usage plans: who has a key of a plan for this API and stage, and how much of the plan is used up.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta, timezone
from typing import Any

from ..errors import GatewayError
from ..message import Call
from ..model import Doc
from ..reach import Reach


def is_required(call: Call) -> bool:
    """Whether the method requires a key. What is neither true nor false counts as true."""
    return requires(call.method_doc)


def requires(method: Doc) -> bool:
    """The same of a Method object."""
    value = method.get("apiKeyRequired")
    return value not in (None, False, "false", "False", "")


def check(call: Call, usage_identifier: str | None, reach: Reach) -> None:
    """Lets a call with a valid key pass, within its plan's limits; its id and value are in `$context.identity` then.

    `usage_identifier` is the key that an authorizer gave. Raises GatewayError.
    """
    source = call.api.about.get("apiKeySource") or "HEADER"
    value = usage_identifier if source == "AUTHORIZER" else call.field("x-api-key")
    found = _plan_of(call, value) if value else None
    if found is None:
        raise GatewayError("INVALID_API_KEY")
    plan, stage, key = found
    identity = call.context["identity"]
    identity["apiKey"], identity["apiKeyId"] = key.get("value"), key.get("id")
    _limit(call, plan, stage, key, reach)


def _plan_of(call: Call, value: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]] | None:
    """The plan, its entry for this API and stage, and the key, if the key is one of such a plan and enabled."""
    for plan in call.api.usage:
        for stage in plan.get("apiStages") or []:
            if (stage.get("apiId"), stage.get("stage")) != (call.api.id, call.stage):
                continue
            for key in plan.get("keys") or []:
                known = key.get("value")
                if not isinstance(known, str) or not known or key.get("enabled") not in (True, "true"):
                    continue
                if hmac.compare_digest(known.encode(), value.encode()):
                    return plan, stage, key
    return None


def _limit(call: Call, plan: dict[str, Any], stage: dict[str, Any], key: dict[str, Any], reach: Reach) -> None:
    who = f"{plan.get('id')}:{key.get('id')}"
    resource = call.resource.path if call.resource else ""
    method = (stage.get("throttle") or {}).get(f"{resource}/{call.method}")
    throttle = method or plan.get("throttle")
    name = f"throttle:{who}:{call.api.id}:{call.stage}:{resource}:{call.method}" if method else f"throttle:{who}"
    if throttle and not _take(name, throttle, reach):
        raise GatewayError("THROTTLED")
    quota = plan.get("quota")
    if quota and quota.get("limit") is not None:
        begin, end = period(str(quota.get("period") or "DAY"), reach.now())
        used = reach.state_increment(f"quota:{who}:{begin}", (end - reach.now()) / 1000 + 1)
        if used + int(quota.get("offset") or 0) > int(quota["limit"]):
            raise GatewayError("QUOTA_EXCEEDED")


def _take(name: str, throttle: dict[str, Any], reach: Reach) -> bool:
    """Takes a token of a bucket that holds `burstLimit` and gets `rateLimit` a second. False if there is none."""
    rate = float(throttle.get("rateLimit") or 0)
    burst = float(throttle.get("burstLimit") or 0) or max(rate, 1.0)
    # Where others change the bucket meanwhile it is tried again; who never gets through is throttled.
    for _ in range(16):
        before = reach.state_get(name)
        now = reach.now()
        tokens, at = json.loads(before) if before else (burst, now)
        tokens = min(burst, tokens + max(0, now - at) * rate / 1000)
        if tokens < 1:
            return False
        after = json.dumps([tokens - 1, now]).encode()
        if reach.state_swap(name, before, after, burst / rate + 60 if rate else 86400):
            return True
    return False


def period(name: str, now_ms: int) -> tuple[int, int]:
    """Begin and end of the period of a quota, in ms: a day, a week from Sunday, or a month, in UTC."""
    now = datetime.fromtimestamp(now_ms / 1000, timezone.utc)
    begin = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "WEEK":
        begin -= timedelta(days=(begin.weekday() + 1) % 7)
        end = begin + timedelta(days=7)
    elif name == "MONTH":
        begin = begin.replace(day=1)
        end = (begin + timedelta(days=32)).replace(day=1)
    else:
        end = begin + timedelta(days=1)
    return int(begin.timestamp() * 1000), int(end.timestamp() * 1000)
