"""Errors as API Gateway words them, and the gateway responses by which an API changes them.

The types and their statuses are those of the Developer Guide, "Gateway response types".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .message import EndpointResponse, Fields, title

if TYPE_CHECKING:
    from .message import Call

# AWS has no response type for an API or a stage that isn't there; FORBIDDEN is ours.
# Response type → status, the name in `x-amzn-errortype`, the message unless the place that fails says another.
TYPES: dict[str, tuple[int, str, str]] = {
    "ACCESS_DENIED": (403, "AccessDeniedException", "User is not authorized to access this resource"),
    "API_CONFIGURATION_ERROR": (500, "InternalServerErrorException", "Internal server error"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "AuthorizerConfigurationException", "Internal server error"),
    "AUTHORIZER_FAILURE": (500, "AuthorizerConfigurationException", "Internal server error"),
    "BAD_REQUEST_BODY": (400, "BadRequestException", "Invalid request body"),
    "BAD_REQUEST_PARAMETERS": (400, "BadRequestException", "Missing required request parameters"),
    "DEFAULT_4XX": (400, "BadRequestException", "Bad Request"),
    "DEFAULT_5XX": (500, "InternalServerErrorException", "Internal server error"),
    "EXPIRED_TOKEN": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    "FORBIDDEN": (403, "ForbiddenException", "Forbidden"),
    "INTEGRATION_FAILURE": (504, "InternalServerErrorException", "Network error communicating with endpoint"),
    "INTEGRATION_TIMEOUT": (504, "InternalServerErrorException", "Endpoint request timed out"),
    "INVALID_API_KEY": (403, "ForbiddenException", "Forbidden"),
    "INVALID_SIGNATURE": (403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."),
    "MISSING_AUTHENTICATION_TOKEN": (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    "QUOTA_EXCEEDED": (429, "LimitExceededException", "Limit Exceeded"),
    "REQUEST_TOO_LARGE": (413, "RequestTooLargeException", "Request Too Long"),
    "RESOURCE_NOT_FOUND": (404, "NotFoundException", "Not Found"),
    "THROTTLED": (429, "TooManyRequestsException", "Too Many Requests"),
    "UNAUTHORIZED": (401, "UnauthorizedException", "Unauthorized"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "BadRequestException", "Unsupported Media Type"),
    "WAF_FILTERED": (403, "ForbiddenException", "Forbidden"),
}

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z][\w.-]*)\}|([A-Za-z][\w-]*(?:\.[\w-]+)*))")


class GatewayError(Exception):
    """Ends a call with the gateway response of a type in TYPES.

    `detail` is for the host's log alone: what is wrong and where. `errors` are the messages of a validation, for
    `$context.error.validationErrorString`. `fields` are further header fields of AWS's own answer.
    """

    def __init__(
        self,
        kind: str,
        message: str | None = None,
        *,
        detail: str = "",
        validation: str = "",
        status: int | None = None,
        fields: Fields | None = None,
    ) -> None:
        self.kind = kind
        self.status, self.error_type, default = TYPES[kind]
        if status is not None:
            self.status = status
        self.message = default if message is None else message
        self.detail = detail
        self.validation = validation
        self.fields = fields or []
        super().__init__(f"{kind}: {self.message}" + (f" ({detail})" if detail else ""))


def configuration(detail: str) -> GatewayError:
    """A definition that can't be carried out: 500 `Internal server error`, and the reason in the log."""
    return GatewayError("API_CONFIGURATION_ERROR", detail=detail)


def plain(error: GatewayError) -> EndpointResponse:
    """The answer where there is no API whose gateway responses could change it."""
    # What a policy denies AWS words with a capital, alone of all.
    name = "Message" if error.kind == "ACCESS_DENIED" and error.message.startswith("User") else "message"
    body = json.dumps({name: error.message}, ensure_ascii=False, separators=(",", ":"))
    fields = [("content-type", "application/json"), ("x-amzn-errortype", error.error_type), *error.fields]
    return EndpointResponse(error.status, fields, body.encode())


def answered(error: GatewayError, call: Call) -> EndpointResponse:
    """The answer to the client: the gateway response of the error's type, else DEFAULT_4XX or DEFAULT_5XX, else AWS's own."""
    put = call.api.gateway_responses
    default = "DEFAULT_5XX" if error.status >= 500 else "DEFAULT_4XX"
    chosen = put.get(error.kind) or put.get(default)
    if chosen is None or call.api.kind != "REST":
        return plain(error)
    status = int(chosen.get("statusCode") or error.status)
    values = _Values(error, call)
    content_type, body = _body(chosen.get("responseTemplates") or {}, call, values)
    fields: Fields = [("content-type", content_type), ("x-amzn-errortype", error.error_type)]
    for name, source in (chosen.get("responseParameters") or {}).items():
        value = values.parameter(source)
        if value is not None:
            header = name.removeprefix("gatewayresponse.header.")
            fields = [(known, old) for known, old in fields if known != header.lower()]
            fields.append((header, value))
    return EndpointResponse(status, fields, body.encode())


def _body(templates: dict[str, str], call: Call, values: _Values) -> tuple[str, str]:
    accept = (call.field("accept") or "").partition(",")[0].strip()
    content_type = accept if accept in templates else "application/json"
    template = templates.get(content_type)
    if template is None:
        content_type, template = next(iter(templates.items()), ("application/json", '{"message":$context.error.messageString}'))
    return content_type, _VARIABLE.sub(lambda found: values.text(found[1] or found[2]), template)


class _Values:
    """What a gateway response may name. Its templates are no VTL: variables are replaced, nothing else."""

    def __init__(self, error: GatewayError, call: Call) -> None:
        self._call = call
        self._error = {
            "message": error.message,
            "messageString": json.dumps(error.message, ensure_ascii=False),
            "responseType": error.kind,
            "validationErrorString": error.validation or error.message,
        }

    def text(self, name: str) -> str:
        value = self._find(name)
        return "" if value is None else str(value)

    def parameter(self, source: str) -> str | None:
        if len(source) > 1 and source[0] == source[-1] == "'":
            return source[1:-1]
        value = self._find(source)
        return None if value is None else str(value)

    def _find(self, name: str) -> object:
        place, _, rest = name.partition(".")
        if name.startswith("context.error."):
            return self._error.get(rest.removeprefix("error."))
        if place == "stageVariables":
            return self._call.stage_variables.get(rest)
        if name.startswith("method.request."):
            return self._request(*name.removeprefix("method.request.").partition(".")[::2])
        if place != "context":
            return None
        found: object = self._call.context
        for part in rest.split("."):
            try:
                found = found[part] if isinstance(found, dict) else None
            except KeyError:
                return None
        return found

    def _request(self, place: str, name: str) -> str | None:
        if place == "header":
            return self._call.headers().get(title(name.lower()))
        if place == "querystring":
            return self._call.query_map().get(name)
        return self._call.path_parameters.get(name) if place == "path" else None
