"""Integrations of HTTP APIs with services of AWS (`integrationSubtype`): the request to the service, from `requestParameters`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from .. import parameters_v2
from ..message import Call, EndpointRequest
from .aws_target import BadUri, Target


@dataclass(frozen=True)
class _Subtype:
    service: str
    action: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


_SUBTYPES = {
    "EventBridge-PutEvents": _Subtype("events", "PutEvents", ("Detail", "DetailType", "Source"), ("Time", "EventBusName", "Resources", "TraceHeader")),
    "Kinesis-PutRecord": _Subtype(
        "kinesis", "PutRecord", ("StreamName", "Data", "PartitionKey"), ("SequenceNumberForOrdering", "ExplicitHashKey")
    ),
    "SQS-SendMessage": _Subtype(
        "sqs", "SendMessage", ("QueueUrl", "MessageBody"), ("DelaySeconds", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId")
    ),
    "SQS-ReceiveMessage": _Subtype(
        "sqs", "ReceiveMessage", ("QueueUrl",), ("AttributeNames", "MaxNumberOfMessages", "MessageAttributeNames", "VisibilityTimeout", "WaitTimeSeconds")
    ),
    "SQS-DeleteMessage": _Subtype("sqs", "DeleteMessage", ("QueueUrl", "ReceiptHandle")),
    "SQS-PurgeQueue": _Subtype("sqs", "PurgeQueue", ("QueueUrl",)),
    "StepFunctions-StartExecution": _Subtype("states", "StartExecution", ("StateMachineArn",), ("Name", "Input")),
    "StepFunctions-StartSyncExecution": _Subtype("states", "StartSyncExecution", ("StateMachineArn",), ("Name", "Input", "TraceHeader")),
    "StepFunctions-StopExecution": _Subtype("states", "StopExecution", ("ExecutionArn",), ("Cause", "Error")),
}
# Members that are numbers or JSON in the services' protocol; a mapping gives text.
_NUMBERS = {"DelaySeconds", "MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds"}
_DOCUMENTS = {"MessageAttributes", "AttributeNames", "MessageAttributeNames", "Resources"}


def request(call: Call) -> tuple[Target, EndpointRequest]:
    """The service's action and its request. Raises BadUri for a subtype or parameters that are not right."""
    name = str(call.integration.get("integrationSubtype"))
    kind = _SUBTYPES.get(name)
    if kind is None:
        raise BadUri(f"the subtype {name} is not supported: there are {', '.join(sorted(_SUBTYPES))}")
    given = {key: parameters_v2.text(call, value, None) for key, value in (call.integration.get("requestParameters") or {}).items()}
    region = given.pop("Region", None) or call.api.region
    members: dict[str, Any] = {}
    for member in (*kind.required, *kind.optional):
        value = given.get(member)
        # What the request doesn't have is empty.
        if not value:
            if member in kind.required:
                raise BadUri(f"the parameter {member} of {name} is missing or has no value")
            continue
        members[member] = _typed(name, member, value)
    body = json.dumps(_shaped(name, members)).encode()
    return Target(region, kind.service, "action", kind.action), EndpointRequest("POST", "", [], [], body)


def _typed(name: str, member: str, value: str) -> Any:
    try:
        if member in _NUMBERS:
            return int(value)
        return json.loads(value) if member in _DOCUMENTS else value
    except (ValueError, RecursionError):
        raise BadUri(f"the parameter {member} of {name} is {value!r}") from None


def _shaped(name: str, members: dict[str, Any]) -> dict[str, Any]:
    if name == "EventBridge-PutEvents":
        return {"Entries": [members]}
    if name.startswith("StepFunctions-"):
        return {key[0].lower() + key[1:]: value for key, value in members.items()}
    if name == "Kinesis-PutRecord":
        # Bytes are base64 in JSON.
        return {**members, "Data": base64.b64encode(members["Data"].encode()).decode()}
    return members
