"""Calls of REST APIs that moto keeps, through the plugin apigateway: forms of URLs, paths, methods, MOCK, errors."""

import pytest
from harness.apigateway import mock, response


def test_a_mock_answers_in_every_form_of_the_url(api):
    api.method("/pets", **mock('{"stage": "$context.stage"}')).deploy()
    host = f"{api.id}.execute-api.us-east-1.amazonaws.com"
    send = api.gateway.send
    forms = {
        "LocalStack's": api.call("GET", "/pets"),
        "LocalStack's later one": send("GET", f"/_aws/execute-api/{api.id}/dev/pets"),
        "the host": send("GET", "/dev/pets", {"host": host}),
        "the host with a port": send("GET", "/dev/pets?x=1", {"host": f"{api.id}.execute-api.localhost.localstack.cloud:4566"}),
        "a slash at the end": api.call("GET", "/pets/"),
    }
    assert {form: (answer.status, answer.text) for form, answer in forms.items()} == dict.fromkeys(forms, (200, '{"stage": "dev"}'))
    answer = forms["the host"]
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.headers["x-amzn-requestid"]) == 36 and answer.headers["x-amz-apigw-id"]
    # What AWS's clients send reaches moto as before.
    assert api.client.get_rest_api(restApiId=api.id)["id"] == api.id


@pytest.mark.parametrize(
    ("path", "status", "message", "error"),
    [
        ("/nothing", 403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
        ("/pets/1", 403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
        ("/", 403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
    ],
)
def test_what_is_not_there_is_told_as_aws_does(api, path, status, message, error):
    api.method("/pets", **mock()).deploy()
    answer = api.call("GET", path)
    assert (answer.status, answer.json()) == (status, {"message": message})
    assert answer.headers["x-amzn-errortype"] == error
    assert api.call("POST", "/pets").status == 403


def test_an_api_that_is_not_there(gateway):
    answer = gateway.send("GET", "/restapis/doesnotexist/dev/_user_request_/pets")
    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})
    # Never to the backend, whatever the stage looks like.
    assert gateway.send("GET", "/restapis/x/y%20z/_user_request_/pets").status == 403


def test_a_host_without_a_stage_is_refused(api):
    api.method("/", **mock()).deploy()
    host = {"host": f"{api.id}.execute-api.us-east-1.amazonaws.com"}
    assert api.gateway.send("GET", "/dev", host).status == api.gateway.send("GET", "/dev/", host).status == 200
    refused = api.gateway.send("GET", "/", host)
    assert (refused.status, refused.json()) == (403, {"message": "Forbidden"})


def test_an_api_whose_endpoint_is_disabled(gateway, unique):
    api = gateway.api(unique("api"), disableExecuteApiEndpoint=True).method("/pets", **mock()).deploy()
    refused = gateway.send("GET", "/dev/pets", {"host": f"{api.id}.execute-api.us-east-1.amazonaws.com"})
    assert (refused.status, refused.json()) == (403, {"message": "Forbidden"})
    # LocalStack's own form is no endpoint of AWS.
    assert api.call("GET", "/pets").status == 200


def test_the_management_api_of_websocket_apis_stays_motos(api):
    host = f"{api.id}.execute-api.us-east-1.amazonaws.com"
    signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"
    answer = api.gateway.send("GET", "/@connections/abc", {"host": host, "authorization": signed})
    assert answer.status == 200 and answer.json()["connectedAt"]


PATHS = ["/pets", "/pets/{id}", "/pets/special", "/pets/{id}/toys", "/files/{path+}", "/{proxy+}"]


@pytest.fixture(scope="module")
def tree(gateway):
    """An API whose answers tell the resource."""
    made = gateway.api("tree")
    for path in PATHS:
        template = '{"path": "$context.resourcePath"#foreach($name in $input.params().path.keySet()), "$name": "$input.params().path.get($name)"#end}'
        made.method(path, "GET", **mock(template))
    made.method("/pets", "ANY", **mock('{"any": "$context.httpMethod"}'))
    return made.deploy()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/pets", {"path": "/pets"}),
        ("/pets/special", {"path": "/pets/special"}),
        ("/pets/7", {"path": "/pets/{id}", "id": "7"}),
        ("/pets/a%20b", {"path": "/pets/{id}", "id": "a b"}),
        ("/pets/a%2Fb", {"path": "/pets/{id}", "id": "a/b"}),
        ("/pets/7/toys", {"path": "/pets/{id}/toys", "id": "7"}),
        ("/pets/7/other", {"path": "/{proxy+}", "proxy": "pets/7/other"}),
        ("/pets/special/toys", {"path": "/pets/{id}/toys", "id": "special"}),
        ("/files/a/b.txt", {"path": "/files/{path+}", "path_": "a/b.txt"}),
        ("/else", {"path": "/{proxy+}", "proxy": "else"}),
    ],
)
def test_the_most_exact_path_is_taken(tree, target, expected):
    found = tree.call("GET", target).json()
    if "path_" in expected:
        # The parameter is called `path`, too.
        assert found["path"] == expected["path_"]
    else:
        assert found == expected


def test_any_takes_what_no_verb_of_its_own_has(tree):
    assert tree.call("DELETE", "/pets").json() == {"any": "DELETE"}
    assert tree.call("GET", "/pets").json() == {"path": "/pets"}


def test_a_change_is_seen_at_once(api):
    api.method("/pets", **mock('{"version": 1}')).deploy()
    for _ in range(3):
        assert api.call("GET", "/pets").json() == {"version": 1}
    api.integrate("/pets", "GET", **mock('{"version": 2}'))
    assert api.call("GET", "/pets").json() == {"version": 2}
    api.client.delete_method(**api.at("/pets", "GET"))
    assert api.call("GET", "/pets").status == 403
    api.client.delete_rest_api(restApiId=api.id)
    assert api.call("GET", "/pets").json() == {"message": "Forbidden"}


def test_an_api_in_another_region_is_found(gateway, unique):
    api = gateway.api(unique("api"), region="eu-west-1").method("/pets", **mock()).deploy()
    assert api.call("GET", "/pets").status == 200


def test_more_resources_than_a_page_has(gateway, unique):
    api = gateway.api(unique("api"))
    for number in range(130):
        api.resource(f"/r{number}")
    api.method("/r129", **mock('{"last": true}')).deploy()
    assert api.call("GET", "/r129").json() == {"last": True}


def test_more_usage_plans_than_an_exchange_has_calls(api, unique):
    for _ in range(55):
        api.client.create_usage_plan(name=unique("plan"))
    api.method("/pets", needs={"apiKeyRequired": True}, **mock()).deploy()
    key = api.client.create_api_key(name=unique("key"), enabled=True)
    plan = api.client.create_usage_plan(name=unique("plan"), apiStages=[{"apiId": api.id, "stage": "dev"}])["id"]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    assert api.call("GET", "/pets", {"x-api-key": key["value"]}).status == 200
    assert api.call("GET", "/pets", {"x-api-key": key["value"]}, stage="other").status == 403


def test_stage_variables_and_context_in_templates(api):
    template = """{"colour": "$stageVariables.colour", "api": "$context.apiId", "account": "$context.accountId", "verb": "$context.httpMethod",
        "path": "$context.path", "ip": "$context.identity.sourceIp", "agent": "$context.identity.userAgent", "stage": "$context.stage"}"""
    api.method("/pets", **mock(template)).deploy(variables={"colour": "red"})
    answer = api.call("GET", "/pets", {"user-agent": "tests"})
    assert answer.json() == {
        "colour": "red",
        "api": api.id,
        "account": "123456789012",
        "verb": "GET",
        "path": "/dev/pets",
        "ip": "127.0.0.1",
        "agent": "tests",
        "stage": "dev",
    }


def test_a_mock_chooses_its_response_by_the_status_that_its_template_gives(api):
    api.method(
        "/pets",
        templates='#if($input.params("fail") == "yes"){"statusCode": 404}#{else}{"statusCode": 201}#end',
        responses=[
            response(200, '{"ok": true}', parameters={"X-Kind": "'good'"}),
            response(404, '{"ok": false}', pattern="4\\d{2}", parameters={"X-Kind": "'bad'"}),
        ],
    ).deploy()
    good, bad = api.call("GET", "/pets"), api.call("GET", "/pets?fail=yes")
    assert (good.status, good.json(), good.headers["x-kind"]) == (200, {"ok": True}, "good")
    assert (bad.status, bad.json(), bad.headers["x-kind"]) == (404, {"ok": False}, "bad")


def test_a_pattern_matches_all_of_the_status(api):
    api.method("/pets", templates='{"statusCode": 200}', responses=[response(500, "no", pattern="20"), response(200, "yes")]).deploy()
    assert api.call("GET", "/pets").text == "yes"


def test_a_template_overrides_status_and_header_fields(api):
    template = '#set($context.responseOverride.status = 418)#set($context.responseOverride.header.X-Made = "yes"){"a": 1}'
    api.method("/pets", **mock(template, parameters={"X-Made": "'no'"})).deploy()
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.json()) == (418, {"a": 1})
    assert [value for name, value in answer.values if name == "x-made"] == ["yes"]


def test_the_media_type_chooses_the_request_template(api):
    api.method(
        "/pets",
        "POST",
        templates={"application/json": '{"statusCode": 200}', "text/plain": '{"statusCode": 202}'},
        passthroughBehavior="NEVER",
        responses=[response(200, "json"), response(202, "plain", pattern="202")],
    ).deploy()
    assert api.call("POST", "/pets", {"content-type": "application/json; charset=utf-8"}, "{}").text == "json"
    assert api.call("POST", "/pets", {"content-type": "text/plain"}, "x").text == "plain"
    refused = api.call("POST", "/pets", {"content-type": "application/xml"}, "<a/>")
    assert (refused.status, refused.json()) == (415, {"message": "Unsupported Media Type"})


def test_a_template_that_fails_is_500_and_the_log_says_why(api):
    api.method("/pets", templates='{"statusCode": 200}', responses=[response(200, "#foreach($a in")]).deploy()
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.json()) == (500, {"message": "Internal server error"})
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"
    api.gateway.proxy.process.wait_for(f"{api.id} GET /pets: the template can't be read", seconds=10)


def test_gateway_responses_change_errors(api):
    api.method("/pets", **mock()).deploy()
    api.client.put_gateway_response(
        restApiId=api.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={"gatewayresponse.header.Access-Control-Allow-Origin": "'*'", "gatewayresponse.header.X-Path": "context.path"},
        responseTemplates={"application/json": '{"error": $context.error.messageString, "type": "$context.error.responseType"}'},
    )
    answer = api.call("GET", "/nothing")
    assert answer.status == 404
    assert answer.json() == {"error": "Missing Authentication Token", "type": "MISSING_AUTHENTICATION_TOKEN"}
    assert (answer.headers["access-control-allow-origin"], answer.headers["x-path"]) == ("*", "/dev/nothing")
    api.client.delete_gateway_response(restApiId=api.id, responseType="MISSING_AUTHENTICATION_TOKEN")
    api.client.put_gateway_response(restApiId=api.id, responseType="DEFAULT_4XX", responseParameters={"gatewayresponse.header.X-All": "'1'"})
    answer = api.call("GET", "/nothing")
    assert (answer.status, answer.headers["x-all"], answer.json()) == (403, "1", {"message": "Missing Authentication Token"})


def test_a_preflight_that_no_method_is_for(api):
    api.method("/pets", **mock()).deploy()
    asked = {"origin": "https://app.example", "access-control-request-method": "GET", "access-control-request-headers": "authorization,x-a"}
    answer = api.call("OPTIONS", "/pets", asked)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization,x-a"
    assert api.call("OPTIONS", "/nothing", asked).status == 403
    assert api.call("OPTIONS", "/pets").status == 403


def test_a_method_for_options_goes_before_that(api):
    parameters = {"Access-Control-Allow-Origin": "'https://app.example'"}
    api.method("/pets", **mock()).method("/pets", "OPTIONS", **mock("", parameters=parameters)).deploy()
    answer = api.call("OPTIONS", "/pets", {"origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-methods" not in answer.headers


def test_strict_refuses_what_aws_refuses(gateway, gateway_with, unique):
    strict = gateway_with({"strict": True})
    api = strict.api(unique("api")).method("/pets", **mock()).method("/bare").deploy()
    assert api.call("GET", "/pets").status == 200
    refused = api.call("GET", "/pets", stage="other")
    assert (refused.status, refused.json()) == (403, {"message": "Forbidden"})
    assert api.call("GET", "/bare").status == 500
    # What LocalStack allowed.
    api.gateway = gateway
    assert api.call("GET", "/pets", stage="other").status == 200
    assert (api.call("GET", "/bare").status, api.call("GET", "/bare").json()) == (200, {})
