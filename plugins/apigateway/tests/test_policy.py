import time

import pytest
from apigateway.auth import policy
from world import call

ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/GET/pets"


def statement(effect="Allow", resource=ARN, action="execute-api:Invoke", **more):
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]}


def both(*statements):
    return {"Statement": [one for each in statements for one in each["Statement"]]}


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (statement(), "allow"),
        (statement(resource="*"), "allow"),
        (statement(resource="arn:aws:execute-api:*:*:abc123/*/GET/*"), "allow"),
        (statement(resource="arn:aws:execute-api:us-east-1:123456789012:abc123/prod/???/pets"), "allow"),
        (statement(resource=["x", ARN]), "allow"),
        (statement(action="EXECUTE-API:invoke"), "allow"),
        (statement(action=["s3:GetObject", "execute-api:*"]), "allow"),
        (statement(resource=ARN + "/1"), "none"),
        (statement(resource=ARN[:-1]), "none"),
        (statement(resource="arn:aws:execute-api:us-east-1:123456789012:abc123/prod/POST/pets"), "none"),
        (statement(resource="arn.aws:execute-api:us-east-1:123456789012:abc123/prod/GET/pets"), "none"),
        (statement(action="execute-api:ManageConnections"), "none"),
        (both(statement(), statement("Deny")), "deny"),
        (both(statement("Deny"), statement()), "deny"),
        (both(statement(resource="*"), statement("Deny", resource="*/POST/*")), "allow"),
        # What can't be evaluated: an Allow does not apply, a Deny does.
        (statement(Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}), "none"),
        (both(statement(), statement("Deny", Condition={"DateGreaterThan": {"aws:CurrentTime": "2020"}})), "deny"),
        (both(statement(), statement("Deny", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})), "deny"),
        (both(statement(), statement("Deny", Condition={"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}})), "allow"),
        (both(statement(), statement("Deny", Condition={"NotIpAddress": {"aws:SourceIp": ["no address"]}})), "deny"),
        (statement(Condition={"IpAddress": {"aws:SourceIp": "192.168.0.0/16"}}), "none"),
        (statement(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}), "none"),
    ],
)
def test_verdicts(made, verdict):
    assert policy.evaluate(made, ARN, {"aws:sourceip": "10.1.2.3"}) == verdict


def test_not_resource_and_not_action():
    made = {"Statement": {"Effect": "Deny", "NotAction": "execute-api:Invoke", "Resource": "*"}}
    assert policy.evaluate(both(statement(), {"Statement": [made["Statement"]]}), ARN, {}) == "allow"
    made = {"Statement": {"Effect": "Allow", "Action": "*", "NotResource": ARN}}
    assert policy.evaluate(made, ARN, {}) == "none"


@pytest.mark.parametrize(
    "made",
    [
        None,
        {},
        [],
        {"Statement": "Allow"},
        {"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": 1}]},
        {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": "x"}]},
    ],
)
def test_what_is_no_policy(made):
    with pytest.raises(policy.BadPolicy):
        policy.evaluate(made, ARN, {})


def test_principals_of_resource_policies():
    def verdict(effect, **principal):
        return policy.evaluate(statement(effect, **principal), ARN, {}, of_resource=True)

    assert verdict("Allow", Principal="*") == "allow"
    assert verdict("Allow", Principal={"AWS": ["*"]}) == "allow"
    assert verdict("Allow", Principal={"AWS": "arn:aws:iam::1:root"}) == "none"
    assert verdict("Allow", NotPrincipal={"AWS": "arn:aws:iam::1:root"}) == "none"
    assert verdict("Deny", Principal={"AWS": "arn:aws:iam::1:root"}) == "deny"


def test_an_arn_has_the_decoded_path():
    assert policy.method_arn(call(path="/%70ets")) == ARN
    assert policy.method_arn(call(path="/", method="POST")).endswith("/prod/POST/")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("**", "ab", True),
        ("?", "", False),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("*b", "abc", False),
        ("a*c*e", "abcde", True),
        ("a*c*e", "abcdef", False),
        ("*ab", "aab", True),
        ("*a?b", "aaab", True),
        ("a*?", "a", False),
        ("a.c", "abc", False),
        ("[a]", "a", False),
        ("*", "a\nb", True),
        ("a?b", "a\nb", True),
    ],
)
def test_patterns(pattern, text, expected):
    assert policy._like(pattern, text) == expected


def test_a_pattern_is_no_way_to_use_up_time():
    made = statement(resource="arn:aws:execute-api:*:*:*/prod/GET/admin")
    asked = "arn:aws:execute-api:us-east-1:123456789012:abc123/prod/GET/" + ":" * 16_000
    began = time.process_time()
    assert policy.evaluate(made, asked, {}) == "none"
    assert time.process_time() - began < 0.5
