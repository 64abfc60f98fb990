"""APIs that are made in moto by single calls of boto3, and called through tollgate with the plugin apigateway."""

import http.client
import json
import urllib.parse

import boto3
from botocore.config import Config

from .servers import Tollgate

JSON = "application/json"


class Answer:
    """What a call got. Names of `headers` are in lower case; `values` has repeated ones."""

    def __init__(self, response):
        self.status = response.status
        self.values = [(name.lower(), value) for name, value in response.getheaders()]
        self.headers = dict(self.values)
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:2000]!r}"


class Gateway:
    """A proxy with the plugin before moto. `allow` are further destinations of its calls, `plugins` stand after it in the chain."""

    def __init__(self, moto, directory, settings=None, allow=(), before=None):
        allowed = ", ".join(f'"{url}"' for url in (moto.url, *allow))
        config = f'[plugin.apigateway.allow]\nstate = true\nhttp = [{allowed}]\n[state]\nstore = "memory"\n'
        plugins = {**(before or {}), "apigateway": {"backend": moto.url, **(settings or {})}}
        self.proxy = Tollgate(moto.url, directory, plugins, config=config)
        # On a busy machine the proxy listens before so large a plugin is compiled.
        self.proxy.process.wait_for(r"plugin apigateway: version \S+ serves")
        self.url = self.proxy.url

    def aws(self, service, region="us-east-1", **more):
        """A client of boto3 that never retries."""
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60, **more)
        return boto3.client(service, endpoint_url=self.url, region_name=region, config=config)

    def api(self, name, region="us-east-1", **more):
        """A new REST API."""
        return Api(self, self.aws("apigateway", region), name, more)

    def send(self, verb, target, headers=None, body=None):
        """One request, as it is said; `headers` may be pairs, for repeated ones."""
        connection = http.client.HTTPConnection(*self.proxy.address, timeout=60)
        pairs = headers.items() if isinstance(headers, dict) else headers or []
        connection.putrequest(verb, target, skip_accept_encoding=True, skip_host=any(name.lower() == "host" for name, _ in pairs))
        data = body.encode() if isinstance(body, str) else body
        for name, value in pairs:
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("content-length", str(len(data)))
        connection.endheaders(data)
        try:
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def stop(self):
        return self.proxy.stop()


class Api:
    """A REST API that grows by `method`."""

    def __init__(self, gateway, client, name, more):
        self.gateway = gateway
        self.client = client
        self.id = client.create_rest_api(name=name, **more)["id"]
        self.resources = {"/": client.get_resources(restApiId=self.id)["items"][0]["id"]}

    def resource(self, path):
        """The id of a path's resource, which is made with those above it."""
        if path not in self.resources:
            above, _, part = path.rpartition("/")
            made = self.client.create_resource(restApiId=self.id, parentId=self.resource(above or "/"), pathPart=part)
            self.resources[path] = made["id"]
        return self.resources[path]

    def method(self, path, verb="GET", *, auth="NONE", needs=None, **integration):
        """A method with its integration. `needs` are further arguments of put_method; the rest is that of `integrate`."""
        at = self.at(path, verb)
        self.client.put_method(**at, authorizationType=auth, **(needs or {}))
        self.integrate(path, verb, **integration)
        return self

    def integrate(self, path, verb, type="MOCK", templates=None, responses=(), **more):
        """`templates` is one for JSON, or a mapping; `more` are arguments of put_integration; `responses` what `response` makes."""
        at = self.at(path, verb)
        if type != "MOCK" and "integrationHttpMethod" not in more:
            more["integrationHttpMethod"] = verb if type.startswith("HTTP") else "POST"
        if templates is not None:
            more["requestTemplates"] = templates if isinstance(templates, dict) else {JSON: templates}
        self.client.put_integration(**at, type=type, **more)
        for one in responses:
            status = one["statusCode"]
            names = dict.fromkeys(one.get("responseParameters", {}), True)
            self.client.put_method_response(**at, statusCode=status, responseParameters=names)
            self.client.put_integration_response(**at, **one)

    def at(self, path, verb):
        return {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": verb}

    def deploy(self, stage="dev", variables=None):
        self.client.create_deployment(restApiId=self.id, stageName=stage, variables=variables or {})
        return self

    def target(self, path, stage="dev"):
        return f"/restapis/{self.id}/{stage}/_user_request_{path}"

    def call(self, verb, path, headers=None, body=None, stage="dev"):
        """A call by LocalStack's form of the URL."""
        return self.gateway.send(verb, self.target(path, stage), headers, body)

    def url(self, path, stage="dev"):
        return urllib.parse.urljoin(self.gateway.url, self.target(path, stage))


def response(status="200", template=None, pattern=None, parameters=None, **more):
    """An integration response: `template` is one for JSON, or a mapping; `parameters` may leave `method.response.header.` out."""
    made = {"statusCode": str(status), **more}
    if template is not None:
        made["responseTemplates"] = template if isinstance(template, dict) else {JSON: template}
    if pattern is not None:
        made["selectionPattern"] = pattern
    if parameters is not None:
        prefix = "method.response.header."
        made["responseParameters"] = {prefix + name.removeprefix(prefix): value for name, value in parameters.items()}
    return made


def mock(template='{"ok": true}', status=200, **more):
    """Arguments of `method` for a MOCK integration that answers with a template."""
    return {"templates": f'{{"statusCode": {status}}}', "responses": [response(status, template, **more)]}
