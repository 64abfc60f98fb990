"""What the tests put in place of the world: `World` is a `Reach` with a clock and a state of its own, `call` makes calls."""

import json

from apigateway import context
from apigateway.config import Config
from apigateway.message import Call, EndpointResponse
from apigateway.model import Api, Resource
from apigateway.reach import SendFailed

NOW = 1_790_000_000_000
ACCOUNT = "123456789012"


def function(name):
    """The URI of a Lambda function, as integrations and authorizers have it."""
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


class World:
    """`answers` is asked for each request that is sent: a function of the request, or a list of answers in their order."""

    def __init__(self, **config):
        self.config = Config(**{"backend": "http://mock", "lambda_endpoint": "http://lambda", **config})
        self.sent = []
        self.state = {}
        self.warned = []
        self.time = NOW
        self.answers = []

    def send(self, method, url, fields, body, timeout):
        self.sent.append((method, url, dict(fields), body, timeout))
        answer = self.answers.pop(0) if isinstance(self.answers, list) else self.answers(method, url, dict(fields), body)
        if isinstance(answer, SendFailed):
            raise answer
        return answer

    def payloads(self):
        return [json.loads(body) for _, _, _, body, _ in self.sent]

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += int(seconds * 1000)

    def state_get(self, key):
        value, until = self.state.get(key, (None, 0))
        return value if until > self.time else None

    def state_set(self, key, value, ttl):
        self.state[key] = (value, self.time + ttl * 1000)

    def state_swap(self, key, expected, new, ttl):
        if self.state_get(key) != expected:
            return False
        self.state_set(key, new, ttl)
        return True

    def state_increment(self, key, ttl):
        value = self.state_get(key)
        if value is None:
            self.state_set(key, 1, ttl)
            return 1
        self.state[key] = (value + 1, self.state[key][1])
        return value + 1

    def warn(self, text):
        self.warned.append(text)


def answer(value, status=200, **fields):
    """An answer with JSON, or with bytes as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return EndpointResponse(status, [(name.replace("_", "-"), text) for name, text in fields.items()], body)


def api(kind="REST", **parts):
    empty = {
        "about": {},
        "resources": [],
        "routes": [],
        "integrations": {},
        "stages": {"prod": {}, "test": {}},
        "authorizers": {},
        "validators": {},
        "models": {},
        "gateway_responses": {},
        "usage": [],
        "binary_media_types": [],
    }
    return Api(id="abc123", kind=kind, region="us-east-1", account_id=ACCOUNT, **{**empty, **parts})


def call(of=None, method="GET", path="/pets", stage="prod", query=(), body=b"", resource="/pets", method_doc=None, **more):
    made = Call(
        api=of or api(),
        stage=stage,
        method=method,
        path=path,
        query=list(query),
        fields=[(name.replace("_", "-"), value) for name, value in more.pop("headers", {}).items()],
        body=body,
        source_ip="10.1.2.3",
        host="api.example",
        resource=Resource("r1", resource, {}),
        method_doc={"authorizationType": "NONE", **(method_doc or {})},
        **more,
    )
    context.begin(made)
    return made
