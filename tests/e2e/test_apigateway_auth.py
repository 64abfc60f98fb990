"""Who may call an API through the plugin apigateway: keys, authorizers, tokens, signatures, policies; in APIs made by single calls."""

import json
import re
import time

import jwt
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.apigateway import mock
from harness.functions import Raw, uri
from harness.issuer import Issuer

FORBIDDEN = (403, {"message": "Forbidden"})
UNAUTHORIZED = (401, {"message": "Unauthorized"})
INTERNAL = (500, {"message": "Internal server error"})
PASSED = (200, {"ok": True})


def told(answer):
    return answer.status, answer.json()


@pytest.fixture
def issuer():
    made = Issuer()
    yield made
    made.stop()


class Keys:
    """A plan with one key for the stage `dev` of an API."""

    def __init__(self, api, unique, **plan):
        self.client = api.client
        made = self.client.create_api_key(name=unique("key"), enabled=True)
        self.id, self.value = made["id"], made["value"]
        stages = [{"apiId": api.id, "stage": "dev"}]
        self.plan = self.client.create_usage_plan(name=unique("plan"), apiStages=stages, **plan)["id"]
        self.client.create_usage_plan_key(usagePlanId=self.plan, keyId=self.id, keyType="API_KEY")

    def patch(self, value):
        self.client.update_api_key(apiKey=self.id, patchOperations=[{"op": "replace", "path": "/enabled", "value": value}])


def keyed(api):
    return api.method("/pets", needs={"apiKeyRequired": True}, **mock()).deploy().deploy("other")


def test_a_key_of_a_plan_of_the_stage(api, unique):
    keys = Keys(keyed(api), unique)
    assert told(api.call("GET", "/pets", {"x-api-key": keys.value})) == PASSED
    for headers in ({}, {"x-api-key": ""}, {"x-api-key": "wrong"}, {"x-api-key": keys.id}, {"authorization": keys.value}):
        assert told(api.call("GET", "/pets", headers)) == FORBIDDEN, headers
    assert api.call("GET", "/pets").headers["x-amzn-errortype"] == "ForbiddenException"
    assert told(api.call("GET", "/pets", {"x-api-key": keys.value}, stage="other")) == FORBIDDEN
    assert told(api.call("GET", f"/pets?x-api-key={keys.value}")) == FORBIDDEN


def test_a_key_is_disabled_and_enabled_and_taken_out(api, unique):
    keys = Keys(keyed(api), unique)
    asked = {"x-api-key": keys.value}
    assert api.call("GET", "/pets", asked).status == 200
    keys.patch("false")
    assert told(api.call("GET", "/pets", asked)) == FORBIDDEN
    keys.patch("true")
    assert api.call("GET", "/pets", asked).status == 200
    keys.client.delete_usage_plan_key(usagePlanId=keys.plan, keyId=keys.id)
    assert told(api.call("GET", "/pets", asked)) == FORBIDDEN


def test_a_key_of_another_api(gateway, api, unique):
    other = keyed(gateway.api(unique("api")))
    keys = Keys(other, unique)
    assert told(keyed(api).call("GET", "/pets", {"x-api-key": keys.value})) == FORBIDDEN
    assert other.call("GET", "/pets", {"x-api-key": keys.value}).status == 200


def test_a_key_in_the_context(api, unique):
    api.method("/pets", needs={"apiKeyRequired": True}, **mock('{"id": "$context.identity.apiKeyId"}')).deploy()
    keys = Keys(api, unique)
    assert api.call("GET", "/pets", {"x-api-key": keys.value}).json() == {"id": keys.id}


def test_a_plan_throttles(api, unique):
    keys = Keys(keyed(api), unique, throttle={"burstLimit": 3, "rateLimit": 0.001})
    answers = [told(api.call("GET", "/pets", {"x-api-key": keys.value})) for _ in range(5)]
    assert answers == [PASSED] * 3 + [(429, {"message": "Too Many Requests"})] * 2


def test_a_plan_has_a_quota(api, unique):
    keys = Keys(keyed(api), unique, quota={"limit": 2, "period": "MONTH"})
    answers = [told(api.call("GET", "/pets", {"x-api-key": keys.value})) for _ in range(3)]
    assert answers == [PASSED] * 2 + [(429, {"message": "Limit Exceeded"})]


def policy(effect="Allow", resource="*", **more):
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"principalId": "ann", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, **more}


def authorizer(api, function, kind="TOKEN", source="method.request.header.X-Token", **more):
    """The id of a new authorizer."""
    made = api.client.create_authorizer(restApiId=api.id, name="auth", type=kind, authorizerUri=function, identitySource=source, **more)
    return made["id"]


def guarded(api, authorizer_id, auth="CUSTOM", path="/pets", template='{"ok": true}', **needs):
    return api.method(path, "ANY", auth=auth, needs={"authorizerId": authorizer_id, **needs}, **mock(template)).deploy()


ACCESS_DENIED = (403, {"Message": "User is not authorized to access this resource"})


def by_token(event):
    """What an authorizer says, by the token."""
    token = event["authorizationToken"]
    if token == "unknown":
        raise ValueError("Unauthorized")
    if token == "broken":
        raise ValueError("no database")
    says = {
        "good": policy(context={"name": "Ann", "level": 3}),
        "read": policy(resource=event["methodArn"].rsplit("/", 2)[0] + "/GET/*"),
        "denied": policy("Deny"),
        "elsewhere": policy(resource="arn:aws:execute-api:us-east-1:123456789012:other/*"),
        "text": "Allow",
        "nobody": {"policyDocument": policy()["policyDocument"]},
        "odd": Raw(200, b"<html>"),
        "down": Raw(503, b"{}"),
        "gone": Raw(None),
    }
    return says[token]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("good", PASSED),
        (None, UNAUTHORIZED),
        ("", UNAUTHORIZED),
        ("unknown", UNAUTHORIZED),
        ("denied", (403, {"Message": "User is not authorized to access this resource with an explicit deny"})),
        ("elsewhere", ACCESS_DENIED),
        ("broken", INTERNAL),
        ("text", INTERNAL),
        ("nobody", INTERNAL),
        ("odd", INTERNAL),
        ("down", INTERNAL),
        ("gone", INTERNAL),
    ],
)
def test_a_function_decides_by_the_token(api, functions, unique, token, expected):
    guarded(api, authorizer(api, functions.add(unique("auth"), by_token)))
    answer = api.call("GET", "/pets", {} if token is None else {"x-token": token})
    assert told(answer) == expected


def test_context_goes_on_to_the_integration(api, functions, unique):
    id_ = authorizer(api, functions.add(unique("auth"), by_token))
    guarded(api, id_, template='{"name": "$context.authorizer.name", "level": "$context.authorizer.level", "who": "$context.authorizer.principalId"}')
    assert api.call("GET", "/pets", {"x-token": "good"}).json() == {"name": "Ann", "level": "3", "who": "ann"}
    name = unique("f")
    needs = {"authorizerId": id_}
    api.method("/f", "GET", auth="CUSTOM", needs=needs, type="AWS_PROXY", uri=functions.add(name, {"body": "ok"})).deploy()
    assert api.call("GET", "/f", {"x-token": "good"}).text == "ok"
    assert functions.events(name)[0]["requestContext"]["authorizer"] == {"name": "Ann", "level": "3", "principalId": "ann"}


def test_an_answer_is_cached_and_holds_for_what_it_allows(api, functions, unique):
    name = unique("auth")
    guarded(api, authorizer(api, functions.add(name, by_token)))
    for verb, status in (("GET", 200), ("GET", 200), ("DELETE", 403), ("POST", 403), ("GET", 200)):
        assert api.call(verb, "/pets", {"x-token": "read"}).status == status
    assert len(functions.events(name)) == 1
    assert functions.events(name)[0]["methodArn"] == f"arn:aws:execute-api:us-east-1:123456789012:{api.id}/dev/GET/pets"
    api.call("GET", "/pets", {"x-token": "good"})
    assert len(functions.events(name)) == 2
    # An error is asked about again.
    for _ in range(2):
        assert api.call("GET", "/pets", {"x-token": "broken"}).status == 500
    assert len(functions.events(name)) == 4


def test_no_time_to_live_is_no_cache(api, functions, unique):
    name = unique("auth")
    guarded(api, authorizer(api, functions.add(name, by_token), authorizerResultTtlInSeconds=0))
    for _ in range(2):
        assert api.call("GET", "/pets", {"x-token": "good"}).status == 200
    assert len(functions.events(name)) == 2


def test_an_expression_that_moto_forgets(api, functions, unique):
    name = unique("auth")
    id_ = authorizer(api, functions.add(name, by_token), identityValidationExpression="[go]+d")
    guarded(api, id_)
    assert told(api.call("GET", "/pets", {"x-token": "denied"})) == UNAUTHORIZED
    assert functions.events(name) == []
    assert api.call("GET", "/pets", {"x-token": "good"}).status == 200
    # A change of it is seen, and so is its end.
    at = {"restApiId": api.id, "authorizerId": id_}
    operation = {"op": "replace", "path": "/identityValidationExpression", "value": "x"}
    api.client.update_authorizer(**at, patchOperations=[operation])
    assert told(api.call("GET", "/pets", {"x-token": "good"})) == UNAUTHORIZED


def test_an_authorizer_that_looks_at_the_request(api, functions, unique):
    name = unique("auth")
    source = "method.request.header.X-Token, method.request.querystring.who"
    functions.add(name, lambda event: policy("Allow" if event["queryStringParameters"]["who"] == "ann" else "Deny"))
    guarded(api, authorizer(api, uri(name), "REQUEST", source))
    assert told(api.call("GET", "/pets?who=ann", {"x-token": "t"})) == PASSED
    assert api.call("GET", "/pets?who=bob", {"x-token": "t"}).status == 403
    assert told(api.call("GET", "/pets?who=ann")) == UNAUTHORIZED
    assert told(api.call("GET", "/pets", {"x-token": "t"})) == UNAUTHORIZED
    event = functions.events(name)[0]
    assert (event["type"], event["resource"], event["path"], event["headers"]["X-Token"]) == ("REQUEST", "/pets", "/pets", "t")


def test_an_authorizer_that_can_not_be_asked_lets_nobody_pass(gateway_with, api, functions, unique):
    """No endpoint, an endpoint that is away, one that may not be reached, and an authorizer that was deleted."""
    id_ = authorizer(api, functions.add(unique("auth"), by_token))
    guarded(api, id_)
    asked = {"x-token": "good"}
    for settings in ({}, {"lambda_endpoint": "http://127.0.0.1:9"}, {"lambda_endpoint": functions.url}):
        other = gateway_with(settings, allow=["http://127.0.0.1:9"] if settings.get("lambda_endpoint", "").endswith(":9") else [])
        assert told(other.send("GET", api.target("/pets"), asked)) == INTERNAL, settings
    assert api.call("GET", "/pets", asked).status == 200
    api.client.delete_authorizer(restApiId=api.id, authorizerId=id_)
    assert told(api.call("GET", "/pets", asked)) == INTERNAL


def test_a_preflight_of_no_method_passes_and_nothing_else_does(api, functions, unique):
    id_ = authorizer(api, functions.add(unique("auth"), by_token))
    api.method("/pets", "GET", auth="CUSTOM", needs={"authorizerId": id_}, **mock()).deploy()
    asked = {"origin": "https://app.example", "access-control-request-method": "GET"}
    assert (api.call("OPTIONS", "/pets", asked).status, api.call("OPTIONS", "/pets", asked).body) == (200, b"")
    assert told(api.call("GET", "/pets", asked)) == UNAUTHORIZED
    # Other spellings of the path and of the field that is asked for.
    for path in ("/pets/", "/%70ets", "/pets?x-token=good", "/pets?X-Token=good"):
        assert api.call("GET", path).status in (401, 403), path
    assert api.call("HEAD", "/pets").status in (401, 403)


def test_a_user_pool(gateway, api, unique):
    idp = gateway.aws("cognito-idp")
    pool = idp.create_user_pool(PoolName=unique("pool"))["UserPool"]
    client = idp.create_user_pool_client(UserPoolId=pool["Id"], ClientName="c", ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"])["UserPoolClient"]["ClientId"]
    idp.admin_create_user(UserPoolId=pool["Id"], Username="ann")
    idp.admin_set_user_password(UserPoolId=pool["Id"], Username="ann", Password="Secret-1234", Permanent=True)
    tokens = idp.admin_initiate_auth(
        UserPoolId=pool["Id"], ClientId=client, AuthFlow="ADMIN_NO_SRP_AUTH", AuthParameters={"USERNAME": "ann", "PASSWORD": "Secret-1234"}
    )["AuthenticationResult"]
    sub = jwt.decode(tokens["IdToken"], options={"verify_signature": False})["sub"]
    arn = f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{pool['Id']}"
    made = api.client.create_authorizer(
        restApiId=api.id, name="pool", type="COGNITO_USER_POOLS", providerARNs=[arn], identitySource="method.request.header.Authorization"
    )
    guarded(api, made["id"], "COGNITO_USER_POOLS", template='{"sub": "$context.authorizer.claims.sub"}')
    for prefix in ("", "Bearer "):
        assert api.call("GET", "/pets", {"authorization": prefix + tokens["IdToken"]}).json() == {"sub": sub}
    head, claims, signature = tokens["IdToken"].split(".")
    forged = [f"{head}.{claims}.", f"{head}.{claims[:-2]}AA.{signature}", f"eyJhbGciOiJub25lIn0.{claims}.", tokens["AccessToken"], "x", ""]
    for token in forged:
        assert told(api.call("GET", "/pets", {"authorization": token})) == UNAUTHORIZED, token
    assert told(api.call("GET", "/pets")) == UNAUTHORIZED


@pytest.fixture
def jwt_api(gateway, functions, unique):
    """Makes an HTTP API whose route wants a token: jwt_api(issuer, scopes)."""
    client = gateway.aws("apigatewayv2")

    def make(url, scopes=(), audience=("api",)):
        api_id = client.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
        config = {"Issuer": url, "Audience": list(audience)}
        source = ["$request.header.Authorization"]
        made = client.create_authorizer(ApiId=api_id, Name="jwt", AuthorizerType="JWT", IdentitySource=source, JwtConfiguration=config)
        function = functions.add(unique("f"), lambda event: event["requestContext"]["authorizer"]["jwt"])
        target = client.create_integration(ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0")
        client.create_route(
            ApiId=api_id,
            RouteKey="GET /pets",
            Target=f"integrations/{target['IntegrationId']}",
            AuthorizationType="JWT",
            AuthorizerId=made["AuthorizerId"],
            AuthorizationScopes=list(scopes),
        )
        client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)

        def call(token):
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            return gateway.send("GET", f"/restapis/{api_id}/$default/_user_request_/pets", headers)

        return call

    return make


def test_a_token_of_an_issuer(jwt_api, issuer):
    call = jwt_api(issuer.url)
    for kid in ("rsa", "ec"):
        answer = call(issuer.token(kid))
        assert (answer.status, answer.json()["claims"]["sub"]) == (200, "ann")
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    stranger = rsa.generate_private_key(65537, 2048)
    wrong = {
        "none": None,
        "another key": issuer.token(key=stranger),
        "another issuer": issuer.token(iss="http://127.0.0.1:1"),
        "another audience": issuer.token(aud="other"),
        "expired": issuer.token(exp=int(time.time()) - 1),
        "not yet": issuer.token(nbf=int(time.time()) + 600),
        "for ever": issuer.token(exp=None),
        "cut": issuer.token()[:-5],
    }
    assert {why: told(call(token)) for why, token in wrong.items()} == dict.fromkeys(wrong, UNAUTHORIZED)


def test_scopes_of_a_token(jwt_api, issuer):
    call = jwt_api(issuer.url, ["pets/read"])
    assert call(issuer.token(scope="openid pets/read")).json()["scopes"] == ["pets/read"]
    assert told(call(issuer.token(scope="openid"))) == FORBIDDEN
    assert told(call(issuer.token())) == FORBIDDEN


def test_an_issuer_that_fails_lets_nobody_pass(jwt_api, issuer):
    call = jwt_api(issuer.url)
    issuer.status = 500
    assert told(call(issuer.token())) == (500, {"message": "Internal Server Error"})
    issuer.status = 200
    assert call(issuer.token()).status == 200


def test_a_simple_answer_of_an_http_api(gateway, functions, unique):
    client = gateway.aws("apigatewayv2")
    api_id = client.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
    function = functions.add(unique("auth"), lambda event: {"isAuthorized": event["identitySource"] == ["good"], "context": {"name": "Ann"}})
    made = client.create_authorizer(
        ApiId=api_id,
        Name="auth",
        AuthorizerType="REQUEST",
        AuthorizerUri=function,
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        IdentitySource=["$request.header.X-Token"],
    )
    target = client.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=functions.add(unique("f"), lambda event: event["requestContext"]["authorizer"]),
        PayloadFormatVersion="2.0",
    )
    client.create_route(
        ApiId=api_id, RouteKey="GET /pets", Target=f"integrations/{target['IntegrationId']}", AuthorizationType="CUSTOM", AuthorizerId=made["AuthorizerId"]
    )
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)

    def call(headers):
        return gateway.send("GET", f"/restapis/{api_id}/$default/_user_request_/pets", headers)

    assert call({"x-token": "good"}).json() == {"lambda": {"name": "Ann"}}
    assert told(call({"x-token": "bad"})) == FORBIDDEN
    assert told(call({})) == UNAUTHORIZED


def test_a_signature_has_to_be_there(api):
    api.method("/pets", "GET", auth="AWS_IAM", **mock('{"key": "$context.identity.accessKey"}')).deploy()
    request = AWSRequest("GET", api.url("/pets"))
    SigV4Auth(Credentials("AKIATEST", "secret"), "execute-api", "us-east-1").add_auth(request)
    assert api.call("GET", "/pets", dict(request.headers)).json() == {"key": "AKIATEST"}
    answer = api.call("GET", "/pets")
    assert told(answer) == (403, {"message": "Missing Authentication Token"})
    other = AWSRequest("GET", api.url("/pets"))
    SigV4Auth(Credentials("AKIATEST", "secret"), "s3", "us-east-1").add_auth(other)
    for headers in (dict(other.headers), {"authorization": "AWS4-HMAC-SHA256 x"}, {"authorization": "Bearer x"}):
        assert api.call("GET", "/pets", headers).status == 403, headers


def test_a_stage_is_not_made_up(api, functions, unique):
    """An authorizer that forbids one stage is not evaded by a name that no stage has."""
    name = unique("auth")
    functions.add(name, lambda event: policy("Deny" if "/dev/" in event["methodArn"] else "Allow"))
    guarded(api, authorizer(api, uri(name)))
    assert api.call("GET", "/pets", {"x-token": "t"}).status == 403
    for stage in ("dev2", "Dev", "$default"):
        assert told(api.call("GET", "/pets", {"x-token": "t"}, stage=stage)) == FORBIDDEN
    assert len(functions.events(name)) == 1


def test_a_resource_policy(gateway, unique):
    def document(network):
        about = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        away = {**about, "Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": network}}}
        return json.dumps({"Version": "2012-10-17", "Statement": [{**about, "Effect": "Allow"}, away]})

    for network, status in (("127.0.0.0/8", 200), ("10.0.0.0/8", 403)):
        api = gateway.api(unique("api"), policy=document(network)).method("/pets", **mock()).deploy()
        answer = api.call("GET", "/pets", {"x-forwarded-for": "10.1.2.3"})
        assert answer.status == status
    assert re.fullmatch(r"User: anonymous is not authorized .*/dev/GET/pets with an explicit deny", answer.json()["Message"])


def test_gateway_responses_word_refusals(api, functions, unique):
    guarded(api, authorizer(api, functions.add(unique("auth"), by_token)))
    api.client.put_gateway_response(
        restApiId=api.id,
        responseType="UNAUTHORIZED",
        statusCode="418",
        responseParameters={"gatewayresponse.header.X-Why": "'token'"},
        responseTemplates={"application/json": '{"why": $context.error.messageString}'},
    )
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.json(), answer.headers["x-why"]) == (418, {"why": "Unauthorized"}, "token")


def test_a_test_invoke_asks_nobody(api, functions, unique):
    name = unique("auth")
    guarded(api, authorizer(api, functions.add(name, by_token)))
    made = api.client.test_invoke_method(restApiId=api.id, resourceId=api.resource("/pets"), httpMethod="GET")
    assert (made["status"], json.loads(made["body"])) == (200, {"ok": True})
    assert functions.events(name) == []
