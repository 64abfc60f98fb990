import json

import pytest
from apigateway import auth, imports
from apigateway.errors import GatewayError
from world import World, api, call, function

DOCUMENT = {
    "openapi": "3.0.1",
    "info": {"title": "pets", "description": "", "version": "1"},
    "security": [{"tokens": []}],
    "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
    "x-amazon-apigateway-request-validator": "all",
    "x-amazon-apigateway-api-key-source": "HEADER",
    "x-amazon-apigateway-policy": {"Statement": []},
    "x-amazon-apigateway-gateway-responses": {"UNAUTHORIZED": {"statusCode": 418}},
    "components": {
        "securitySchemes": {
            "tokens": {
                "type": "apiKey",
                "name": "X-Token",
                "in": "header",
                "x-amazon-apigateway-authtype": "custom",
                "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": function("auth"), "identityValidationExpression": "[a-z]+"},
            },
            "pool": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "cognito_user_pools",
                "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": ["arn:aws:cognito-idp:us-east-1:1:userpool/us-east-1_a"]},
            },
            "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            "signed": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"},
            "basic": {"type": "http", "scheme": "basic"},
        },
        "schemas": {"Pet": {"type": "object", "properties": {"tag": {"$ref": "#/components/schemas/Tag"}}}, "Tag": {"type": "string"}},
    },
    "paths": {
        "/pets/": {
            "parameters": [{"name": "X-One", "in": "header", "required": True}],
            "get": {},
            "post": {"security": [{"key": []}], "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}},
            "put": {"security": []},
            "delete": {"security": [{"pool": ["a/b"]}, {"key": []}]},
            "patch": {"security": [{"signed": []}]},
        },
        "/odd": {
            "get": {"security": [{"basic": []}]},
            "post": {"security": [{"gone": []}]},
            "put": {"security": [{"tokens": []}, {"pool": []}]},
            "delete": {"security": [], "x-amazon-apigateway-auth": {"type": "AWS_IAM"}},
            "x-amazon-apigateway-any-method": {"security": [{"tokens": [], "key": []}]},
        },
    },
}


def method(path, verb, overlay):
    found = overlay["methods"][f"{verb} {path}"]
    return found["authorizationType"], found["authorizerId"], found["apiKeyRequired"]


def test_security():
    made = imports.overlay(DOCUMENT, "REST")
    expected = {
        ("/pets", "GET"): ("CUSTOM", "imported-tokens", False),
        ("/pets", "POST"): ("NONE", None, True),
        ("/pets", "PUT"): ("NONE", None, False),
        ("/pets", "DELETE"): ("COGNITO_USER_POOLS", "imported-pool", True),
        ("/pets", "PATCH"): ("AWS_IAM", None, False),
        ("/odd", "DELETE"): ("AWS_IAM", None, False),
        ("/odd", "X-AMAZON-APIGATEWAY-ANY-METHOD"): ("CUSTOM", "imported-tokens", True),
    }
    assert {key: method(*key, made) for key in expected} == expected
    assert made["methods"]["DELETE /pets"]["authorizationScopes"] == ["a/b"]
    tokens = {one["name"]: one for one in made["authorizers"]}["tokens"]
    assert (tokens["id"], tokens["type"], tokens["identitySource"]) == ("imported-tokens", "TOKEN", "method.request.header.X-Token")
    assert tokens["identityValidationExpression"] == "[a-z]+"


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT"])
def test_security_that_is_not_understood_lets_nobody_pass(verb):
    made = imports.overlay(DOCUMENT, "REST")
    with pytest.raises(GatewayError) as error:
        auth.decide(call(api(), method_doc=made["methods"][f"{verb} /odd"]), World())
    assert error.value.status == 500
    # Two authorizers for one method are none, not one of them.
    assert made["methods"]["PUT /odd"]["authorizerId"] is None


def documents(verb="GET", **method):
    """What moto says of an API that was imported."""
    found = {"httpMethod": verb, "authorizationType": None, "authorizerId": None, "apiKeyRequired": False, "methodIntegration": {"type": "MOCK"}, **method}
    return {"about": {"id": "x", "apiKeySource": "HEADER"}, "resources": [{"path": "/pets", "resourceMethods": {verb: found}}], "authorizers": []}


def test_it_is_put_back():
    made, read = imports.overlay(DOCUMENT, "REST"), documents("POST")
    imports.complete(read, made)
    found = read["resources"][0]["resourceMethods"]["POST"]
    assert (found["authorizationType"], found["apiKeyRequired"], found["methodIntegration"]) == ("NONE", True, {"type": "MOCK"})
    assert found["requestParameters"] == {"method.request.header.X-One": True} and found["requestModels"] == {"application/json": "Pet"}
    assert found["requestValidatorId"] == read["requestvalidators"][0]["id"] == "imported-all"
    assert json.loads({one["name"]: one for one in read["models"]}["Pet"]["schema"])["properties"]["tag"]["$ref"].endswith("/models/Tag")
    assert read["gatewayresponses"] == [{"responseType": "UNAUTHORIZED", "statusCode": 418}]
    assert read["about"]["policy"] == {"Statement": []}


def test_what_the_backend_says_goes_before():
    made = imports.overlay(DOCUMENT, "REST")
    for own in ("NONE", "AWS_IAM"):
        read = documents(authorizationType=own)
        imports.complete(read, made)
        assert read["resources"][0]["resourceMethods"]["GET"]["authorizationType"] == own
    # A method of no document keeps nothing, and is refused.
    read = documents("HEAD")
    imports.complete(read, made)
    assert read["resources"][0]["resourceMethods"]["HEAD"]["authorizationType"] is None
    imports.complete(read, None)


def test_documents_are_merged_or_replaced():
    first = {**imports.overlay(DOCUMENT, "REST"), "expressions": {"a": "x"}}
    second = imports.overlay({"paths": {"/pets": {"get": {}}, "/more": {"get": {}}}}, "REST")
    both = imports.merged(first, second, "merge")
    assert method("/pets", "GET", both)[0] == "NONE" and method("/pets", "POST", both) == ("NONE", None, True)
    assert both["authorizers"] == first["authorizers"] and both["expressions"] == {"a": "x"}
    only = imports.merged(first, second, "overwrite")
    assert set(only["methods"]) == {"GET /pets", "GET /more"} and only["authorizers"] == [] and only["expressions"] == {"a": "x"}


def test_an_expression_of_an_authorizer():
    read = documents()
    read["authorizers"] = [{"id": "a"}, {"id": "b", "identityValidationExpression": "own"}, {"id": "c"}]
    imports.complete(read, {"expressions": {"a": "x", "b": "y"}})
    assert [one.get("identityValidationExpression") for one in read["authorizers"]] == ["x", "own", None]


def test_a_document_for_moto():
    """What the overlay says is the same before and after."""
    made = imports.mended(DOCUMENT)
    assert imports.overlay(made, "REST") == imports.overlay(DOCUMENT, "REST")
    assert set(made["paths"]["/pets/"]) == {"get", "post", "put", "delete", "patch"}
    proxy = {"type": "http_proxy", "uri": "http://x", "httpMethod": "GET"}
    for operation, wanted in ((proxy, ["HTTP_PROXY", "http://x", "GET"]), ({"type": "mock"}, ["MOCK", "", "POST"])):
        document = {"openapi": "3", "info": {}, "paths": {"/": {"get": {"x-amazon-apigateway-integration": operation}}}}
        found = imports.mended(document)["paths"]["/"]["get"]["x-amazon-apigateway-integration"]
        assert [found["type"], found["uri"], found["httpMethod"]] == wanted
        assert imports.mended(document)["info"] == {"title": "", "description": ""}


def test_http_apis():
    authorizer = {"type": "jwt", "jwtConfiguration": {"issuer": "i", "audience": ["a"]}, "identitySource": "$request.header.Authorization"}
    schemes = {"jwt": {"type": "oauth2", "x-amazon-apigateway-authorizer": authorizer}}
    document = {"openapi": "3.0.1", "components": {"securitySchemes": schemes}, "paths": {"/pets": {"get": {"security": [{"jwt": ["s"]}]}}}}
    read = {"about": {}, "routes": [{"routeKey": "GET /pets", "authorizationType": None}, {"routeKey": "GET /x", "authorizationType": None}], "authorizers": []}
    imports.complete(read, imports.overlay(document, "HTTP"))
    assert read["routes"][0]["authorizationType"] == "JWT" and read["routes"][0]["authorizationScopes"] == ["s"]
    assert read["authorizers"][0]["authorizerId"] == read["routes"][0]["authorizerId"] == "imported-jwt"
    assert read["authorizers"][0]["authorizerType"] == "JWT" and read["routes"][1]["authorizationType"] is None


@pytest.mark.parametrize(
    "operation",
    [
        {"security": {"tokens": []}},
        {"security": ["tokens"]},
        {"security": "tokens"},
        {"security": None},
        {"security": 1},
        {"security": [None]},
        {"security": [["tokens"]]},
        {"security": [{}, "tokens"]},
        {"security": [{"tokens": "scope"}]},
        {"security": [{"tokens": 1}]},
        {"security": [{"key": []}, "tokens"]},
        {"security": [], "x-amazon-apigateway-auth": "AWS_IAM"},
    ],
)
@pytest.mark.parametrize("kind", ["REST", "HTTP"])
def test_security_of_another_form_lets_nobody_pass(operation, kind):
    made = imports.overlay({**DOCUMENT, "paths": {"/x": {"get": operation}}}, kind)
    with pytest.raises(GatewayError) as error:
        auth.decide(call(api(kind), method_doc=made["methods"]["GET /x"]), World())
    assert error.value.status == 500


def test_security_that_is_not_said_is_the_documents():
    paths = {"paths": {"/x": {"get": {}}}}
    assert method("/x", "GET", imports.overlay({**DOCUMENT, **paths}, "REST"))[0] == "CUSTOM"
    assert method("/x", "GET", imports.overlay(paths, "REST"))[0] == "NONE"
    for security in ({"tokens": []}, None):
        assert method("/x", "GET", imports.overlay({**DOCUMENT, **paths, "security": security}, "REST"))[0] not in ("NONE", "CUSTOM")
    for security in ([], [{}], None):
        own = {} if security is None else {"security": security}
        assert method("/x", "GET", imports.overlay({"paths": {"/x": {"get": own}}}, "REST"))[0] == "NONE"
