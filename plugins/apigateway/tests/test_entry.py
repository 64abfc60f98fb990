"""What comes in at the host: methods, addresses, test-invokes, and bodies that can't be read."""

import fake_host
import pytest
from apigateway import entry, importing, kept
from apigateway.config import Config
from apigateway.entry import Gateway
from apigateway.model import Resource
from tollgate._host import begin
from world import api

MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}, "integrationResponses": {"200": {"statusCode": "200"}}}
DEEP = b"[" * 200_000


@pytest.fixture(autouse=True)
def host():
    fake_host.reset()
    begin()


class Definitions:
    def __init__(self, *known):
        self.known = {one.id: one for one in known}

    def get(self, api_id, region=None):
        return self.known.get(api_id)


def method(kind="NONE", **more):
    return {"authorizationType": kind, "methodIntegration": MOCK, **more}


def gateway(*resources):
    made = Gateway(Config())
    made._definitions = Definitions(api(resources=[Resource(f"r{at}", path, methods) for at, (path, methods) in enumerate(resources)]))
    return made


def ask(made, verb, target, body=b""):
    fake_host.response.reset()
    fake_host.request.head.update(method=verb, target=target)
    fake_host.request.content = body
    fake_host.request.list = [("content-length", str(len(body)).encode())] if body else []
    made.forward()
    return fake_host.response.code


def called(made, verb, path):
    return ask(made, verb, f"/restapis/abc123/prod/_user_request_{path}")


@pytest.mark.parametrize("verb", ["post", "Get", "TRACE", "CONNECT", "PURGE", "POST "])
def test_a_method_that_api_gateway_does_not_have_finds_no_route(verb):
    made = gateway(("/admin", {"POST": method("AWS_IAM")}), ("/{proxy+}", {"ANY": method()}))
    assert called(made, verb, "/admin") == 403
    assert called(made, "POST", "/other") == 200


@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_methods_of_api_gateway(verb):
    assert called(gateway(("/{proxy+}", {"ANY": method()})), verb, "/x") == 200


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3:5000", "10.1.2.3"),
        ("[::ffff:10.1.2.3]:5000", "10.1.2.3"),
        ("[::FFFF:a01:203]:5000", "10.1.2.3"),
        ("[2001:DB8:0::1]:5000", "2001:db8::1"),
        ("[fe80::1%eth0]:5000", "fe80::1"),
        ("somebody:1", "somebody"),
    ],
)
def test_an_address_has_one_spelling(address, expected):
    assert entry.source_ip(address) == expected


TEST = "/restapis/abc123/resources/r0/methods/GET"


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b"{}", 200), (b"{", 400), (b"\xff", 400), (DEEP, 400)])
def test_a_test_invoke_needs_json(body, status):
    assert ask(gateway(("/pets", {"GET": method()})), "POST", TEST, body) == status


def test_a_test_invoke_that_is_too_large():
    made = gateway(("/pets", {"GET": method()}))
    fake_host.request.refusal = fake_host.contract_types.BodyError_TooLarge(10)
    assert ask(made, "POST", TEST) == 413


def test_deep_documents_are_none():
    assert importing._document(DEEP) is None and importing._json(DEEP) == {}
    fake_host.request.content = DEEP
    assert kept._given() == {}
    # As YAML, too.
    assert importing._document(b"- " * 5_000 + b"a") is None


def test_what_is_nested_too_deeply_further_in_is_500(monkeypatch):
    def deep(*_):
        raise RecursionError

    monkeypatch.setattr(entry.invoke, "execute", deep)
    assert called(gateway(("/x", {"ANY": method()})), "GET", "/x") == 500


def parts(made, verb, api_id="abc123", name="", body=b'{"location": {"type": "API"}, "properties": "{}"}'):
    """A call that passes, which moto answers with 404."""
    assert ask(made, verb, f"/restapis/{api_id}/documentation/parts{name}", body) == 200
    fake_host.response.code = 404
    made.back()
    return fake_host.response.code


def kept_keys():
    return [key for key in fake_host.state.values if key.startswith("k/")]


def test_a_documentation_part_needs_an_api():
    made = gateway()
    assert parts(made, "POST") == 201 and len(kept_keys()) == 1
    assert parts(made, "POST", "NOSUCH") == 404 and len(kept_keys()) == 1
    assert parts(made, "GET") == 200


def test_documentation_parts_have_a_limit(monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    made = gateway()
    assert [parts(made, "POST") for _ in range(5)] == [201] * 3 + [429] * 2
    assert len(kept_keys()) == 3


def test_a_state_that_is_full_keeps_no_more():
    made = gateway()
    fake_host.state.refusal = fake_host.state.StateError_Full("100 bytes")
    assert parts(made, "POST") == 429 and kept_keys() == []
