"""Request validation by the plugin apigateway, in APIs made by single calls; and imported documents, of which moto keeps only a part."""

import json

import pytest
from harness.apigateway import JSON, Api, mock, response
from harness.functions import uri

BAD_BODY = (400, {"message": "Invalid request body"})
PET = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}},
}


def told(answer):
    return answer.status, answer.json()


def validated(api, body=True, parameters=True, wanted=None, models=None):
    at = {"restApiId": api.id, "validateRequestBody": body, "validateRequestParameters": parameters}
    validator = api.client.create_request_validator(name="v", **at)["id"]
    needs = {"requestValidatorId": validator, "requestModels": {JSON: "Pet"} if models is None else models, "requestParameters": wanted or {}}
    return api.method("/pets/{id}", "POST", needs=needs, **mock()).deploy()


def model(api, name, schema):
    api.client.create_model(restApiId=api.id, name=name, contentType=JSON, schema=json.dumps(schema))


@pytest.fixture
def pets(api):
    model(api, "Pet", PET)
    return api


def post(api, body, path="/pets/7", kind=JSON):
    return api.call("POST", path, {"content-type": kind} if kind else {}, body if isinstance(body, (str, bytes)) else json.dumps(body))


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"name": "rex"}', '{"name": "Rex", "age": 0}', '{"name": 1}', b'{"name": "R\xff"}'])
def test_a_body_that_is_not_as_the_model_wants_it(pets, body):
    validated(pets)
    assert told(post(pets, body)) == BAD_BODY
    assert post(pets, body).headers["x-amzn-errortype"] == "BadRequestException"


def test_a_body_that_is(pets):
    validated(pets)
    for body in ({"name": "Rex"}, {"name": "Rex", "age": 3, "more": [1]}):
        assert told(post(pets, body)) == (200, {"ok": True})
    assert told(post(pets, {}, kind=None)) == BAD_BODY
    assert told(post(pets, {}, kind="application/json; charset=utf-8")) == BAD_BODY


def test_a_model_that_refers_to_another(pets):
    owner = {"type": "object", "required": ["pet"], "properties": {"pet": {"$ref": f"https://apigateway.amazonaws.com/restapis/{pets.id}/models/Pet"}}}
    model(pets, "Owner", owner)
    validated(pets, models={JSON: "Owner"})
    assert told(post(pets, {"pet": {"name": "Rex"}})) == (200, {"ok": True})
    assert told(post(pets, {"pet": {"name": "rex"}})) == BAD_BODY


def test_parameters_that_have_to_be_there(pets):
    wanted = {f"method.request.{name}": True for name in ("header.X-One", "querystring.two", "path.id")}
    validated(pets, wanted={**wanted, "method.request.header.X-Three": False})
    assert told(post(pets, {"name": "Rex"})) == (400, {"message": "Missing required request parameters: [X-One, two]"})
    answer = pets.call("POST", "/pets/7?two=2", {"x-one": "1", "content-type": JSON}, '{"name": "Rex"}')
    assert told(answer) == (200, {"ok": True})
    # Parameters come first.
    assert told(pets.call("POST", "/pets/7", {"x-one": "1"}, "{")) == (400, {"message": "Missing required request parameters: [two]"})


@pytest.mark.parametrize(("body", "parameters"), [(True, False), (False, True), (False, False)])
def test_a_validator_checks_what_it_says(pets, body, parameters):
    validated(pets, body, parameters, {"method.request.header.X-One": True})
    answer = told(post(pets, {}))
    assert answer == (BAD_BODY if body else (400, {"message": "Missing required request parameters: [X-One]"}) if parameters else (200, {"ok": True}))


def test_without_a_validator_nothing_is_checked(pets):
    needs = {"requestModels": {JSON: "Pet"}, "requestParameters": {"method.request.header.X-One": True}}
    pets.method("/pets/{id}", "POST", needs=needs, **mock()).deploy()
    assert told(post(pets, "{")) == (200, {"ok": True})


def test_a_validator_that_is_gone_lets_nothing_pass(pets):
    validated(pets)
    validator = pets.client.get_request_validators(restApiId=pets.id)["items"][0]["id"]
    pets.client.delete_request_validator(restApiId=pets.id, requestValidatorId=validator)
    assert told(post(pets, {"name": "Rex"})) == (500, {"message": "Internal server error"})


def test_a_gateway_response_tells_what_is_wrong(pets):
    pets.client.put_gateway_response(
        restApiId=pets.id, responseType="BAD_REQUEST_BODY", responseTemplates={JSON: '{"why": "$context.error.validationErrorString"}'}
    )
    validated(pets)
    assert "name" in post(pets, {"name": 1}).json()["why"]


def document(functions, name):
    """A document with authorizers, keys, validators and models, each of which moto drops."""
    integration = {
        # In small letters, without `uri` and `httpMethod`, as AWS's exports have it.
        "type": "mock",
        "requestTemplates": {JSON: '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200", "responseTemplates": {JSON: '{"who": "$context.authorizer.principalId"}'}}},
    }
    responses = {"200": {"description": "ok"}}

    def method(**more):
        return {"responses": responses, "x-amazon-apigateway-integration": integration, **more}

    def by(function):
        allowed = {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}
        functions.add(function, lambda event: {"principalId": event["authorizationToken"], "policyDocument": allowed})
        return uri(function)

    token = {
        "type": "apiKey",
        "name": "X-Token",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": by(f"auth-{name}"), "identityValidationExpression": "[a-z]+"},
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": name, "description": "pets", "version": "1"},
        "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
        "x-amazon-apigateway-request-validator": "all",
        "components": {
            "securitySchemes": {
                "token": token,
                "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
                "strange": {"type": "http", "scheme": "basic"},
            },
            "schemas": {"Pet": PET},
        },
        "paths": {
            "/open": {"get": method()},
            "/guarded": {"get": method(security=[{"token": []}])},
            "/keyed": {"get": method(security=[{"key": []}])},
            "/strange": {"get": method(security=[{"strange": []}])},
            "/pets": {
                "parameters": [{"name": "X-One", "in": "header", "required": True, "schema": {"type": "string"}}],
                "post": method(
                    requestBody={"content": {JSON: {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                )
            },
        },
    }


def imported(gateway, made):
    """An API that is there already."""
    api = Api.__new__(Api)
    api.gateway, api.client, api.id = gateway, gateway.aws("apigateway"), made["id"]
    return api.deploy()


def as_json(made):
    return json.dumps(made).encode()


def as_yaml(made):
    import yaml

    return yaml.safe_dump(made).encode()


def as_swagger(made):
    """The same in Swagger 2, as AWS exports it by default."""
    made = json.loads(json.dumps(made).replace("#/components/schemas/", "#/definitions/"))
    made.pop("openapi")
    parts = made.pop("components")
    made |= {"swagger": "2.0", "securityDefinitions": parts["securitySchemes"], "definitions": parts["schemas"]}
    post = made["paths"]["/pets"]["post"]
    post["parameters"] = [{"in": "body", "name": "Pet", "schema": post.pop("requestBody")["content"][JSON]["schema"]}]
    return as_json(made)


def check(api):
    """What the document asks for holds."""
    assert told(api.call("GET", "/open")) == (200, {"who": ""})
    assert told(api.call("GET", "/guarded", {"x-token": "ann"})) == (200, {"who": "ann"})
    assert told(api.call("GET", "/guarded")) == (401, {"message": "Unauthorized"})
    assert told(api.call("GET", "/guarded", {"x-token": "ANN"})) == (401, {"message": "Unauthorized"})
    assert told(api.call("GET", "/keyed", {"x-api-key": "x" * 20})) == (403, {"message": "Forbidden"})
    assert told(api.call("GET", "/strange")) == (500, {"message": "Internal server error"})
    assert told(api.call("POST", "/pets", {"content-type": JSON}, "{}")) == (400, {"message": "Missing required request parameters: [X-One]"})
    assert told(api.call("POST", "/pets", {"content-type": JSON, "x-one": "1"}, "{}")) == BAD_BODY
    assert api.call("POST", "/pets", {"content-type": JSON, "x-one": "1"}, '{"name": "Rex"}').status == 200


@pytest.mark.parametrize("write", [as_json, as_yaml, as_swagger])
def test_an_imported_document(gateway, functions, unique, write):
    made = gateway.aws("apigateway").import_rest_api(body=write(document(functions, unique("imported"))))
    api = imported(gateway, made)
    check(api)
    # A key of a plan passes.
    key = api.client.create_api_key(name=unique("key"), enabled=True)
    plan = api.client.create_usage_plan(name=unique("plan"), apiStages=[{"apiId": api.id, "stage": "dev"}])["id"]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    assert api.call("GET", "/keyed", {"x-api-key": key["value"]}).status == 200


@pytest.mark.parametrize("mode", ["merge", "overwrite"])
def test_a_document_that_is_put(gateway, functions, unique, mode):
    client = gateway.aws("apigateway")
    made = client.create_rest_api(name=unique("put"))
    client.put_rest_api(restApiId=made["id"], mode=mode, body=as_json(document(functions, unique("put"))))
    check(imported(gateway, made))


def test_a_document_that_did_not_come_through_the_proxy_lets_nobody_pass(gateway, moto, functions, unique):
    import boto3

    client = boto3.client("apigateway", endpoint_url=moto.url, region_name="us-east-1")
    made = document(functions, unique("direct"))
    del made["paths"]["/pets"]
    for item in made["paths"].values():
        item["get"]["x-amazon-apigateway-integration"] |= {"type": "MOCK", "uri": "", "httpMethod": "POST"}
    api = imported(gateway, client.import_rest_api(body=as_json(made)))
    for path in ("/open", "/guarded", "/keyed"):
        assert told(api.call("GET", path, {"x-token": "ann"})) == (500, {"message": "Internal server error"})


def test_a_single_call_after_an_import(gateway, functions, unique):
    """What is said of a method by itself holds, whatever the document said."""
    client = gateway.aws("apigateway")
    api = imported(gateway, client.import_rest_api(body=as_json(document(functions, unique("single")))))
    resources = {one["path"]: one["id"] for one in client.get_resources(restApiId=api.id)["items"]}
    api.resources = resources
    api.method("/guarded", "GET", **mock()).method("/open", "GET", auth="AWS_IAM", **mock())
    assert told(api.call("GET", "/guarded")) == (200, {"ok": True})
    assert api.call("GET", "/open").status == 403
    client.delete_rest_api(restApiId=api.id)
    assert api.call("GET", "/open").json() == {"message": "Forbidden"}


def test_an_imported_http_api(gateway, functions, unique):
    client = gateway.aws("apigatewayv2")
    api_id = client.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
    authorizer = {
        "type": "request",
        "identitySource": "$request.header.X-Token",
        "authorizerUri": functions.add(unique("auth"), lambda event: {"isAuthorized": event["identitySource"] == ["good"]}),
        "authorizerPayloadFormatVersion": "2.0",
        "enableSimpleResponses": True,
    }
    name = unique("f")
    integration = {"type": "AWS_PROXY", "httpMethod": "POST", "payloadFormatVersion": "2.0", "uri": functions.add(name, {"statusCode": 200, "body": "ok"})}
    scheme = {"type": "apiKey", "name": "X-Token", "in": "header", "x-amazon-apigateway-authorizer": authorizer}
    made = {
        "openapi": "3.0.1",
        "info": {"title": "x", "version": "1"},
        "components": {"securitySchemes": {"token": scheme}},
        "paths": {
            "/guarded": {"get": {"security": [{"token": []}], "x-amazon-apigateway-integration": integration}},
            "/open": {"get": {"x-amazon-apigateway-integration": integration}},
        },
    }
    client.reimport_api(ApiId=api_id, Body=json.dumps(made))
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)

    def call(path, headers=None):
        return gateway.send("GET", f"/restapis/{api_id}/$default/_user_request_{path}", headers or {}).status

    assert (call("/open"), call("/guarded", {"x-token": "good"}), call("/guarded", {"x-token": "bad"}), call("/guarded")) == (200, 200, 403, 401)


def test_a_response_keeps_its_template(gateway, functions, unique):
    """The harness's own responses work with imported methods, too."""
    client = gateway.aws("apigateway")
    api = imported(gateway, client.import_rest_api(body=as_json(document(functions, unique("kept")))))
    api.resources = {one["path"]: one["id"] for one in client.get_resources(restApiId=api.id)["items"]}
    api.integrate("/open", "GET", templates='{"statusCode": 200}', responses=[response(200, '{"new": true}')])
    assert told(api.call("GET", "/open")) == (200, {"new": True})
    assert told(api.call("GET", "/guarded")) == (401, {"message": "Unauthorized"})
