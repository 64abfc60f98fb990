import json

import pytest
from apigateway import auth
from apigateway.errors import GatewayError
from apigateway.reach import SendFailed
from world import api, answer, call, function

ALLOW = {
    "principalId": "ann",
    "policyDocument": {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]},
}
TOKEN = {"id": "a1", "name": "tokens", "type": "TOKEN", "authorizerUri": function("auth"), "identitySource": "method.request.header.X-Token"}
REQUEST = {
    "id": "a1",
    "name": "requests",
    "type": "REQUEST",
    "authorizerUri": function("auth"),
    "identitySource": "method.request.header.X-Token, method.request.querystring.who",
}
CUSTOM = {"authorizationType": "CUSTOM", "authorizerId": "a1"}


def guarded(authorizer, method_doc=CUSTOM, kind="REST", headers=None, **more):
    made = api(kind, authorizers={"a1": authorizer})
    return call(made, method_doc=method_doc, headers={"x_token": "t"} if headers is None else headers, **more)


def decide(made, world):
    """None if it passes, else status and message."""
    try:
        auth.decide(made, world)
    except GatewayError as error:
        return error.status, error.message
    return None


def deny(*statements):
    return {"principalId": "ann", "policyDocument": {"Statement": list(statements)}}


def test_a_token_is_asked_about_and_the_context_passed_on(world):
    world.answers = [answer({**ALLOW, "context": {"level": 3, "ok": True, "name": "Ann", "none": None}})]
    made = guarded(TOKEN)
    assert decide(made, world) is None
    method, url, fields, body, timeout = world.sent[0]
    assert (method, timeout) == ("POST", 10.0)
    assert url == "http://lambda/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aauth/invocations"
    arn = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/GET/pets"
    assert json.loads(body) == {"type": "TOKEN", "authorizationToken": "t", "methodArn": arn}
    assert made.context["authorizer"] == {"principalId": "ann", "level": "3", "ok": "true", "name": "Ann"}


@pytest.mark.parametrize("authorizer", [TOKEN, REQUEST])
@pytest.mark.parametrize("headers", [{}, {"x_token": ""}])
def test_without_identity_nobody_is_asked(world, authorizer, headers):
    assert decide(guarded(authorizer, headers=headers, query=[("who", "ann")]), world) == (401, "Unauthorized")
    assert world.sent == []


def test_each_identity_source_of_a_request_is_needed(world):
    world.answers = [answer(ALLOW)]
    assert decide(guarded(REQUEST), world) == (401, "Unauthorized")
    assert decide(guarded(REQUEST, query=[("who", "")]), world) == (401, "Unauthorized")
    assert world.sent == []
    assert decide(guarded(REQUEST, query=[("who", "ann")]), world) is None
    event = world.payloads()[0]
    assert (event["type"], event["httpMethod"], event["resource"], event["path"]) == ("REQUEST", "GET", "/pets", "/pets")
    assert event["queryStringParameters"] == {"who": "ann"} and event["headers"]["X-Token"] == "t"
    assert event["requestContext"]["identity"]["sourceIp"] == "10.1.2.3" and "body" not in event


def test_an_identity_source_that_is_not_known(world):
    assert decide(guarded({**TOKEN, "identitySource": "method.request.cookie.x"}), world)[0] == 500


@pytest.mark.parametrize(("token", "passes"), [("abc", True), ("abcd", False), ("xabc", False), ("abc\n", False)])
def test_a_token_has_to_match_all_of_the_expression(world, token, passes):
    world.answers = lambda *_: answer(ALLOW)
    made = guarded({**TOKEN, "identityValidationExpression": "[a-c]{3}"}, headers={"x_token": token})
    assert decide(made, world) == (None if passes else (401, "Unauthorized"))
    assert len(world.sent) == (1 if passes else 0)


def test_an_expression_that_is_none(world):
    assert decide(guarded({**TOKEN, "identityValidationExpression": "["}), world)[0] == 500
    assert world.sent == []


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        (answer({"errorMessage": "Unauthorized", "errorType": "Error"}, x_amz_function_error="Unhandled"), 401, "Unauthorized"),
        (answer({"errorMessage": "unauthorized"}, x_amz_function_error="Unhandled"), 500, "Internal server error"),
        (answer({"errorMessage": "Task timed out"}, x_amz_function_error="Unhandled"), 500, "Internal server error"),
        # A function that failed has said nothing, whatever its payload looks like.
        (answer(ALLOW, x_amz_function_error="Unhandled"), 500, "Internal server error"),
        (answer(ALLOW, 404), 500, "Internal server error"),
        (answer(ALLOW, 500), 500, "Internal server error"),
        (SendFailed("timed-out"), 500, "Internal server error"),
        (SendFailed("unreachable"), 500, "Internal server error"),
        (answer(b"no JSON"), 500, "Internal server error"),
        (answer(b""), 500, "Internal server error"),
        (answer(None), 500, "Internal server error"),
        (answer(True), 500, "Internal server error"),
        (answer([ALLOW]), 500, "Internal server error"),
        (answer({"policyDocument": ALLOW["policyDocument"]}), 500, "Internal server error"),
        (answer({"principalId": "ann"}), 500, "Internal server error"),
        (answer({"principalId": "ann", "policyDocument": {}}), 500, "Internal server error"),
        (answer({**ALLOW, "context": {"roles": ["a"]}}), 500, "Internal server error"),
        (answer({**ALLOW, "context": "x"}), 500, "Internal server error"),
        (answer({"isAuthorized": True}), 500, "Internal server error"),
        (answer(deny()), 403, "User is not authorized to access this resource"),
        (
            answer(deny({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*/prod/GET/other"})),
            403,
            "User is not authorized to access this resource",
        ),
        (
            answer(deny({"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"})),
            403,
            "User is not authorized to access this resource with an explicit deny",
        ),
    ],
)
def test_who_is_not_let_through(world, said, status, message):
    world.answers = [said]
    assert decide(guarded(TOKEN), world) == (status, message)
    # No error is remembered; a policy is.
    assert bool(world.state) == (status == 403)


def test_without_an_endpoint_nobody_passes():
    from world import World

    world = World(lambda_endpoint=None)
    assert decide(guarded(TOKEN), world) == (500, "Internal server error")


@pytest.mark.parametrize(
    "method_doc",
    [
        {"authorizationType": None},
        {"authorizationType": ""},
        {"authorizationType": "none"},
        {"authorizationType": "the security scheme x"},
        {"authorizationType": "CUSTOM", "authorizerId": "gone"},
        {"authorizationType": "CUSTOM"},
        {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": "a1"},
        {"authorizationType": "JWT", "authorizerId": "a1"},
    ],
)
def test_what_is_no_authorization_lets_nobody_pass(world, method_doc):
    made = guarded(TOKEN)
    made.method_doc = method_doc
    assert decide(made, world)[0] == 500
    assert world.sent == []


def test_an_answer_is_cached_by_token_and_evaluated_for_each_method(world):
    pets = deny({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*/GET/pets"})
    world.answers = lambda *_: answer(pets)
    assert decide(guarded(TOKEN), world) is None
    assert decide(guarded(TOKEN), world) is None
    assert len(world.sent) == 1
    # The same answer, another method: it does not allow that.
    assert decide(guarded(TOKEN, method="DELETE"), world)[0] == 403
    assert decide(guarded(TOKEN, path="/admin"), world)[0] == 403
    assert len(world.sent) == 1
    # Another token, another stage, another definition, another time.
    decide(guarded(TOKEN, headers={"x_token": "u"}), world)
    decide(guarded(TOKEN, stage="test"), world)
    decide(guarded({**TOKEN, "authorizerUri": function("other")}), world)
    world.time += 301_000
    decide(guarded(TOKEN), world)
    assert len(world.sent) == 5


def test_what_is_cached_by_several_sources_is_told_apart(world):
    world.answers = lambda *_: answer(ALLOW)
    decide(guarded(REQUEST, headers={"x_token": "ab"}, query=[("who", "c")]), world)
    decide(guarded(REQUEST, headers={"x_token": "a"}, query=[("who", "bc")]), world)
    decide(guarded(REQUEST, headers={"x_token": "ab"}, query=[("who", "c")]), world)
    assert len(world.sent) == 2
    decide(guarded(REQUEST, headers={"x_token": "ab"}, query=[("who", "d")]), world)
    assert len(world.sent) == 3


@pytest.mark.parametrize("change", [{"identitySource": None}, {"authorizerResultTtlInSeconds": 0}])
def test_what_is_never_cached(world, change):
    world.answers = lambda *_: answer(ALLOW)
    for _ in range(2):
        assert decide(guarded({**REQUEST, **change}, query=[("who", "ann")]), world) is None
    assert len(world.sent) == 2 and world.state == {}


def test_an_explicit_deny_is_not_evaded_by_another_spelling(world):
    world.answers = lambda *_: answer(deny(*ALLOW["policyDocument"]["Statement"], {"Effect": "Deny", "Action": "*", "Resource": "*/GET/admin*"}))
    for path in ("/admin", "/%61dmin", "/admin/", "/adm%69n/x"):
        assert decide(guarded(TOKEN, path=path), world)[0] == 403, path


def test_a_path_that_can_be_read_in_two_ways_is_allowed_in_both_or_not_at_all(world):
    everything = ALLOW["policyDocument"]["Statement"][0]

    def ask(path, *statements):
        world.answers = lambda *_: answer(deny(*statements))
        world.state.clear()
        return decide(guarded(TOKEN, path=path), world)

    exact = {"Effect": "Deny", "Action": "*", "Resource": "*/GET/admin"}
    for path in ("/admin", "/admin/", "//admin", "/admin//", "/%61dmin/"):
        assert ask(path, everything, exact)[0] == 403, path
    # For the router it is `/{id}`, for who gets `{proxy+}` it is below `/admin`.
    assert ask("/admin%2Fx", everything, {**exact, "Resource": "*/GET/admin/*"})[0] == 403
    assert ask("/admin%2fx", {**everything, "Resource": "*/GET/admin/x"})[0] == 403
    assert ask("/admin/x", {**everything, "Resource": "*/GET/admin/x"}) is None
    assert ask("/pets%2F", {**everything, "Resource": "*/GET/pets"})[0] == 403


HTTP = {"authorizerId": "a1", "name": "http", "authorizerType": "REQUEST", "authorizerUri": function("auth"), "identitySource": ["$request.header.X-Token"]}
SIMPLE = {**HTTP, "authorizerPayloadFormatVersion": "2.0", "enableSimpleResponses": True}


def http(authorizer, **more):
    return guarded(authorizer, {**CUSTOM, "routeKey": "GET /pets"}, "HTTP", **more)


@pytest.mark.parametrize(
    ("authorizer", "said", "expected"),
    [
        (SIMPLE, {"isAuthorized": True}, None),
        (SIMPLE, {"isAuthorized": False}, (403, "Forbidden")),
        (SIMPLE, {"isAuthorized": "true"}, (500, "Internal Server Error")),
        (SIMPLE, {}, (500, "Internal Server Error")),
        (SIMPLE, ALLOW, (500, "Internal Server Error")),
        (HTTP, ALLOW, None),
        (HTTP, deny(), (403, "Forbidden")),
        (HTTP, {"isAuthorized": True}, (500, "Internal Server Error")),
    ],
)
def test_http_apis(world, authorizer, said, expected):
    world.answers = [answer(said)]
    assert decide(http(authorizer), world) == expected


def test_the_event_of_http_apis(world):
    world.answers = lambda *_: answer({"isAuthorized": True, "context": {"roles": ["a"]}})
    made = http(SIMPLE)
    assert decide(made, world) is None
    event = world.payloads()[0]
    assert (event["version"], event["type"], event["identitySource"], event["routeKey"]) == ("2.0", "REQUEST", ["t"], "GET /pets")
    assert event["headers"]["x-token"] == "t" and event["requestContext"]["http"]["method"] == "GET"
    assert made.context["authorizer"] == {"lambda": {"roles": ["a"]}}
    assert decide(http(SIMPLE, headers={}), world) == (401, "Unauthorized")
    # Without a time to live nothing is cached.
    assert decide(http(SIMPLE), world) is None
    assert len(world.sent) == 2


def test_a_stage_is_not_made_up(world):
    world.answers = lambda *_: answer(deny(*ALLOW["policyDocument"]["Statement"], {"Effect": "Deny", "Action": "*", "Resource": "*/prod/*"}))
    assert decide(guarded(TOKEN), world)[0] == 403
    assert decide(guarded(TOKEN, stage="test"), world) is None
    for stage in ("Prod", "prod2", "$default", ""):
        assert decide(guarded(TOKEN, stage=stage), world) == (403, "Forbidden")
        assert decide(http(HTTP, stage=stage), world) == (404, "Not Found")
        assert decide(call(stage=stage), world) is None


def test_a_test_invoke_asks_nobody(world):
    made = guarded(TOKEN)
    made.test = True
    assert decide(made, world) is None


def test_what_is_kept_for_made_up_tokens_is_bounded(world, monkeypatch):
    monkeypatch.setattr(auth.lambda_authorizer, "MOST", 8)
    world.answers = lambda *_: answer(deny())
    for at in range(100):
        assert decide(guarded(TOKEN, headers={"x_token": f"made up {at}"}), world)[0] == 403
    assert len(world.sent) == 100 and len(world.state) <= 8
    # One answer takes the place of another, never its meaning.
    world.answers = lambda *_: answer(ALLOW)
    assert decide(guarded(TOKEN, headers={"x_token": "good"}), world) is None
    for at in range(100):
        world.answers = lambda *_: answer(deny())
        assert decide(guarded(TOKEN, headers={"x_token": f"made up {at}"}), world)[0] == 403
