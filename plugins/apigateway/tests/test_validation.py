import json

import pytest
from apigateway.errors import GatewayError
from apigateway.validation import validate
from world import api, call

BOTH = {"validateRequestBody": True, "validateRequestParameters": True}
PET = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}},
}
BAD = (400, "Invalid request body")


def model(schema):
    return {"schema": json.dumps(schema)}


def checked(body=b"", models=None, schemas=None, headers=None, validator=BOTH, parameters=None, **more):
    made = api(validators={"v": validator} if validator else {}, models={name: model(one) for name, one in (schemas or {"Pet": PET}).items()})
    doc = {"requestValidatorId": "v", "requestModels": {"application/json": "Pet"} if models is None else models, "requestParameters": parameters}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = call(made, method="POST", body=body, method_doc=doc, headers={"content_type": "application/json"} if headers is None else headers, **more)
    try:
        validate(made)
    except GatewayError as error:
        return error.status, error.message
    return None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "Rex"}, None),
        ({"name": "Rex", "age": 1, "more": True}, None),
        ({"name": "Rex", "age": 0}, BAD),
        ({"name": "Rex", "age": "1"}, BAD),
        ({"name": ""}, BAD),
        ({}, BAD),
        ([], BAD),
        (b"", BAD),
        (b"{", BAD),
        (b'{"name": "\xff"}', BAD),
        (b"[" * 100_000, BAD),
    ],
)
def test_bodies(body, expected):
    assert checked(body) == expected


def test_the_model_of_a_media_type():
    assert checked({}, headers={}) == BAD
    assert checked({}, headers={"content_type": "application/json; charset=utf-8"}) == BAD
    assert checked({}, headers={"content_type": "APPLICATION/JSON"}) == BAD
    # As in AWS: a type without a model is not checked, unless there is one for all.
    assert checked(b"x", headers={"content_type": "text/plain"}) is None
    assert checked(b"x", models={"$default": "Pet"}, headers={"content_type": "text/plain"}) == BAD
    assert checked(b"x", models={}) is None
    assert checked(b"{}", models={"application/json": "Empty"}) is None
    assert checked(b"{}", models={"application/json": "Gone"})[0] == 500
    assert checked({}, validator={"validateRequestBody": False}) is None
    assert checked({"name": "Rex"}, validator=None)[0] == 500
    assert checked({"name": "Rex"}, schemas={"Pet": {"type": "nonsense"}})[0] == 500


def test_models_refer_to_each_other():
    at = "https://apigateway.amazonaws.com/restapis/abc123/models/"
    schemas = {
        "Pet": {"type": "object", "properties": {"owner": {"$ref": at + "Person"}, "tags": {"type": "array", "items": {"$ref": "#/definitions/tag"}}},
                "definitions": {"tag": {"type": "string"}}},
        "Person": {"type": "object", "required": ["name"], "properties": {"name": {"$ref": "#/definitions/name"}, "friend": {"$ref": at + "Person"}},
                   "definitions": {"name": {"type": "string", "maxLength": 3}}},
    }  # fmt: skip
    assert checked({"owner": {"name": "Ann", "friend": {"name": "Bob"}}, "tags": ["a"]}, schemas=schemas) is None
    assert checked({"owner": {"name": "Anna"}}, schemas=schemas) == BAD
    assert checked({"owner": {"name": "Ann", "friend": {"name": "Robert"}}}, schemas=schemas) == BAD
    assert checked({"tags": [1]}, schemas=schemas) == BAD
    for reference in ("http://evil.example/x", "file:///etc/passwd", at + "Gone"):
        assert checked({}, schemas={"Pet": {"$ref": reference}})[0] == 500, reference


def test_parameters():
    wanted = {f"method.request.{name}": True for name in ("header.X-One", "querystring.two", "path.id")} | {"method.request.querystring.four": False}

    def ask(headers=None, **more):
        return checked({"name": "x"}, parameters=wanted, headers={"content_type": "application/json", **(headers or {})}, **more)

    assert ask({"x_one": "1"}, query=[("two", "2")], path_parameters={"id": "3"}) is None
    assert ask() == (400, "Missing required request parameters: [X-One, id, two]")
    assert ask({"x_one": ""}, query=[("two", "")], path_parameters={"id": "3"}) == (400, "Missing required request parameters: [X-One, two]")
    assert ask(validator={"validateRequestBody": True}) is None
