"""The plugin apigateway and Lambda: functions as integrations, with and without the proxy's form of answers, of REST APIs and HTTP APIs."""

import base64
import json
import threading

import pytest
from harness.apigateway import response
from harness.functions import Raw

BROKEN = (502, {"message": "Internal server error"})


def proxy(api, uri, path="/f", verb="ANY", **more):
    return api.method(path, verb, type="AWS_PROXY", uri=uri, integrationHttpMethod="POST", **more)


def test_an_event_has_what_the_client_sent(api, functions, unique):
    name = unique("f")
    proxy(api, functions.add(name, {"body": "ok"}), "/pets/{id}/{rest+}").deploy(variables={"colour": "red"})
    headers = [("X-One", "1"), ("X-One", "2"), ("content-type", "text/plain"), ("user-agent", "tests")]
    answer = api.call("POST", "/pets/a%20b/c/d?q=1&q=2&r=%26&s", headers, "caf\u00e9".encode())
    assert (answer.status, answer.text) == (200, "ok")
    (event,) = functions.events(name)
    assert (event["httpMethod"], event["resource"], event["path"]) == ("POST", "/pets/{id}/{rest+}", "/pets/a%20b/c/d")
    assert event["pathParameters"] == {"id": "a b", "rest": "c/d"}
    assert event["queryStringParameters"] == {"q": "2", "r": "&", "s": ""}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"], "r": ["&"], "s": [""]}
    assert (event["headers"]["X-One"], event["multiValueHeaders"]["X-One"]) == ("2", ["1", "2"])
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == ("caf\u00e9", False, {"colour": "red"})
    context = event["requestContext"]
    assert (context["apiId"], context["stage"], context["httpMethod"], context["resourcePath"]) == (api.id, "dev", "POST", "/pets/{id}/{rest+}")
    assert (context["identity"]["sourceIp"], context["identity"]["userAgent"]) == ("127.0.0.1", "tests")
    assert context["path"] == "/dev/pets/a%20b/c/d" and context["accountId"] == "123456789012"
    assert context["requestId"] == answer.headers["x-amzn-requestid"] and context["requestTimeEpoch"] > 0


def test_what_is_absent_is_null(api, functions, unique):
    name = unique("f")
    proxy(api, functions.add(name, {})).deploy()
    assert api.call("GET", "/f").status == 200
    (event,) = functions.events(name)
    names = ("body", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")
    assert {name: event[name] for name in names} == dict.fromkeys(names)


def test_an_answer_says_status_header_fields_and_body(api, functions, unique):
    said = {
        "statusCode": 201,
        "headers": {"X-One": "1", "Content-Type": "text/plain"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": "gr\u00fcn",
    }
    proxy(api, functions.add(unique("f"), said)).deploy()
    answer = api.call("GET", "/f")
    assert (answer.status, answer.body) == (201, "gr\u00fcn".encode())
    assert (answer.headers["x-one"], answer.headers["content-type"]) == ("1", "text/plain")
    assert [value for name, value in answer.values if name == "set-cookie"] == ["a=1", "b=2"]


def test_bytes_both_ways(gateway, functions, unique):
    name = unique("f")
    data = bytes(range(256))
    uri = functions.add(name, lambda event: {"isBase64Encoded": True, "body": event["body"], "headers": {"Content-Type": "image/png"}})
    api = proxy(gateway.api(unique("api"), binaryMediaTypes=["image/*"]), uri).deploy()
    answer = api.call("POST", "/f", {"content-type": "image/png", "accept": "image/png"}, data)
    assert answer.body == data
    (event,) = functions.events(name)
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == data


@pytest.mark.parametrize(
    "said",
    ["text", [1], None, {"statusCode": 200, "more": 1}, {"statusCode": "no"}, {"body": {"a": 1}}, {"headers": ["a"]}, {"errorMessage": "x"}],
    ids=json.dumps,
)
def test_a_malformed_answer(api, functions, unique, said):
    proxy(api, functions.add(unique("f"), said)).deploy()
    answer = api.call("GET", "/f")
    assert (answer.status, answer.json()) == BROKEN


def fail(event):
    raise ValueError(f"no such pet: {event.get('id')}")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (fail, BROKEN),
        (lambda event: Raw(200, b"no JSON"), BROKEN),
        (lambda event: Raw(200, b""), BROKEN),
        (lambda event: Raw(500, b"{}"), (500, {"message": "Internal server error"})),
        (lambda event: Raw(429, b"{}"), (500, {"message": "Internal server error"})),
        (lambda event: Raw(None), (500, {"message": "Internal server error"})),
    ],
)
def test_a_function_that_fails(api, functions, unique, handler, expected):
    proxy(api, functions.add(unique("f"), handler)).deploy()
    answer = api.call("GET", "/f")
    assert (answer.status, answer.json()) == expected


def test_a_function_that_is_not_there(api, functions):
    from harness.functions import uri

    proxy(api, uri("nobody")).deploy()
    answer = api.call("GET", "/f")
    assert (answer.status, answer.json()) == (500, {"message": "Internal server error"})
    api.gateway.proxy.process.wait_for(f"{api.id} GET /f: .*nobody at {functions.url}: status 404", seconds=10)


def test_a_function_that_takes_too_long(api, functions, unique):
    done = threading.Event()
    proxy(api, functions.add(unique("f"), lambda event: done.wait(30)), timeoutInMillis=200).deploy()
    answer = api.call("GET", "/f")
    done.set()
    assert (answer.status, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_without_an_endpoint_functions_can_not_be_called(gateway_with, unique):
    from harness.functions import uri

    api = proxy(gateway_with().api(unique("api")), uri("f")).deploy()
    answer = api.call("GET", "/f")
    assert (answer.status, answer.json()) == (500, {"message": "Internal server error"})
    api.gateway.proxy.process.wait_for("set `lambda_endpoint`", seconds=10)


def test_a_function_that_a_stage_variable_names(api, functions, unique):
    name = unique("f")
    functions.add(name, {"body": "red"})
    from harness.functions import uri

    proxy(api, uri("${stageVariables.function}")).deploy(variables={"function": name})
    assert api.call("GET", "/f").text == "red"


def plain(api, uri, verb="POST", templates='{"pet": $input.json("$.name"), "stage": "$context.stage"}', **more):
    responses = [
        response(200, '{"said": $input.json("$.greeting")}'),
        response(404, '{"why": "$input.path("$.errorMessage")"}', pattern="no such pet.*"),
        response(500, "broken", pattern="(.|\\n)+"),
    ]
    return api.method("/f", verb, type="AWS", uri=uri, templates=templates, responses=responses, **more)


def test_without_the_proxy_templates_make_event_and_answer(api, functions, unique):
    name = unique("f")
    plain(api, functions.add(name, lambda event: {"greeting": f"hello {event['pet']}"})).deploy()
    answer = api.call("POST", "/f", {"content-type": "application/json"}, '{"name": "Rex"}')
    assert (answer.status, answer.json()) == (200, {"said": "hello Rex"})
    assert functions.events(name) == [{"pet": "Rex", "stage": "dev"}]


def test_an_error_message_chooses_the_response(api, functions, unique):
    plain(api, functions.add(unique("f"), fail), templates='{"id": 7}').deploy()
    answer = api.call("POST", "/f", {"content-type": "application/json"}, "{}")
    assert (answer.status, answer.json()) == (404, {"why": "no such pet: 7"})


def test_an_error_that_no_pattern_is_for_takes_another_response_than_a_success(api, functions, unique):
    def other(event):
        raise RuntimeError("out of\nmemory")

    plain(api, functions.add(unique("f"), other)).deploy()
    answer = api.call("POST", "/f", {"content-type": "application/json"}, '{"name": "x"}')
    assert (answer.status, answer.text) == (500, "broken")


def test_an_invocation_that_nobody_waits_for(api, functions, unique):
    name = unique("f")
    uri = functions.add(name, {})
    at = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    api.method("/f", "POST", type="AWS", uri=uri, requestParameters=at, responses=[response(202)]).deploy()
    assert api.call("POST", "/f", {"content-type": "application/json"}, '{"a": 1}').status == 202
    assert [call for call in functions.calls if call[0] == name] == [(name, {"a": 1}, "Event")]


@pytest.fixture
def http_api(gateway, unique):
    """Makes an HTTP API with one route: http_api(uri, "2.0")."""
    client = gateway.aws("apigatewayv2")

    def make(uri, version, route="GET /pets/{id}", **more):
        api_id = client.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
        made = client.create_integration(ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=uri, PayloadFormatVersion=version)
        client.create_route(ApiId=api_id, RouteKey=route, Target=f"integrations/{made['IntegrationId']}", **more)
        client.create_stage(ApiId=api_id, StageName="dev", StageVariables={"colour": "red"})
        return lambda verb, path, headers=None, body=None: gateway.send(verb, f"/restapis/{api_id}/dev/_user_request_{path}", headers, body)

    return make


def test_format_2_of_http_apis(http_api, functions, unique):
    name = unique("f")
    call = http_api(functions.add(name, {"statusCode": 202, "cookies": ["a=1", "b=2"], "body": "ok"}), "2.0")
    answer = call("GET", "/pets/7?q=1&q=2", [("cookie", "x=1; y=2"), ("x-one", "1"), ("x-one", "2")])
    assert (answer.status, answer.text) == (202, "ok")
    assert [value for key, value in answer.values if key == "set-cookie"] == ["a=1", "b=2"]
    (event,) = functions.events(name)
    assert (event["version"], event["routeKey"], event["rawPath"], event["rawQueryString"]) == ("2.0", "GET /pets/{id}", "/dev/pets/7", "q=1&q=2")
    assert (event["cookies"], event["headers"]["x-one"], event["queryStringParameters"]) == (["x=1", "y=2"], "1,2", {"q": "1,2"})
    assert (event["pathParameters"], event["stageVariables"], event["isBase64Encoded"]) == ({"id": "7"}, {"colour": "red"}, False)
    assert event["requestContext"]["http"]["method"] == "GET" and "body" not in event


def test_format_2_without_a_status_is_the_body(http_api, functions, unique):
    answer = http_api(functions.add(unique("f"), {"pets": ["Rex"]}), "2.0")("GET", "/pets/7")
    assert (answer.status, answer.json(), answer.headers["content-type"]) == (200, {"pets": ["Rex"]}, "application/json")


def test_format_1_of_http_apis(http_api, functions, unique):
    name = unique("f")
    call = http_api(functions.add(name, {"statusCode": 200, "body": "ok"}), "1.0")
    assert call("GET", "/pets/7").text == "ok"
    (event,) = functions.events(name)
    assert (event["version"], event["path"], event["pathParameters"]) == ("1.0", "/dev/pets/7", {"id": "7"})


def test_http_apis_word_errors_in_their_own_way(http_api, functions, unique):
    answer = http_api(functions.add(unique("f"), fail), "2.0")("GET", "/pets/7")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})
