"""Paths with an encoded slash, which the router and an endpoint may read differently."""

import time

import pytest
from apigateway import context, http_api, invoke
from apigateway.errors import GatewayError
from apigateway.model import Resource
from apigateway.parameters import mapped_request, uri_with
from world import api, call

OPEN = {"authorizationType": "NONE"}
GUARDED = {"authorizationType": "CUSTOM", "authorizerId": "a1"}
OTHER = {"authorizationType": "CUSTOM", "authorizerId": "a2"}
KEYED = {"authorizationType": "NONE", "apiKeyRequired": True}


def status(route, *args):
    try:
        route(*args)
    except GatewayError as error:
        return error.status
    return None


def rest(tree, path, verb="POST"):
    integration = {"methodIntegration": {"type": "MOCK"}}
    resources = [Resource(str(at), where, {name: {**doc, **integration}}) for at, (where, name, doc) in enumerate(tree)]
    return status(invoke._route, call(api(resources=resources), verb, path))


def http(tree, path, verb="POST"):
    routes = [{"routeKey": key, "target": "integrations/i", **doc} for key, doc in tree]
    made = call(api("HTTP", routes=routes, integrations={"i": {}}), verb, path)
    return status(http_api._route, made)


ADMIN = [("/admin", "POST", GUARDED), ("/admin/{proxy+}", "ANY", GUARDED), ("/{proxy+}", "ANY", OPEN)]


@pytest.mark.parametrize("path", ["/admin%2Fusers", "/admin%2fusers", "/admin%2F", "/%2Fadmin", "/admin%2F%2Fx", "/%61dmin%2Fx", "/admin%2Fa/b"])
def test_an_encoded_slash_is_no_way_past_an_authorizer(path):
    assert rest(ADMIN, path) == 403
    assert http([("POST /admin", GUARDED), ("ANY /admin/{proxy+}", GUARDED), ("ANY /{proxy+}", OPEN)], path) == 403
    assert http([("POST /admin", GUARDED), ("ANY /admin/{proxy+}", GUARDED), ("$default", OPEN)], path) == 403


@pytest.mark.parametrize("path", ["/admin", "/admin/x%2Fy", "/other%2Fx", "/admin%252Fx"])
def test_one_reading_or_two_that_ask_for_the_same(path):
    assert rest(ADMIN, path) is None


@pytest.mark.parametrize(
    ("whole", "parted", "expected"),
    [
        (OPEN, OPEN, None),
        (OPEN, GUARDED, 403),
        (OPEN, KEYED, 403),
        (OPEN, {}, 403),
        (GUARDED, OTHER, 403),
        (GUARDED, {**GUARDED, "authorizationScopes": ["s"]}, 403),
        (GUARDED, {**GUARDED, "apiKeyRequired": True}, 403),
        (GUARDED, GUARDED, None),
        # What the other reading asks for is asked for here, and more.
        (GUARDED, OPEN, None),
        ({**GUARDED, "apiKeyRequired": True}, KEYED, None),
    ],
)
def test_what_the_other_reading_asks_for(whole, parted, expected):
    assert rest([("/{id}", "ANY", whole), ("/{id}/x", "ANY", parted)], "/a%2Fx") == expected


def uri(resource, path, uri, template=None, parameters=None):
    method = {**OPEN, "methodIntegration": {"type": "HTTP", "uri": uri, "requestParameters": parameters}}
    made = call(api(resources=[Resource("r", resource, {"ANY": method})]), path=path)
    context.begin(made)
    invoke._route(made)
    return uri_with(uri, made, {**mapped_request(made).path, **(template or {})})


@pytest.mark.parametrize("parameters", [None, {"integration.request.path.id": "method.request.path.id"}])
def test_an_encoded_slash_stays_one_in_uris(parameters):
    assert uri("/pets/{id}", "/pets/1%2Fsecret", "http://b/pets/{id}", parameters=parameters) == "http://b/pets/1%2Fsecret"
    assert uri("/pets/{id}", "/pets/1%2fa%20b", "http://b/{id}/x", parameters=parameters) == "http://b/1%2Fa%20b/x"
    assert uri("/{id+}", "/a/b%2Fc/d", "http://b/{id}", parameters=parameters) == "http://b/a/b%2Fc/d"
    assert uri("/{x}/{id+}", "/a%2Fb/c/d", "http://b/{x}/{id}", parameters=parameters) == "http://b/a%2Fb/c/d"
    # `%252F` is the text `%2F`, and a value of another place has slashes of its own.
    assert uri("/{id+}", "/a%252Fb", "http://b/{id}", parameters=parameters) == "http://b/a%252Fb"
    assert uri("/{id}", "/a%2Fb", "http://b/{id}/{own}", {"own": "x/y"}, parameters) == "http://b/a%2Fb/x/y"
    assert uri("/pets/{id}", "/pets/1%2Fs", "http://b/{id}", {"id": "1/s"}) == "http://b/1%2Fs"


@pytest.mark.parametrize("path", ["/..%2Fx", "/a%2F..%2Fx", "/a%2F%2E%2E"])
def test_it_does_not_lead_out_of_the_uri(path):
    with pytest.raises(GatewayError):
        uri("/{id}", path, "http://b/base/{id}")


def test_a_long_path_takes_no_long_time():
    began = time.process_time()
    assert uri("/{x}/{id+}", "/b%2Fc" + "/a" * 8_000, "http://b/{id}") == "http://b/" + "/".join("a" * 8_000)
    assert time.process_time() - began < 0.5
