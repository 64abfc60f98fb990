"""Request validation: what the method's request validator and models demand.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

import encodings.unicode_escape
import json
import re
from typing import Any

import fastjsonschema

from .errors import GatewayError, configuration
from .message import Call

# A body of another media type is not checked, as in AWS, unless the method has a model for it.
_JSON = "application/json"
# fastjsonschema asks for this codec when it compiles a schema, and there are no files when a hook runs.
_NEEDED = encodings.unicode_escape
_MODEL = re.compile(r".*/restapis/[^/]+/models/(?P<name>[A-Za-z0-9]+)")


def validate(call: Call) -> None:
    """Raises GatewayError BAD_REQUEST_PARAMETERS or BAD_REQUEST_BODY."""
    validator_id = call.method_doc.get("requestValidatorId")
    if not validator_id:
        return
    validator = call.api.validators.get(validator_id)
    if validator is None:
        raise configuration(f"{call.method} {call.path}: there is no request validator {validator_id}")
    if _is_on(validator.get("validateRequestParameters")):
        missing = _missing(call)
        if missing:
            raise GatewayError("BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{', '.join(missing)}]")
    if _is_on(validator.get("validateRequestBody")):
        _check_body(call)


def _is_on(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _missing(call: Call) -> list[str]:
    """Names of required parameters that the request lacks, or has empty, in the order of their full names."""
    places = {
        "header": {name.lower(): value for name, value in call.headers().items()},
        "querystring": call.query_map(),
        "path": call.path_parameters,
    }
    missing = []
    for parameter, required in sorted((call.method_doc.get("requestParameters") or {}).items()):
        place, _, name = parameter.removeprefix("method.request.").partition(".")
        if not _is_on(required):
            continue
        known = places.get(place)
        if known is None:
            raise configuration(f"{call.method} {call.path}: unknown request parameter {parameter}")
        if not known.get(name.lower() if place == "header" else name):
            missing.append(name)
    return missing


def _check_body(call: Call) -> None:
    models = call.method_doc.get("requestModels") or {}
    kind = (call.field("content-type") or _JSON).partition(";")[0].strip().lower()
    name = {key.lower(): value for key, value in models.items()}.get(kind) or models.get("$default")
    if name is None:
        # AWS takes a body that no model is for, and one of a type that has none while others have.
        return
    check = _compiled(call, name)
    if check is None:
        return
    try:
        check(json.loads(call.body or b"{}"))
    except fastjsonschema.JsonSchemaValueException as error:
        raise GatewayError("BAD_REQUEST_BODY", validation=f"[{_said(error)}]") from None
    except (ValueError, RecursionError):
        raise GatewayError("BAD_REQUEST_BODY", validation="[the body is no JSON]") from None


def _said(error: fastjsonschema.JsonSchemaValueException) -> str:
    """What is wrong, without the body's values: `data.name must be string`."""
    return str(error.message).replace("data", "#", 1)


def _compiled(call: Call, name: str) -> Any:
    """The check of a model, compiled once for an API's definition; None for one that demands nothing."""
    key = ("model", name)
    if key in call.api.prepared:
        return call.api.prepared[key]
    model = call.api.models.get(name)
    if model is None and name == "Empty":
        check = None
    elif model is None:
        raise configuration(f"{call.method} {call.path}: there is no model {name}")
    else:
        schema = _schema(model, name)
        definitions: dict[str, Any] = {}
        schema = _local(call, schema, definitions, f"model {name}")
        if definitions:
            schema = {**schema, "definitions": {**schema.get("definitions", {}), **definitions}}
        try:
            check = fastjsonschema.compile({"$schema": "http://json-schema.org/draft-04/schema#", **schema}, use_default=False)
        except Exception as error:
            raise configuration(f"model {name}: {error}") from None
    call.api.prepared[key] = check
    return check


def _schema(model: dict[str, Any], name: str) -> dict[str, Any]:
    text = model.get("schema")
    try:
        schema = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        schema = None
    if not isinstance(schema, dict):
        raise configuration(f"model {name}: its schema is no JSON object")
    return {key: value for key, value in schema.items() if key not in ("$schema", "id", "$id")}


def _local(call: Call, value: Any, definitions: dict[str, Any], where: str) -> Any:
    """A schema whose references to other models of the API (`https://apigateway.amazonaws.com/restapis/ID/models/NAME`) are local ones.

    A reference to elsewhere is an error: nothing is fetched to check a request.
    """
    if isinstance(value, list):
        return [_local(call, one, definitions, where) for one in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if not isinstance(reference, str) or reference.startswith("#"):
        return {key: _local(call, one, definitions, where) for key, one in value.items()}
    found = _MODEL.fullmatch(reference)
    if found is None or found["name"] not in call.api.models:
        raise configuration(f"{where}: the reference {reference} names no model of the API")
    name = found["name"]
    local = f"model:{name}"
    if local not in definitions:
        definitions[local] = {}
        other = _schema(call.api.models[name], name)
        inner = _inner_references(other, local)
        definitions[local].update(_local(call, inner, definitions, f"model {name}"))
    return {"$ref": f"#/definitions/{local}"}


def _inner_references(value: Any, local: str) -> Any:
    """The schema of another model, with its own references (`#/definitions/x`) as seen from where it is put."""
    if isinstance(value, list):
        return [_inner_references(one, local) for one in value]
    if not isinstance(value, dict):
        return value
    moved = {key: _inner_references(one, local) for key, one in value.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = f"#/definitions/{local}{reference[1:]}"
    return moved
