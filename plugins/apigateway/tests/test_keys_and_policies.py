import re
from datetime import datetime, timezone

import pytest
from apigateway import auth
from apigateway.auth import api_keys
from apigateway.errors import GatewayError
from world import NOW, World, answer, api, call, function

KEY = {"id": "k1", "value": "secret-of-twenty-chars", "enabled": True}
PLAN = {"id": "p1", "apiStages": [{"apiId": "abc123", "stage": "prod"}], "keys": [KEY]}
FORBIDDEN = (403, "Forbidden")


def keyed(usage, headers=None, stage="prod", required=True, **more):
    made = api(usage=usage, **more)
    return call(made, stage=stage, method_doc={"apiKeyRequired": required}, headers={"x_api_key": KEY["value"]} if headers is None else headers)


def decide(made, world=None):
    try:
        auth.decide(made, world or World())
    except GatewayError as error:
        return error.status, error.message
    return None


@pytest.mark.parametrize(
    ("usage", "more", "expected"),
    [
        ([PLAN], {}, None),
        ([{"id": "p0"}, PLAN], {}, None),
        ([PLAN], {"headers": {}}, FORBIDDEN),
        ([PLAN], {"headers": {"x_api_key": ""}}, FORBIDDEN),
        ([PLAN], {"headers": {"x_api_key": KEY["value"][:-1]}}, FORBIDDEN),
        ([PLAN], {"headers": {"x_api_key": KEY["value"].upper()}}, FORBIDDEN),
        ([PLAN], {"headers": {"x_api_key": KEY["id"]}}, FORBIDDEN),
        ([PLAN], {"headers": {"x_api_key": "gr\u00fc\u00dfe"}}, FORBIDDEN),
        ([PLAN], {"stage": "test"}, FORBIDDEN),
        ([], {}, FORBIDDEN),
        ([{**PLAN, "apiStages": [{"apiId": "other", "stage": "prod"}]}], {}, FORBIDDEN),
        ([{**PLAN, "apiStages": []}], {}, FORBIDDEN),
        ([{**PLAN, "keys": [{**KEY, "enabled": False}]}], {}, FORBIDDEN),
        ([{**PLAN, "keys": [{"id": "k1", "value": KEY["value"]}]}], {}, FORBIDDEN),
        ([{**PLAN, "keys": [{**KEY, "value": ""}]}], {"headers": {"x_api_key": ""}}, FORBIDDEN),
        ([{**PLAN, "keys": [{**KEY, "value": None}]}], {}, FORBIDDEN),
        ([], {"required": False}, None),
        ([], {"required": None}, None),
        ([], {"required": "true"}, FORBIDDEN),
        ([], {"required": "yes"}, FORBIDDEN),
        # The key is the authorizer's business, not the client's.
        ([PLAN], {"about": {"apiKeySource": "AUTHORIZER"}}, FORBIDDEN),
    ],
)
def test_keys(usage, more, expected):
    made = keyed(usage, **more)
    assert decide(made) == expected
    if expected is None and made.method_doc["apiKeyRequired"]:
        assert made.context["identity"]["apiKeyId"] == "k1" and made.context["identity"]["sourceIp"] == "10.1.2.3"


def test_a_key_by_an_authorizer():
    authorizer = {"type": "TOKEN", "name": "a", "authorizerUri": function("auth"), "identitySource": "method.request.header.X-Token"}
    allowed = {"principalId": "x", "policyDocument": {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}
    for said, expected in (({"usageIdentifierKey": KEY["value"]}, None), ({"usageIdentifierKey": "x"}, FORBIDDEN), ({}, FORBIDDEN)):
        world = World()
        world.answers = [answer({**allowed, **said})]
        made = api(usage=[PLAN], about={"apiKeySource": "AUTHORIZER"}, authorizers={"a": authorizer})
        doc = {"authorizationType": "CUSTOM", "authorizerId": "a", "apiKeyRequired": True}
        # A key of the client's own does not help.
        assert decide(call(made, method_doc=doc, headers={"x_token": "t", "x_api_key": KEY["value"]}), world) == expected


def test_a_bucket_fills_with_time():
    world = World()
    plan = {**PLAN, "throttle": {"rateLimit": 2, "burstLimit": 3}}
    assert [decide(keyed([plan]), world) for _ in range(5)] == [None] * 3 + [(429, "Too Many Requests")] * 2
    world.time += 1000
    assert [decide(keyed([plan]), world) for _ in range(3)] == [None] * 2 + [(429, "Too Many Requests")]
    world.time += 600_000
    assert [decide(keyed([plan]), world) for _ in range(4)] == [None] * 3 + [(429, "Too Many Requests")]


def test_a_bucket_of_its_own_for_a_method():
    world = World()
    entry = {**PLAN["apiStages"][0], "throttle": {"/pets/GET": {"rateLimit": 1, "burstLimit": 1}}}
    plan = {**PLAN, "throttle": {"rateLimit": 100, "burstLimit": 100}, "apiStages": [entry]}
    assert [decide(keyed([plan]), world) for _ in range(2)] == [None, (429, "Too Many Requests")]


@pytest.mark.parametrize("period", ["DAY", "WEEK", "MONTH"])
def test_a_quota(period):
    world = World()
    plan = {**PLAN, "quota": {"limit": 2, "period": period}}
    assert [decide(keyed([plan]), world) for _ in range(3)] == [None, None, (429, "Limit Exceeded")]
    world.time = api_keys.period(period, world.time)[1] + 2000
    assert decide(keyed([plan]), world) is None


def test_periods():
    def at(*date):
        return int(datetime(*date, tzinfo=timezone.utc).timestamp() * 1000)

    now = at(2026, 2, 4, 13, 5)
    assert api_keys.period("DAY", now) == (at(2026, 2, 4), at(2026, 2, 5))
    assert api_keys.period("WEEK", now) == (at(2026, 2, 1), at(2026, 2, 8))
    assert api_keys.period("MONTH", now) == (at(2026, 2, 1), at(2026, 3, 1))
    assert api_keys.period("MONTH", at(2026, 12, 31, 23, 59)) == (at(2026, 12, 1), at(2027, 1, 1))


DATE = datetime.fromtimestamp(NOW / 1000, timezone.utc)
SCOPE = f"AKIA/{DATE:%Y%m%d}/us-east-1/execute-api/aws4_request"
SIGNED = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, Signature={'a' * 64}"


def iam(authorization=SIGNED, date=f"{DATE:%Y%m%dT%H%M%SZ}", query=()):
    headers = {name: value for name, value in {"authorization": authorization, "x_amz_date": date}.items() if value is not None}
    made = call(method_doc={"authorizationType": "AWS_IAM"}, headers=headers, query=query)
    result = decide(made)
    if result is None:
        assert made.context["identity"]["accessKey"] == "AKIA"
    return result and result[0]


def test_a_signature_has_to_be_there():
    assert iam() is None
    wrong = [
        "",
        "Bearer x",
        SIGNED.replace("SHA256", "SHA1"),
        SIGNED.replace("execute-api", "s3"),
        SIGNED.replace("us-east-1", "eu-west-1"),
        SIGNED.replace("host;", ""),
        SIGNED.replace("a" * 64, ""),
        SIGNED.replace("a" * 64, "a" * 63),
        SIGNED.replace("Credential", "credential"),
        SIGNED.replace(f"{DATE:%Y%m%d}", "20200101"),
    ]
    for text in (None, *wrong):
        assert iam(text) == 403, text
    for date in (None, "", "today", "20200101T000000Z", f"{DATE:%Y%m%d}T000000Z"):
        assert iam(date=date) == 403, date


def test_a_signature_in_the_query():
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": SCOPE,
        "X-Amz-Date": f"{DATE:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
    }
    assert iam(None, None, query.items()) is None
    for name in query:
        left = [pair for pair in query.items() if pair[0] != name]
        assert iam(None, None, left) == (None if name == "X-Amz-Expires" else 403), name


PRESIGNED = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": SCOPE,
    "X-Amz-Date": f"{DATE:%Y%m%dT%H%M%SZ}",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "0" * 64,
}


def twice(name, *values):
    """A request whose field comes more than once."""
    made = call(method_doc={"authorizationType": "AWS_IAM"}, headers={"authorization": SIGNED, "x_amz_date": f"{DATE:%Y%m%dT%H%M%SZ}"})
    made.fields = [pair for pair in made.fields if pair[0] != name] + [(name, value) for value in values]
    return decide(made)


def test_a_signature_is_read_in_one_way():
    """Who verifies it (aws-extras) must not have read another."""
    forged = SIGNED.replace("AKIA", "VICTIM")
    for values in (("Bearer x", forged), (SIGNED, forged), (SIGNED, SIGNED)):
        assert twice("authorization", *values)[0] == 403, values
    assert twice("x-amz-date", *[f"{DATE:%Y%m%dT%H%M%SZ}"] * 2)[0] == 403
    for name in ("Credential", "SignedHeaders", "Signature"):
        part = re.search(f"{name}=[^,]*", forged)[0]
        assert iam(f"{SIGNED}, {part}") == 403 and iam(SIGNED.replace("Credential=", f"{part}, Credential=", 1)) == 403, name
    assert iam(f"{SIGNED}, X=1, X=1") == 403


@pytest.mark.parametrize("name", ["X-Amz-Algorithm", "X-Amz-Credential", "x-amz-signature", "AWSAccessKeyId", "awsaccesskeyid"])
def test_a_signature_is_in_the_query_or_in_a_field(name):
    assert iam(query=[(name, "x")]) == 403
    assert iam(query=PRESIGNED.items()) == 403
    assert iam(query=[("Signature", "of something else")]) is None


@pytest.mark.parametrize("name", PRESIGNED)
def test_a_member_of_a_query_comes_once(name):
    pairs = [*PRESIGNED.items()]
    assert iam(None, None, pairs) is None
    assert iam(None, None, [*pairs, (name, PRESIGNED[name])]) == 403
    # The case of a name does not count for who verifies it.
    assert iam(None, None, [(name.lower(), PRESIGNED[name]), *pairs]) == 403


def policed(*statements, kind="NONE", policy=None):
    import json

    text = json.dumps({"Statement": list(statements)}) if policy is None else policy
    return call(api(about={"policy": text}), method_doc={"authorizationType": kind})


def test_a_resource_policy():
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    away = {**allow, "Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": "192.168.0.0/16"}}}
    here = {**allow, "Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": "10.1.0.0/16"}}}
    arn = "arn:aws:execute-api:us-east-1:********9012:abc123/prod/GET/pets"
    text = f"User: anonymous is not authorized to perform: execute-api:Invoke on resource: {arn}"
    assert decide(policed(allow)) is None
    assert decide(policed(allow, here)) is None
    assert decide(policed(allow, away)) == (403, f"{text} with an explicit deny")
    assert decide(policed({**allow, "Resource": "execute-api:/test/*"})) == (403, text)
    assert decide(policed()) == (403, text)
    assert decide(policed({**allow, "Principal": {"AWS": "arn:aws:iam::1:root"}})) == (403, text)
    assert decide(policed(policy="no JSON"))[0] == 500
    escaped = '{\\"Statement\\": [{\\"Effect\\": \\"Deny\\", \\"Principal\\": \\"*\\", \\"Action\\": \\"*\\", \\"Resource\\": \\"*\\"}]}'
    assert decide(policed(policy=escaped))[0] == 403
    # With a signature that nobody verifies the policy must at least not deny.
    assert decide(policed(away, kind="AWS_IAM"))[0] == 403
