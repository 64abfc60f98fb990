"""REST APIs before another server: integrations HTTP and HTTP_PROXY, parameters both ways, binary bodies, failures."""

import base64
import gzip
import json

import pytest
from harness.apigateway import mock, response
from harness.peers import free_port


def telling(status=200, fields=(), body=None):
    """A server that answers with what it got, as JSON, unless told a body."""

    def serve(peer):
        while True:
            request = peer.request()
            verb, target, _ = request.start.split(" ", 2)
            got = {"verb": verb, "target": target, "fields": dict(request.fields), "body": request.body.decode("latin-1")}
            data = json.dumps(got).encode() if body is None else body
            head = [f"HTTP/1.1 {status} Told", f"content-length: {len(data)}"]
            head += [f"{name}: {value}" for name, value in fields] or ["content-type: application/json"]
            peer.send(("\r\n".join(head) + "\r\n\r\n").encode() + data)

    return serve


def test_http_proxy_hands_on_the_request_and_the_answer(api, origin):
    server = origin(telling(201, [("x-kind", "a"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("date", "then"), ("server", "own")]))
    api.method("/pets/{id}", "ANY", type="HTTP_PROXY", uri=f"{server.url}/animals/{{id}}", integrationHttpMethod="ANY").deploy()
    answer = api.call("PUT", "/pets/a%20b?x=1&x=2", {"x-my": "v", "content-type": "text/plain", "connection": "close"}, "hello")
    assert answer.status == 201
    got = answer.json()
    assert (got["verb"], got["target"], got["body"]) == ("PUT", "/animals/a%20b?x=1&x=2", "hello")
    assert got["fields"]["x-my"] == "v" and got["fields"]["host"] == server.url.removeprefix("http://")
    assert got["fields"]["x-amzn-apigateway-api-id"] == api.id and got["fields"]["x-forwarded-for"] == "127.0.0.1"
    assert [value for name, value in answer.values if name == "set-cookie"] == ["a=1", "b=2"]
    assert (answer.headers["x-kind"], answer.headers["x-amzn-remapped-server"]) == ("a", "own")


def test_http_proxy_on_a_greedy_path(api, origin):
    server = origin(telling())
    api.method(
        "/{proxy+}",
        "ANY",
        type="HTTP_PROXY",
        uri=f"{server.url}/base/{{proxy}}",
        integrationHttpMethod="ANY",
        requestParameters={"integration.request.path.proxy": "method.request.path.proxy"},
        needs={"requestParameters": {"method.request.path.proxy": True}},
    ).deploy()
    # As a slash it would lead to another path than the one that was routed and allowed.
    assert api.call("GET", "/a/b%2Fc/d").json()["target"] == "/base/a/b%2Fc/d"
    assert api.call("DELETE", "/a").json()["verb"] == "DELETE"


@pytest.mark.parametrize("path", ["/%2e%2e/secret", "/a/../../secret", "/a/%2E%2e%5csecret", "/."])
def test_a_path_does_not_lead_out_of_the_integrations(api, origin, path):
    server = origin(telling())
    for kind in ("HTTP", "HTTP_PROXY"):
        parameters = {"integration.request.path.proxy": "method.request.path.proxy"}
        api.method(f"/{kind}/{{proxy+}}", type=kind, uri=f"{server.url}/base/{{proxy}}", requestParameters=parameters)
        answer = api.call("GET", f"/{kind}{path}")
        assert answer.status in (400, 403), answer
    assert api.call("GET", "/HTTP_PROXY/..a/b..").json()["target"] == "/base/..a/b.."


def test_http_maps_parameters_and_bodies_both_ways(api, origin):
    server = origin(telling(200, [("content-type", "application/json"), ("x-upstream", "up")]))
    api.method(
        "/pets/{id}",
        "POST",
        type="HTTP",
        uri=f"{server.url}/${{stageVariables.area}}/{{name}}",
        templates='{"wrapped": $input.json("$.name"), "id": "$input.params("id")"}',
        requestParameters={
            "integration.request.path.name": "method.request.path.id",
            "integration.request.querystring.q": "method.request.querystring.search",
            "integration.request.querystring.all": "method.request.multivaluequerystring.all",
            "integration.request.header.X-From": "method.request.header.x-from",
            "integration.request.header.X-Fixed": "'fixed'",
            "integration.request.header.X-Stage": "context.stage",
            "integration.request.header.X-Colour": "stageVariables.colour",
            "integration.request.header.X-Deep": "method.request.body.deep.value",
            "integration.request.header.X-Absent": "method.request.header.absent",
        },
        responses=[
            response(
                "200",
                '#set($got = $input.path("$"))'
                '{"body": "$util.escapeJavaScript($got.body)", "target": "$got.target", '
                '"verb": "$got.verb", "fields": $input.json("$.fields")}',
                parameters={"X-Up": "integration.response.header.X-Upstream", "X-Verb": "integration.response.body.verb", "X-Lit": "'lit'"},
            )
        ],
    ).deploy(variables={"area": "zoo", "colour": "red"})
    answer = api.call("POST", "/pets/7?search=a%26b&all=1&all=2&other=3", {"x-from": "me", "x-other": "no"}, '{"name": "n", "deep": {"value": 5}}')
    got = answer.json()
    assert (got["verb"], got["target"]) == ("POST", "/zoo/7?q=a%26b&all=1&all=2")
    assert json.loads(got["body"]) == {"wrapped": "n", "id": "7"}
    fields = got["fields"]
    expected = {"x-from": "me", "x-fixed": "'fixed'".strip("'"), "x-stage": "dev", "x-colour": "red", "x-deep": "5"}
    assert {name: fields.get(name) for name in expected} == expected
    assert "x-absent" not in fields and "x-other" not in fields
    assert fields["user-agent"] == f"AmazonAPIGateway_{api.id}"
    assert (answer.headers["x-up"], answer.headers["x-verb"], answer.headers["x-lit"]) == ("up", "POST", "lit")
    assert "x-upstream" not in answer.headers


def test_request_overrides_of_a_template(api, origin):
    server = origin(telling())
    template = """#set($context.requestOverride.header.X-Set = "s")#set($context.requestOverride.querystring.q = "two")
#set($context.requestOverride.path.place = "over")$input.body"""
    parameters = {"integration.request.path.place": "'mapped'", "integration.request.querystring.q": "'one'"}
    api.method(
        "/pets", "POST", type="HTTP", uri=f"{server.url}/{{place}}", templates=template, requestParameters=parameters, responses=[response("200")]
    ).deploy()
    got = api.call("POST", "/pets", None, "{}").json()
    assert (got["target"], got["fields"]["x-set"]) == ("/over?q=two", "s")


@pytest.mark.parametrize(("upstream", "status", "text"), [(200, 200, "fine"), (404, 404, "client"), (503, 502, "server"), (302, 200, "fine")])
def test_the_status_chooses_the_response(api, origin, upstream, status, text):
    server = origin(telling(upstream))
    api.method(
        "/pets",
        type="HTTP",
        uri=server.url,
        responses=[response(200, "fine"), response(404, "client", pattern="4\\d{2}"), response(502, "server", pattern="5\\d{2}")],
    ).deploy()
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.text) == (status, text)


def test_no_response_for_a_status_is_500(api, origin):
    server = origin(telling(418))
    api.method("/pets", type="HTTP", uri=server.url, responses=[response(200, "fine", pattern="200")]).deploy()
    assert (api.call("GET", "/pets").status, api.call("GET", "/pets").json()) == (500, {"message": "Internal server error"})


def test_without_any_response_the_answer_passes_unless_strict(api, origin, gateway_with):
    server = origin(telling(404))
    api.method("/pets", type="HTTP", uri=server.url).deploy()
    assert (api.call("GET", "/pets").status, api.call("GET", "/pets").json()["verb"]) == (404, "GET")
    api.gateway = gateway_with({"strict": True}, allow=[server.url])
    assert api.call("GET", "/pets").status == 500


def test_an_endpoint_that_is_not_there(api):
    for kind in ("HTTP", "HTTP_PROXY"):
        api.method(f"/{kind}", type=kind, uri=f"http://127.0.0.1:{free_port()}/")
    api.deploy()
    for kind in ("HTTP", "HTTP_PROXY"):
        answer = api.call("GET", f"/{kind}")
        assert (answer.status, answer.json()) == (504, {"message": "Network error communicating with endpoint"})


def test_an_endpoint_that_is_late(api, origin):
    def silent(peer):
        peer.request()
        peer.reader.closed()

    server = origin(silent)
    api.method("/pets", type="HTTP_PROXY", uri=server.url, timeoutInMillis=100).deploy()
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_an_endpoint_that_is_not_allowed_is_told_in_the_log(api, gateway_with, origin):
    server = origin(telling())
    api.method("/pets", type="HTTP_PROXY", uri=server.url).deploy()
    api.gateway = gateway_with()
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.json()) == (500, {"message": "Internal server error"})
    api.gateway.proxy.process.wait_for(r"denied.*http = ", seconds=10)


PNG = bytes(range(256))


@pytest.fixture
def pictures(gateway, unique):
    return gateway.api(unique("api"), binaryMediaTypes=["image/png"])


def test_binary_media_types_are_kept_though_moto_forgets_them(pictures):
    assert pictures.client.get_rest_api(restApiId=pictures.id)["binaryMediaTypes"] == ["image/png"]
    patch = [{"op": "add", "path": "/binaryMediaTypes/image~1gif"}]
    assert pictures.client.update_rest_api(restApiId=pictures.id, patchOperations=patch)["binaryMediaTypes"] == ["image/png", "image/gif"]
    pictures.client.update_rest_api(restApiId=pictures.id, patchOperations=[{"op": "remove", "path": "/binaryMediaTypes/image~1png"}])
    assert pictures.client.get_rest_api(restApiId=pictures.id)["binaryMediaTypes"] == ["image/gif"]


@pytest.mark.parametrize(
    ("handling", "accept", "expected"),
    [
        (None, "image/png", PNG),
        (None, "application/json", base64.b64encode(PNG)),
        ("CONVERT_TO_TEXT", "image/png", base64.b64encode(PNG)),
        ("CONVERT_TO_BINARY", "application/json", PNG),
    ],
)
def test_binary_answers(pictures, origin, handling, accept, expected):
    server = origin(telling(200, [("content-type", "image/png")], PNG))
    more = {"contentHandling": handling} if handling else {}
    pictures.method("/p", type="HTTP", uri=server.url, responses=[response(200, **more)]).deploy()
    assert pictures.call("GET", "/p", {"accept": accept}).body == expected


@pytest.mark.parametrize(
    ("handling", "media_type", "sent", "expected"),
    [
        (None, "image/png", PNG, PNG),
        ("CONVERT_TO_TEXT", "image/png", PNG, base64.b64encode(PNG)),
        ("CONVERT_TO_BINARY", "text/plain", base64.b64encode(PNG), PNG),
        (None, "text/plain", b"abc", b"abc"),
    ],
)
def test_binary_requests(pictures, origin, handling, media_type, sent, expected):
    server = origin(telling())
    more = {"contentHandling": handling} if handling else {}
    pictures.method("/p", "POST", type="HTTP", uri=server.url, responses=[response(200)], **more).deploy()
    assert pictures.call("POST", "/p", {"content-type": media_type}, sent).json()["body"].encode("latin-1") == expected


def test_base64_that_is_none_is_500(pictures, origin):
    server = origin(telling(200, [("content-type", "text/plain")], b"\xff*no base64*"))
    pictures.method("/p", type="HTTP", uri=server.url, responses=[response(200, contentHandling="CONVERT_TO_BINARY")]).deploy()
    assert pictures.call("GET", "/p").status == 500


def test_http_proxy_passes_an_encoded_body_with_its_fields(api, origin):
    packed = gzip.compress(b"hello" * 100)
    fields = [("content-type", "text/plain"), ("content-encoding", "gzip"), ("etag", '"v1"'), ("cache-control", "no-cache"), ("last-modified", "then")]
    server = origin(telling(200, fields, packed))
    api.method("/p", type="HTTP_PROXY", uri=server.url).deploy()
    answer = api.call("GET", "/p", {"accept-encoding": "gzip"})
    assert answer.body == packed
    assert {name: answer.headers.get(name) for name, _ in fields} == dict(fields)


@pytest.mark.parametrize(("status", "body"), [(204, b""), (304, b""), (200, b"")])
def test_http_proxy_passes_answers_without_a_body(api, origin, status, body):
    server = origin(telling(status, [("x-kind", "empty")], body))
    api.method("/p", type="HTTP_PROXY", uri=server.url).deploy()
    answer = api.call("GET", "/p")
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (status, body, "empty")


def test_http_proxy_passes_bytes_as_they_are(api, origin):
    server = origin(telling(200, [("content-type", "image/png")], PNG))
    api.method("/p", type="HTTP_PROXY", uri=server.url).deploy()
    assert api.call("GET", "/p").body == PNG
    head = api.call("HEAD", "/p")
    assert head.status == 403  # there is no method HEAD


def test_test_invoke_says_what_the_method_answers(api):
    api.method("/pets/{id}", **mock('{"id": "$input.params("id")", "v": "$stageVariables.v", "q": "$input.params("q")"}', parameters={"X-A": "'a'"}))
    told = api.client.test_invoke_method(
        **api.at("/pets/{id}", "GET"), pathWithQueryString="/pets/5?q=1", headers={"X-B": "b"}, stageVariables={"v": "w"}
    )
    assert (told["status"], json.loads(told["body"])) == (200, {"id": "5", "v": "w", "q": "1"})
    assert told["headers"]["X-A"] == "a" and told["multiValueHeaders"]["X-A"] == ["a"]
    assert "Successfully completed execution" in told["log"] and "Method completed with status: 200" in told["log"]
    assert isinstance(told["latency"], int)


def test_test_invoke_of_what_is_not_there(api):
    api.method("/pets", **mock())
    errors = api.client.exceptions
    with pytest.raises(errors.NotFoundException):
        api.client.test_invoke_method(restApiId=api.id, resourceId="nothing", httpMethod="GET")
    with pytest.raises(errors.NotFoundException):
        api.client.test_invoke_method(**api.at("/pets", "PUT"))
    with pytest.raises(errors.ClientError):
        api.client.test_invoke_method(restApiId="nothing", resourceId="nothing", httpMethod="GET")


