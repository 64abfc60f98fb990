"""Test-invoke: a method is carried out without a stage, authorizers and keys, and its answer is told as JSON."""

from __future__ import annotations

import json
import time
from typing import Any

from . import context, reply
from .errors import GatewayError, answered
from .invoke import enter, run
from .message import Call, EndpointResponse, title
from .model import Api, Doc, Resource
from .paths import ANY, Router
from .services import Services
from .urls import parse_query

_STAGE = "test-invoke-stage"


def invoke(api: Api, resource_id: str, verb: str, asked: Doc, services: Services) -> EndpointResponse:
    """The answer to `POST /restapis/ID/resources/ID/methods/VERB`; `asked` has `pathWithQueryString`, `body`, `headers` and so on."""
    resource = next((one for one in api.resources if one.id == resource_id), None)
    if resource is None:
        return _refused("Invalid Resource identifier specified")
    name = next((one for one in (verb, *ANY) if one in resource.methods), None)
    if name is None:
        return _refused("Invalid Method identifier specified")
    call = _call(api, resource, verb, asked)
    context.begin(call)
    enter(call, resource, name)
    began = time.time()
    try:
        answer = run(call, services)
    except GatewayError as error:
        answer = answered(error, call)
        result = f"Execution failed due to configuration error: {error.detail}" if error.detail else f"Execution failed: {error.message}"
    else:
        result = "Successfully completed execution"
    latency = int((time.time() - began) * 1000)
    return EndpointResponse(200, [("content-type", "application/json")], json.dumps(_told(call, answer, result, latency), ensure_ascii=False).encode())


def _call(api: Api, resource: Resource, verb: str, asked: Doc) -> Call:
    path, _, query = str(asked.get("pathWithQueryString") or resource.path).partition("?")
    router: Router[str] = Router()
    router.add(resource.path, {"ANY": resource.path})
    found = router.find(path, "ANY")
    several = asked.get("multiValueHeaders") or {}
    fields = [(name.lower(), str(one)) for name, values in several.items() for one in values]
    fields += [(name.lower(), str(value)) for name, value in (asked.get("headers") or {}).items() if name not in several]
    return Call(
        api=api,
        stage=_STAGE,
        method=verb,
        path=path,
        query=parse_query(query),
        fields=fields,
        body=str(asked.get("body") or "").encode(),
        source_ip="test-invoke-source-ip",
        host="testPrefix.testDomainName",
        test=True,
        # What doesn't fit is taken without parameters, as in AWS.
        path_parameters=found[1] if found else {},
        stage_variables={name: str(value) for name, value in (asked.get("stageVariables") or {}).items()},
    )


def _told(call: Call, answer: EndpointResponse, result: str, latency: int) -> Doc:
    several: dict[str, list[str]] = {}
    for name, value in answer.fields:
        several.setdefault(title(name.lower()), []).append(value)
    single = {name: values[-1] for name, values in several.items()}
    body = answer.body.decode("utf-8", "replace")
    return {
        "status": answer.status,
        "body": body,
        "headers": single,
        "multiValueHeaders": several,
        "log": _log(call, answer.status, body, single, result),
        "latency": latency,
    }


def _log(call: Call, status: int, body: str, headers: dict[str, str], result: str) -> str:
    """In the words of AWS's execution log."""
    stamp = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime())
    request_id = call.context["requestId"]
    lines = [
        f"Starting execution for request: {request_id}",
        f"HTTP Method: {call.method}, Resource Path: {call.path}",
        f"Method request path: {_java(call.path_parameters)}",
        f"Method request query string: {_java(call.query_map())}",
        f"Method request headers: {_java(call.headers())}",
        f"Method request body before transformations: {call.body.decode('utf-8', 'replace')}",
        f"Method response body after transformations: {body}",
        f"Method response headers: {_java(headers)}",
        result,
        f"Method completed with status: {status}",
    ]
    return f"Execution log for request {request_id}\n" + "".join(f"{stamp} : {line}\n" for line in lines)


def _java(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in pairs.items()) + "}"


def _refused(message: str) -> EndpointResponse:
    """As the control plane words it."""
    fields = [("content-type", "application/json"), ("x-amzn-errortype", "NotFoundException")]
    return EndpointResponse(404, fields, json.dumps({"message": message}).encode())


def answer(api: Api, resource_id: str, verb: str, asked: Any, services: Services) -> Any:
    """The same, as the answer of the exchange."""
    return reply.send(invoke(api, resource_id, verb, asked if isinstance(asked, dict) else {}, services))
