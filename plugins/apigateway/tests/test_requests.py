"""Which requests are for an API, which change one, and which resource a path means: decisions without a host."""

import pytest
from apigateway import binary, changes
from apigateway.cors import _allowed_origin
from apigateway.errors import GatewayError
from apigateway.paths import Router
from apigateway.urls import parse_query, with_query

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    ("method", "path", "service", "expected"),
    [
        ("GET", "/restapis/a/resources", "apigateway", None),
        ("HEAD", "/restapis/a", "apigateway", None),
        ("OPTIONS", "/restapis/a", "apigateway", None),
        ("POST", "/restapis", "apigateway", None),
        ("POST", "/v2/apis", "apigateway", None),
        ("PUT", "/restapis/a", "apigateway", "a"),
        ("PATCH", "/restapis/a/", "apigateway", "a"),
        ("DELETE", "/restapis/a/resources/r/methods/GET", "apigateway", "a"),
        ("PUT", "/restapis/%61/gatewayresponses/DEFAULT_4XX", "apigateway", "a"),
        ("PUT", "/restapis//a/resources", "apigateway", "a"),
        ("POST", "/v2/apis/b/routes", "apigateway", "b"),
        ("POST", "/restapis/", "apigateway", "*"),
        ("POST", "/usageplans", "apigateway", "*"),
        ("DELETE", "/apikeys/k", "apigateway", "*"),
        ("PATCH", "/domainnames/d/basepathmappings/x", "apigateway", "*"),
        ("POST", "/moto-api/reset", "", "*"),
        ("POST", "/", "cloudformation", "*"),
        ("POST", "/", "sqs", None),
        ("PUT", "/bucket/restapis/a", "s3", None),
        ("POST", "/", "", None),
    ],
)
def test_what_a_request_may_change(method, path, service, expected):
    assert changes.touched(method, path, SIGNED.format(service) if service else None) == expected


def test_the_scope_of_a_signature():
    assert changes.scope(SIGNED.format("apigateway")) == ("eu-west-1", "apigateway")
    assert changes.scope("Basic x") is None and changes.scope(None) is None


def router(*paths, verbs=("GET",)):
    made = Router()
    for path in paths:
        made.add(path, {verb: (path, verb) for verb in verbs})
    return made


@pytest.mark.parametrize(
    ("paths", "asked", "expected"),
    [
        (["/"], "/", ("/", {})),
        (["/"], "", ("/", {})),
        (["/a", "/{x}", "/{y+}"], "/a", ("/a", {})),
        (["/a", "/{x}", "/{y+}"], "/b", ("/{x}", {"x": "b"})),
        (["/a", "/{x}", "/{y+}"], "/b/c", ("/{y+}", {"y": "b/c"})),
        (["/a/{x}", "/{y}/b"], "/a/b", ("/a/{x}", {"x": "b"})),
        (["/a/{x}/c", "/a/{y+}"], "/a/b/d", ("/a/{y+}", {"y": "b/d"})),
        (["/a/{y+}", "/{z+}"], "/a", ("/{z+}", {"z": "a"})),
        (["/{x}"], "/a%2Fb", ("/{x}", {"x": "a/b"})),
        (["/a b"], "/a%20b", ("/a b", {})),
        (["/{x}/c"], "//c", None),
        (["/a"], "/A", None),
        (["/a"], "/a/b", None),
        (["/{y+}"], "/", None),
    ],
)
def test_the_resource_of_a_path(paths, asked, expected):
    found = router(*paths).find(asked, "GET")
    assert (found and (found[0][0], found[1])) == expected


def test_a_less_exact_path_has_the_verb():
    made = router("/a", verbs=("GET",))
    made.add("/{x+}", {"ANY": ("/{x+}", "ANY")})
    assert made.find("/a", "GET")[0] == ("/a", "GET")
    assert made.find("/a", "PUT")[0] == ("/{x+}", "ANY")
    assert not router("/a").has("/b") and router("/a").has("/a")


@pytest.mark.parametrize(
    ("media_type", "types", "expected"),
    [
        ("image/png", ["image/png"], True),
        ("Image/PNG; q=1", ["image/png"], True),
        ("image/gif, image/png", ["image/png"], False),
        ("image/gif", ["image/*"], True),
        ("text/plain", ["*/*"], True),
        ("text/plain", ["image/*"], False),
        (None, ["*/*"], True),
        ("image/png", [], False),
    ],
)
def test_binary_media_types(media_type, types, expected):
    assert binary.is_binary(media_type, types) == expected


# The table of the Developer Guide, "Content type conversions in API Gateway".
@pytest.mark.parametrize(
    ("payload", "handling", "accept", "expected"),
    [
        (b"aGk=", None, False, b"aGk="),
        (b"aGk=", None, True, b"hi"),
        (b"aGk=", binary.TO_TEXT, True, b"aGk="),
        (b"aGk=", binary.TO_BINARY, False, b"hi"),
    ],
)
def test_text_of_an_endpoint(payload, handling, accept, expected):
    assert binary.of_response(payload, handling, False, accept) == expected


@pytest.mark.parametrize(
    ("handling", "accept", "expected"),
    [(None, False, b"aGk="), (None, True, b"hi"), (binary.TO_TEXT, True, b"aGk="), (binary.TO_BINARY, False, b"hi")],
)
def test_bytes_of_an_endpoint(handling, accept, expected):
    assert binary.of_response(b"hi", handling, True, accept) == expected


def test_what_is_no_base64_is_a_configuration_error():
    with pytest.raises(GatewayError):
        binary.of_request(b"*", binary.TO_BINARY, False)


@pytest.mark.parametrize(
    ("origin", "allowed", "expected"),
    [
        ("https://a.example", ["*"], "*"),
        ("https://a.example", ["https://a.example"], "https://a.example"),
        ("https://a.example.evil", ["https://a.example"], None),
        ("http://a.example", ["https://*"], None),
        ("https://b.example", ["https://*"], "https://b.example"),
        ("null", [], None),
        (None, ["*"], None),
    ],
)
def test_the_origins_of_an_http_api(origin, allowed, expected):
    assert _allowed_origin(origin, allowed) == expected


def test_queries():
    assert parse_query("a=1&a=2&b=%20+x&c&=d") == [("a", "1"), ("a", "2"), ("b", "  x"), ("c", ""), ("", "d")]
    assert with_query("http://h/p?x=1", [("a b", "&")]) == "http://h/p?x=1&a%20b=%26"
    assert with_query("http://h/p", []) == "http://h/p"
