"""Requests to AWS services, built from the URI and the mapped request. Nothing is sent here.

`action/ACTION` is sent as the service's protocol has it: as `X-Amz-Target` with a JSON body, or as the parameter `Action` of the
query protocol. `path/PATH` is sent as an HTTP client would.
"""

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode

from ..message import EndpointRequest, Fields
from .aws_request import Out, header, set_default
from .aws_target import BadUri, Target

# Prefix of X-Amz-Target and version of JSON, from the services' models (botocore, `targetPrefix` and `jsonVersion`).
JSON_SERVICES = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "kinesis": ("Kinesis_20131202", "1.1"),
    "kms": ("TrentService", "1.1"),
    "logs": ("Logs_20140328", "1.1"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "ssm": ("AmazonSSM", "1.1"),
    "states": ("AWSStepFunctions", "1.0"),
}
# SQS has a JSON protocol beside the query protocol that integrations of REST APIs are written for.
SQS_JSON = ("AmazonSQS", "1.0")
FORM = "application/x-www-form-urlencoded"
# `s3:action/NAME&Bucket=…&Key=…`: the method; whether there is a key.
_S3_ACTIONS = {
    "GetObject": ("GET", True),
    "HeadObject": ("HEAD", True),
    "PutObject": ("PUT", True),
    "DeleteObject": ("DELETE", True),
    "ListObjects": ("GET", False),
    "CreateBucket": ("PUT", False),
    "DeleteBucket": ("DELETE", False),
}
_NO_BODY = {"GET", "HEAD", "OPTIONS"}


def build(target: Target, request: EndpointRequest, was_templated: bool = True) -> Out:
    """The request to a service. `was_templated`: whether the integration has request templates. Raises BadUri."""
    if target.service == "s3" and target.kind == "action":
        return _s3_action(target, request)
    if target.kind == "path":
        return _path(target, request, was_templated)
    if target.service in JSON_SERVICES:
        return json_request(target, request)
    return _query(target, request)


def _path(target: Target, request: EndpointRequest, was_templated: bool) -> Out:
    method, fields, query = request.method, list(request.fields), list(request.query)
    path = "/" + target.rest
    if "?" in path:
        path, _, own = path.partition("?")
        query = [*parse_qsl(own, keep_blank_values=True), *query]
    body = b"" if method in _NO_BODY else request.body
    if target.service in JSON_SERVICES and header(fields, "x-amz-target") is not None:
        fields = _with_type(fields, f"application/x-amz-json-{JSON_SERVICES[target.service][1]}")
    elif target.service == "sqs" and path.strip("/") and not was_templated:
        body = _sqs_body(query, body)
    if target.service in ("sqs", "sns") and body:
        fields = _with_type(fields, FORM)
    return Out(method, path, fields, query, body)


def _sqs_body(query: Fields, body: bytes) -> bytes:
    """What goes to a queue's path is a form. A body that no template made is a message, as LocalStack had it, whatever is in it: a client
    must not name the action.
    """
    if not body or any(name == "Action" for name, _ in query):
        return body
    return urlencode({"Action": "SendMessage", "MessageBody": _text(body)}).encode()


def _with_type(fields: Fields, kind: str) -> Fields:
    """A client's own media type is not the one of what the template made of its body."""
    kept = [(name, value) for name, value in fields if name.lower() != "content-type"]
    return [*kept, ("content-type", kind)]


def json_request(target: Target, request: EndpointRequest) -> Out:
    """An action of a service with a JSON protocol. The body is the action's input."""
    prefix, version = JSON_SERVICES.get(target.service, SQS_JSON)
    fields = [(name, value) for name, value in request.fields if name.lower() != "x-amz-target"]
    fields.append(("x-amz-target", f"{prefix}.{target.rest}"))
    return Out("POST", "/", _with_type(fields, f"application/x-amz-json-{version}"), list(request.query), request.body.strip() or b"{}")


def _query(target: Target, request: EndpointRequest) -> Out:
    """The query protocol: `Action` and the mapped query parameters, and a form as the body if a template made one."""
    action, _, own = target.rest.partition("&")
    query = [("Action", unquote(action)), *parse_qsl(own, keep_blank_values=True)]
    # A client's parameter must not name another action.
    query += [(name, value) for name, value in request.query if name != "Action"]
    form = _form_fields(request.fields, request.body) if request.method not in _NO_BODY else []
    body = urlencode([*query, *((name, value) for name, value in form if name != "Action")]).encode()
    return Out("POST", "/", _with_type(request.fields, FORM), [], body)


def _form_fields(fields: Fields, body: bytes) -> Fields:
    """The fields of a form. A body of another kind has none: the query protocol has no place for it."""
    kind = (header(fields, "content-type") or "").partition(";")[0].strip().lower()
    if kind != FORM and not re.fullmatch(rb"[\w.%+-]+=[^&]*(?:&[\w.%+-]+=[^&]*)*", body.strip()):
        return []
    return parse_qsl(_text(body).strip(), keep_blank_values=True)


def _s3_action(target: Target, request: EndpointRequest) -> Out:
    action, _, own = target.rest.partition("&")
    if action not in _S3_ACTIONS:
        raise BadUri(f"s3:action/{action} is not known: there are {', '.join(sorted(_S3_ACTIONS))}; s3:path/BUCKET/KEY serves all others")
    method, has_key = _S3_ACTIONS[action]
    given = {**dict(request.query), **dict(parse_qsl(own, keep_blank_values=True))}
    names = ["Bucket", "Key"] if has_key else ["Bucket"]
    values = []
    for name in names:
        value = given.pop(name, "")
        if not value or any(part in (".", "..") for part in value.split("/")):
            raise BadUri(f"s3:action/{action}: {name} is {value!r}")
        values.append(quote(value, safe="/" if name == "Key" else ""))
    fields = list(request.fields)
    set_default(fields, "content-type", "application/octet-stream")
    query = [(name, value) for name, value in request.query if name in given]
    return Out(method, "/" + "/".join(values), fields, query, b"" if method in _NO_BODY else request.body)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
