"""Imported documents (OpenAPI 3): what moto drops of them, read from the document and put back where an API's definition is read.

moto takes paths and integrations of a document. It drops `security`, authorizers, API keys, validators, parameters, models, the resource policy
and gateway responses, and leaves the methods without an authorizationType. Such a method is refused unless this has put one there: a
document that asks for an authorizer must not become an API that is open to all.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from .model import Doc

_VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}
_PLACES = {"header": "header", "query": "querystring", "path": "path"}
_AUTHORIZER = "x-amazon-apigateway-authorizer"
# Type of an authorizer in a document → authorizationType of the method, type of the authorizer.
_KINDS = {
    "token": ("CUSTOM", "TOKEN"),
    "request": ("CUSTOM", "REQUEST"),
    "cognito_user_pools": ("COGNITO_USER_POOLS", "COGNITO_USER_POOLS"),
    "jwt": ("JWT", "JWT"),
}
_REFERENCE = re.compile(r"#/components/schemas/([A-Za-z0-9._-]+)")
# An id of ours begins so; moto's ids have no dash.
_ID = "imported-"


def overlay(document: Doc, kind: str) -> Doc:
    """What of a document must be put beside what the backend keeps: `methods` by `VERB path`, and `authorizers`, `validators`, `models`, `gateway_responses`
    as the backend would list them, and `about`. `kind` is REST or HTTP.
    """
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    made = _Made(kind, schemes)
    default_validator = document.get("x-amazon-apigateway-request-validator")
    for path, item in (document.get("paths") or {}).items():
        if not isinstance(item, dict):
            continue
        for verb, operation in item.items():
            if verb.lower() in _VERBS and isinstance(operation, dict):
                security = operation.get("security", document.get("security", []))
                method = made.security(security, operation.get("x-amazon-apigateway-auth"))
                if kind == "REST":
                    method.update(_request(item, operation, made.models, f"{verb}{path}"))
                    validator = operation.get("x-amazon-apigateway-request-validator", default_validator)
                    method["requestValidatorId"] = f"{_ID}{validator}" if validator else None
                made.methods[f"{verb.upper()} {_path(path)}"] = method
    if kind == "HTTP":
        return {"methods": made.methods, "authorizers": list(made.authorizers.values())}
    for name, schema in ((document.get("components") or {}).get("schemas") or {}).items():
        made.models[name] = _model(name, schema)
    return {
        "methods": made.methods,
        "authorizers": list(made.authorizers.values()),
        "validators": [{"id": f"{_ID}{name}", "name": name, **value} for name, value in (document.get("x-amazon-apigateway-request-validators") or {}).items()],
        "models": list(made.models.values()),
        "gateway_responses": [
            {"responseType": name, **value} for name, value in (document.get("x-amazon-apigateway-gateway-responses") or {}).items()
        ],
        "about": _about(document),
    }


def is_document(found: Doc) -> bool:
    """What moto takes for a document and not for the properties of a new API."""
    return "openapi" in found or "swagger" in found


def mended(document: Doc) -> Doc:
    """The same document as moto can take it: OpenAPI 3 (AWS's exports are Swagger 2 by default), types of integrations in capitals, and with the members
    that moto asks for though they may be left out.
    """
    made: Doc = _from_swagger(document) if "swagger" in document else json.loads(json.dumps(document, default=str))
    made["info"] = {"title": "", "description": "", **(made.get("info") or {})}
    for item in (made.get("paths") or {}).values():
        if not isinstance(item, dict):
            continue
        shared = item.get("parameters") or []
        for verb, operation in list(item.items()):
            if verb.lower() not in _VERBS or not isinstance(operation, dict):
                # moto takes every member of a path for a method.
                del item[verb]
                continue
            if shared:
                operation["parameters"] = [*shared, *(operation.get("parameters") or [])]
            integration = operation.get("x-amazon-apigateway-integration")
            if isinstance(integration, dict):
                integration["type"] = str(integration.get("type") or "").upper()
                integration.setdefault("uri", "")
                integration.setdefault("httpMethod", "POST")
    return made


def _from_swagger(document: Doc) -> Doc:
    """Swagger 2 as OpenAPI 3, as far as API Gateway looks at it."""
    made: Doc = json.loads(json.dumps(document, default=str).replace('"#/definitions/', '"#/components/schemas/'))
    made.pop("swagger")
    made["openapi"] = "3.0.1"
    made["components"] = {"securitySchemes": made.pop("securityDefinitions", {}), "schemas": made.pop("definitions", {})}
    for item in (made.get("paths") or {}).values():
        for verb, operation in item.items() if isinstance(item, dict) else []:
            if verb.lower() in _VERBS and isinstance(operation, dict):
                kinds = operation.get("consumes") or made.get("consumes") or ["application/json"]
                parameters = [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
                bodies = [one.get("schema") for one in parameters if isinstance(one, dict) and one.get("in") == "body"]
                if bodies and "requestBody" not in operation:
                    operation["requestBody"] = {"content": {kind: {"schema": bodies[-1]} for kind in kinds}}
    return made


def _about(document: Doc) -> Doc:
    names = {
        "x-amazon-apigateway-api-key-source": "apiKeySource",
        "x-amazon-apigateway-binary-media-types": "binaryMediaTypes",
        "x-amazon-apigateway-policy": "policy",
    }
    return {name: document[key] for key, name in names.items() if document.get(key)}


def _odd(requirements: Any, own: Any) -> str | None:
    """What is not of OpenAPI's form, as a type of authorization that nobody knows. `security: {jwt: []}` must not be open to all."""
    if own is not None and not isinstance(own, dict):
        return f"x-amazon-apigateway-auth {own!r}, which is no object"
    if not isinstance(requirements, list):
        return f"the security {requirements!r}, which is no list"
    for one in requirements:
        if not isinstance(one, dict):
            return f"the security requirement {one!r}, which is no object"
        if not all(scopes is None or isinstance(scopes, list) for scopes in one.values()):
            return f"the security requirement {one!r}, whose scopes are no list"
    return None


class _Made:
    """What is found of a document."""

    def __init__(self, kind: str, schemes: Doc) -> None:
        self._kind = kind
        self._schemes = schemes
        self.methods: dict[str, Doc] = {}
        self.authorizers: dict[str, Doc] = {}
        self.models: dict[str, Doc] = {}

    def security(self, requirements: Any, own: Any) -> Doc:
        """Authorization of a method. What is not understood becomes a type that is refused when the method is called."""
        method: Doc = {"authorizationType": "NONE", "apiKeyRequired": False, "authorizerId": None, "authorizationScopes": None}
        if isinstance(own, dict) and str(own.get("type") or "NONE").upper() != "NONE":
            method["authorizationType"] = str(own["type"]).upper()
        odd = _odd(requirements, own)
        if odd is not None:
            return {**method, "authorizationType": odd}
        for requirement in requirements:
            for name, scopes in requirement.items():
                self._require(method, name, scopes or [])
        return method

    def _require(self, method: Doc, name: str, scopes: list[str]) -> None:
        scheme = self._schemes.get(name) or {}
        authorizer = scheme.get(_AUTHORIZER)
        auth_type = str(scheme.get("x-amazon-apigateway-authtype") or "").lower()
        if authorizer is None and auth_type == "awssigv4":
            wanted, authorizer_id = "AWS_IAM", None
        elif authorizer is None and scheme.get("type") == "apiKey" and str(scheme.get("name")).lower() == "x-api-key" and not auth_type:
            method["apiKeyRequired"] = True
            return
        elif isinstance(authorizer, dict) and str(authorizer.get("type")).lower() in _KINDS:
            wanted, authorizer_id = _KINDS[str(authorizer["type"]).lower()][0], self._authorizer(name, scheme, authorizer)
        else:
            wanted, authorizer_id = f"the security scheme {name}", None
        if method["authorizationType"] != "NONE":
            # API Gateway has one authorizer for a method.
            wanted, authorizer_id = f"{method['authorizationType']} and {wanted}", None
        method.update(authorizationType=wanted, authorizerId=authorizer_id, authorizationScopes=list(scopes) or None)

    def _authorizer(self, name: str, scheme: Doc, authorizer: Doc) -> str:
        authorizer_id = f"{_ID}{name}"
        kind = _KINDS[str(authorizer["type"]).lower()][1]
        source = authorizer.get("identitySource")
        if source is None and self._kind == "REST" and kind != "REQUEST" and scheme.get("in", "header") == "header":
            source = f"method.request.header.{scheme.get('name') or 'Authorization'}"
        key = "authorizer" if self._kind == "HTTP" else ""
        made = {name: value for name, value in authorizer.items() if name not in ("type", "identitySource")}
        made |= {"authorizerId" if key else "id": authorizer_id, "name": name, "authorizerType" if key else "type": kind, "identitySource": source}
        self.authorizers[name] = made
        return authorizer_id


def _request(item: Doc, operation: Doc, models: dict[str, Doc], where: str) -> Doc:
    """Parameters and models of a method."""
    parameters = {}
    for one in [*(item.get("parameters") or []), *(operation.get("parameters") or [])]:
        if isinstance(one, dict) and one.get("in") in _PLACES and one.get("name"):
            parameters[f"method.request.{_PLACES[one['in']]}.{one['name']}"] = one.get("required") is True
    chosen = {}
    for kind, content in ((operation.get("requestBody") or {}).get("content") or {}).items():
        schema = content.get("schema") if isinstance(content, dict) else None
        if not isinstance(schema, dict):
            continue
        found = _REFERENCE.fullmatch(str(schema.get("$ref")))
        name = found[1] if found else re.sub(r"[^A-Za-z0-9]", "", f"inline{where}{kind}")
        if found is None:
            models[name] = _model(name, schema)
        chosen[kind] = name
    return {"requestParameters": parameters or None, "requestModels": chosen or None}


def _model(name: str, schema: Any) -> Doc:
    return {"name": name, "contentType": "application/json", "schema": json.dumps(_referring(schema))}


def _referring(value: Any) -> Any:
    """A schema whose references are to models, as those of single calls have them."""
    if isinstance(value, list):
        return [_referring(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = _REFERENCE.fullmatch(str(value.get("$ref")))
    if found:
        return {"$ref": f"https://apigateway.amazonaws.com/restapis/imported/models/{found[1]}"}
    return {key: _referring(one) for key, one in value.items()}


def _path(path: str) -> str:
    return path.rstrip("/") or "/"


def merged(old: Doc | None, new: Doc, mode: str) -> Doc:
    """The overlay after a further document: `merge` adds to what is there, `overwrite` replaces it. Expressions of authorizers stay."""
    if not old or mode == "overwrite":
        return {**new, "expressions": (old or {}).get("expressions") or {}}
    names = {"authorizers": ("id", "authorizerId"), "validators": ("id",), "models": ("name",), "gateway_responses": ("responseType",)}
    made: Doc = {"methods": {**old.get("methods", {}), **new["methods"]}, "about": {**old.get("about", {}), **new.get("about", {})}}
    made["expressions"] = old.get("expressions") or {}
    for part, keys in names.items():
        by = {next((one[key] for key in keys if key in one), ""): one for one in [*(old.get(part) or []), *(new.get(part) or [])]}
        made[part] = list(by.values())
    return made


def complete(document: Doc, kept: Doc | None) -> None:
    """Puts an overlay into an API's documents as they were read. What the backend says itself goes before it."""
    if not kept:
        return
    methods = kept.get("methods") or {}
    for resource in document.get("resources") or []:
        for verb, method in (resource.get("resourceMethods") or {}).items():
            found = methods.get(f"{verb} {_path(resource['path'])}")
            if found and method.get("authorizationType") is None:
                method.update({name: value for name, value in found.items() if value is not None})
    for route in document.get("routes") or []:
        verb, _, path = str(route.get("routeKey")).partition(" ")
        found = methods.get(f"{verb} {_path(path)}")
        if found and route.get("authorizationType") is None:
            route.update({name: value for name, value in found.items() if value is not None})
    for part, of, key in (("authorizers", "authorizers", "name"), ("requestvalidators", "validators", "id"), ("models", "models", "name"),
                          ("gatewayresponses", "gateway_responses", "responseType")):  # fmt: skip
        known = {one.get(key) for one in document.get(part) or []} if part != "authorizers" else set()
        document[part] = [*(document.get(part) or []), *(one for one in kept.get(of) or [] if one.get(key) not in known)]
    about = document["about"]
    for name, value in (kept.get("about") or {}).items():
        if name == "apiKeySource" or not about.get(name):
            about[name] = value
    for authorizer in document["authorizers"]:
        expression = (kept.get("expressions") or {}).get(authorizer.get("id"))
        if expression and not authorizer.get("identityValidationExpression"):
            authorizer["identityValidationExpression"] = expression
