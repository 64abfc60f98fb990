"""Both ways of an integration that isn't a proxy: parameters, templates, the choice of a response by status or error, binary bodies."""

from __future__ import annotations

import re

from . import binary, vtl
from .errors import GatewayError, configuration
from .message import Call, EndpointRequest, EndpointResponse, Fields
from .model import Doc
from .parameters import mapped_request, mapped_response, uri_with

JSON = "application/json"


def request(call: Call) -> EndpointRequest:
    """What the endpoint gets. Raises GatewayError."""
    integration = call.integration
    template = _request_template(call)
    is_binary = binary.is_binary(call.field("content-type"), call.api.binary_media_types)
    body = binary.of_request(call.body, integration.get("contentHandling"), is_binary)
    mapping = mapped_request(call)
    fields, query = mapping.fields, mapping.query
    if template is not None:
        body = vtl.render(call, template, body, "body").encode()
        override = call.context["requestOverride"]
        fields = _overridden(fields, override["header"])
        query = _overridden(query, override["querystring"])
        mapping.path.update((name, vtl.text(value)) for name, value in override["path"].items())
    method = integration.get("httpMethod") or call.method
    return EndpointRequest(
        method=call.method if method == "ANY" else method,
        uri=uri_with(integration.get("uri") or "", call, mapping.path),
        query=query,
        fields=fields,
        body=body,
    )


def response(call: Call, answer: EndpointResponse, strict: bool) -> EndpointResponse:
    """What the client gets of the endpoint's answer. Raises GatewayError if no response is for it."""
    chosen = _chosen(call, answer, strict)
    if chosen is None:
        return EndpointResponse(answer.status, _passed(answer.fields), answer.body)
    types = call.api.binary_media_types
    payload = next((value for name, value in answer.fields if name.lower() == "content-type"), None)
    fields = mapped_response(call, chosen.get("responseParameters"), answer)
    accepts = binary.is_binary(call.field("accept"), types)
    body = binary.of_response(answer.body, chosen.get("contentHandling"), binary.is_binary(payload, types), accepts) if types else answer.body
    content_type, template = _response_template(call, chosen)
    status = int(chosen.get("statusCode") or answer.status)
    if template is not None:
        body = vtl.render(call, template, body, "answer").encode()
        override = call.context["responseOverride"]
        fields = _overridden(fields, override["header"])
        wanted = override["status"]
        # AWS ignores what is no status.
        if isinstance(wanted, int) and 100 <= wanted < 600:
            status = wanted
    if not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("content-type", content_type))
    return EndpointResponse(status, fields, body)


def _request_template(call: Call) -> str | None:
    """The template of the request's media type; None if the body passes as it is."""
    templates = call.integration.get("requestTemplates") or {}
    behavior = (call.integration.get("passthroughBehavior") or "WHEN_NO_MATCH").upper()
    media_type = (call.field("content-type") or JSON).partition(";")[0].strip().lower()
    for name, template in templates.items():
        if name.partition(";")[0].strip().lower() == media_type:
            return template or ""
    if behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and templates):
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
    # Bodies are rare in MOCK, and its template is for requests that have none.
    if call.integration.get("type") == "MOCK" and JSON in templates and not call.body:
        return templates[JSON] or ""
    return None


def _response_template(call: Call, chosen: Doc) -> tuple[str, str | None]:
    """Media type and template of the answer: what the client accepts, else JSON, else the first."""
    templates = chosen.get("responseTemplates") or {}
    if not templates:
        return JSON, None
    accept = (call.field("accept") or "").partition(",")[0].partition(";")[0].strip()
    name = accept if accept in templates else JSON if JSON in templates else next(iter(templates))
    return name, templates[name] or None


def _chosen(call: Call, answer: EndpointResponse, strict: bool) -> Doc | None:
    """The integration response whose selection pattern matches all of the status or error message; else the one without a pattern."""
    responses = call.integration.get("integrationResponses") or {}
    if not responses and not strict:
        return None
    value = str(answer.status) if answer.selection is None else answer.selection
    patterns = call.api.prepared.get(("patterns", id(responses)))
    if patterns is None:
        patterns = call.api.prepared["patterns", id(responses)] = [(_pattern(one.get("selectionPattern")), one) for one in responses.values()]
    default = None
    for pattern, one in patterns:
        if pattern is None:
            default = default or one
        elif pattern.fullmatch(value):
            return one  # type: ignore[no-any-return]
    if default is None:
        raise configuration(f"no integration response is for {value!r}, and none is the default")
    return default  # type: ignore[no-any-return]


def _pattern(text: str | None) -> re.Pattern[str] | None:
    if not text:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise configuration(f"the selection pattern {text!r} can't be read: {error}") from None


def _overridden(pairs: Fields, override: dict[str, object]) -> Fields:
    """What a template has set replaces what was mapped under the same name."""
    if not override:
        return pairs
    names = {name.lower() for name in override}
    return [pair for pair in pairs if pair[0].lower() not in names] + [(name, vtl.text(value)) for name, value in override.items()]


def _passed(fields: Fields) -> Fields:
    """Of an answer that no response maps: its media type."""
    return [(name, value) for name, value in fields if name.lower() == "content-type"] or [("content-type", JSON)]
