"""HTTP APIs (version 2) that moto keeps, called through the plugin apigateway."""

import pytest
from test_apigateway_http import telling


class HttpApi:
    def __init__(self, gateway, name, stage="$default", **more):
        self.gateway = gateway
        self.client = gateway.aws("apigatewayv2")
        self.id = self.client.create_api(Name=name, ProtocolType="HTTP", **more)["ApiId"]
        self.stage = stage

    def route(self, key, uri, kind="HTTP_PROXY", **more):
        made = {"PayloadFormatVersion": "1.0", "IntegrationMethod": "ANY", **more}
        target = self.client.create_integration(ApiId=self.id, IntegrationType=kind, IntegrationUri=uri, **made)["IntegrationId"]
        self.client.create_route(ApiId=self.id, RouteKey=key, Target=f"integrations/{target}")
        return self

    def deploy(self, **more):
        self.client.create_stage(ApiId=self.id, StageName=self.stage, AutoDeploy=True, **more)
        return self

    def call(self, verb, path, headers=None, body=None):
        return self.gateway.send(verb, path, {"host": f"{self.id}.execute-api.us-east-1.amazonaws.com", **(headers or {})}, body)


@pytest.fixture
def make(gateway, unique):
    return lambda **more: HttpApi(gateway, unique("http"), **more)


def test_routes_by_verb_and_path(make, origin):
    url = origin(telling()).url
    api = make().route("GET /pets/{id}", f"{url}/get").route("ANY /pets/{id}", f"{url}/any").route("GET /{proxy+}", f"{url}/greedy/{{proxy}}")
    api.route("$default", f"{url}/default").deploy()
    targets = {
        ("GET", "/pets/1"): "/get",
        ("PUT", "/pets/1"): "/any",
        ("GET", "/pets/1/x"): "/greedy/pets/1/x",
        ("POST", "/other"): "/default",
        ("GET", "/a?x=1"): "/greedy/a?x=1",
    }
    for (verb, path), expected in targets.items():
        got = api.call(verb, path).json()
        assert (got["verb"], got["target"]) == (verb, expected), path


def test_no_route_is_404(make, origin):
    api = make().route("GET /pets", origin(telling()).url).deploy()
    answer = api.call("GET", "/nothing")
    assert (answer.status, answer.json()) == (404, {"message": "Not Found"})
    assert api.call("POST", "/pets").status == 404


def test_a_named_stage_is_the_first_segment(make, origin):
    url = origin(telling()).url
    api = make(stage="beta").route("GET /pets", f"{url}/x").deploy(StageVariables={"area": "zoo"})
    assert api.call("GET", "/beta/pets").json()["target"] == "/x"
    assert api.call("GET", "/pets").status == 404
    assert api.gateway.send("GET", f"/restapis/{api.id}/beta/_user_request_/pets").status == 200


def test_parameters_are_mapped_both_ways(make, origin):
    url = origin(telling(200, [("content-type", "application/json"), ("x-up", "1")])).url
    api = make().route(
        "ANY /pets/{id}",
        f"{url}/base/{{proxy}}",
        RequestParameters={
            "append:header.x-id": "$request.path.id",
            "overwrite:header.x-agent": "agent of ${request.header.x-agent}",
            "remove:header.x-gone": "''",
            "append:querystring.stage": "$context.stage",
            "overwrite:path": "/sub/$request.path.id",
        },
        ResponseParameters={"200": {"append:header.x-more": "m-$response.header.x-up", "overwrite:statuscode": "203", "remove:header.x-up": "''"}},
    )
    api.deploy()
    answer = api.call("GET", "/pets/5?a=1", {"x-agent": "me", "x-gone": "g"})
    got = answer.json()
    assert got["target"] == "/base/sub/5?a=1&stage=%24default"
    assert (got["fields"]["x-id"], got["fields"]["x-agent"], "x-gone" in got["fields"]) == ("5", "agent of me", False)
    assert (answer.status, answer.headers["x-more"], "x-up" in answer.headers) == (203, "m-1", False)


def test_cors_is_the_apis_own(make, origin):
    rules = {"AllowOrigins": ["https://app.example"], "AllowMethods": ["GET"], "AllowHeaders": ["x-a"], "MaxAge": 5, "ExposeHeaders": ["x-up"]}
    url = origin(telling(200, [("content-type", "text/plain"), ("access-control-allow-origin", "https://other.example")])).url
    api = make(CorsConfiguration=rules).route("ANY /pets", url).deploy()
    preflight = api.call("OPTIONS", "/pets", {"origin": "https://app.example", "access-control-request-method": "GET"})
    allowed = {name: value for name, value in preflight.headers.items() if name.startswith("access-control-")}
    assert (preflight.status, allowed) == (
        204,
        {
            "access-control-allow-origin": "https://app.example",
            "access-control-allow-methods": "GET",
            "access-control-allow-headers": "x-a",
            "access-control-max-age": "5",
        },
    )
    answer = api.call("GET", "/pets", {"origin": "https://app.example"})
    assert (answer.headers["access-control-allow-origin"], answer.headers["access-control-expose-headers"]) == ("https://app.example", "x-up")
    foreign = api.call("GET", "/pets", {"origin": "https://evil.example"})
    assert foreign.status == 200 and "access-control-allow-origin" not in foreign.headers
    api.client.update_api(ApiId=api.id, CorsConfiguration={"AllowOrigins": ["*"]})
    assert api.call("GET", "/nothing", {"origin": "https://evil.example"}).headers["access-control-allow-origin"] == "*"


def test_a_change_of_a_route_is_seen_at_once(make, origin):
    url = origin(telling()).url
    api = make().route("GET /pets", f"{url}/a").deploy()
    assert api.call("GET", "/pets").status == 200
    route = api.client.get_routes(ApiId=api.id)["Items"][0]
    api.client.delete_route(ApiId=api.id, RouteId=route["RouteId"])
    assert api.call("GET", "/pets").status == 404


def test_a_websocket_api_is_not_called_by_http(gateway, unique):
    made = gateway.aws("apigatewayv2").create_api(Name=unique("ws"), ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    assert gateway.send("GET", f"/restapis/{made['ApiId']}/dev/_user_request_/").status == 500
