"""Traces: a span for each exchange, hook, backend and outbound call; W3C context taken on and handed on; a collector that is
away or hangs costs requests nothing."""

import json
import re
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from harness.collector import Collector
from harness.exposition import admin_url, counted
from harness.origin import answer
from harness.waiting import until
from jwt.algorithms import ECAlgorithm

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.fixture
def collector():
    started = Collector()
    yield started
    started.stop()


def traceparent(request):
    """The ids and flags in the field of a request."""
    match = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", request.get("traceparent"))
    assert match, request.get("traceparent")
    return match.groups()


def to(collector, *more):
    return ["--otlp", collector.url, *more]


def test_an_exchange_is_a_tree_of_spans(tollgate, connect, origin, collector):
    requests = []
    backend = origin(answer(OK, requests))
    proxy = tollgate(backend.url, {"mark": {}}, arguments=to(collector))
    client = connect(proxy)
    assert client.request("GET", "/x?token=secret", "user-agent: e2e").status == 200
    spans = collector.trace(4)
    server = spans["GET /"]
    assert (server.kind, server.parent, server.failed) == ("server", "", False)
    assert server.resource["service.name"] == "tollgate"
    expected = {
        "http.request.method": "GET",
        "url.path": "/x",
        "url.query": "token=REDACTED",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "http.response.body.size": 2,
        "network.protocol.version": "1.1",
        "server.address": "origin.test",
        "user_agent.original": "e2e",
        "http.route": "/",
    }
    assert {key: server.attributes.get(key) for key in expected} == expected
    assert "error.type" not in server.attributes
    upstream = spans["GET default"]
    assert upstream.kind == "client"
    for name in ("mark forward-request", "mark return-response", "GET default"):
        span = spans[name]
        assert (span.trace_id, span.parent) == (server.trace_id, server.span_id), name
        assert server.start <= span.start <= span.end <= server.end, name
    assert spans["mark forward-request"].attributes["tollgate.plugin.name"] == "mark"
    # The backend is told the span that asked it.
    assert traceparent(requests[0]) == (server.trace_id, upstream.span_id, "01")
    path, fields = collector.requests[0]
    assert path == "/v1/traces"
    assert fields["content-type"] == "application/x-protobuf"


def test_a_trace_goes_on(tollgate, connect, origin, collector):
    requests = []
    proxy = tollgate(origin(answer(OK, requests)).url, {"mark": {}}, arguments=to(collector))
    client = connect(proxy)
    state = "tracestate: a=1,b=2"
    assert client.request("GET", "/", f"traceparent: 00-{TRACE}-{PARENT}-01", state).status == 200
    server = collector.trace(4)["GET /"]
    assert (server.trace_id, server.parent) == (TRACE, PARENT)
    trace, span, flags = traceparent(requests[0])
    assert (trace, flags) == (TRACE, "01") and span != PARENT
    assert requests[0].get("tracestate") == "a=1,b=2"


def test_who_began_the_trace_decides_whether_it_is_sampled(tollgate, connect, origin, collector):
    requests = []
    proxy = tollgate(origin(answer(OK, requests)).url, {}, arguments=to(collector))
    client = connect(proxy)
    assert client.request("GET", "/", f"traceparent: 00-{TRACE}-{PARENT}-00").status == 200
    assert traceparent(requests[0])[::2] == (TRACE, "00")
    # The next one is the first that is exported.
    assert client.request("GET", "/next").status == 200
    spans = collector.trace(2)
    assert spans["GET /"].attributes["url.path"] == "/next"


@pytest.mark.parametrize(
    "fields",
    [
        [f"traceparent: 00-{TRACE.upper()}-{PARENT}-01"],
        [f"traceparent: 00-{'0' * 32}-{PARENT}-01"],
        [f"traceparent: ff-{TRACE}-{PARENT}-01"],
        [f"traceparent: 00-{TRACE}-{PARENT}-01"] * 2,
        ["traceparent: x"],
    ],
    ids=["upper case", "zero", "version", "twice", "nonsense"],
)
def test_a_context_that_is_not_valid_begins_a_new_trace(tollgate, connect, origin, collector, fields):
    requests = []
    proxy = tollgate(origin(answer(OK, requests)).url, {}, arguments=to(collector))
    assert connect(proxy).request("GET", "/", "tracestate: a=1", *fields).status == 200
    assert traceparent(requests[0])[0] != TRACE
    assert requests[0].get("tracestate") is None
    assert collector.trace(2)["GET /"].parent == ""


def test_an_outbound_call_is_a_span_and_carries_the_trace(tollgate, connect, origin, collector):
    """The plugin jwt-auth asks an issuer for its keys while it works on a request whose key it does not know."""
    asked = []
    key = ec.generate_private_key(ec.SECP256R1())
    known = {**json.loads(ECAlgorithm.to_jwk(key.public_key())), "kid": "known", "use": "sig"}
    keys = json.dumps({"keys": [known]}).encode()
    issuer = origin(answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(keys), keys), asked))
    url = f"{issuer.url}/jwks.json"
    issuers = [{"issuer": "https://id.example/", "audience": "api", "jwks": url}]
    config = f'[plugin.jwt-auth.allow]\nstate = true\nhttp = ["{url}"]\n\n[state]\nstore = "memory"\n'
    plugins = {"jwt-auth": {"issuers": issuers, "retry_seconds": 1}}
    proxy = tollgate(origin(answer(OK)).url, plugins, config=config, arguments=to(collector))
    claims = {"iss": "https://id.example/", "aud": "api", "exp": time.time() + 600}
    token = jwt.encode(claims, key, "ES256", headers={"kid": "unknown"})
    client = connect(proxy)

    def traced():
        assert client.request("GET", "/", f"authorization: Bearer {token}").status in (401, 503)
        # Those of its background work belong to no trace.
        return [request for request in asked if request.get("traceparent")]

    trace, span, flags = traceparent(until(traced, "the issuer is asked within an exchange")[0])
    assert flags == "01"
    spans = collector.trace(4, trace)
    call, hook = spans["GET"], spans["jwt-auth forward-request"]
    assert (call.span_id, call.kind, call.parent) == (span, "client", hook.span_id)
    assert hook.parent == spans["GET /"].span_id
    assert call.attributes["server.port"] == issuer.address[1]
    assert call.attributes["http.response.status_code"] == 200
    assert hook.start <= call.start <= call.end <= hook.end


def test_failures_say_what_they_are(tollgate, connect, origin, collector):
    proxy = tollgate(origin(answer(OK)).url, {"fail-forward": {}}, arguments=to(collector))
    assert connect(proxy).request("GET", "/").status == 502
    spans = collector.trace(2)
    server, hook = spans["GET /"], spans["fail-forward forward-request"]
    assert server.failed and server.attributes["error.type"] == "proxy_internal_error"
    assert hook.failed and "a secret reason" in hook.message


def test_without_a_collector_nothing_is_added(tollgate, connect, origin):
    requests = []
    proxy = tollgate(origin(answer(OK, requests)).url, {"mark": {}})
    sent = f"00-{TRACE}-{PARENT}-01"
    assert connect(proxy).request("GET", "/", f"traceparent: {sent}").status == 200
    assert connect(proxy).request("GET", "/").status == 200
    assert [request.get("traceparent") for request in requests] == [sent, None]


def test_the_standard_variables_are_read(tollgate, connect, origin, collector):
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=secret",
        "OTEL_SERVICE_NAME": "edge",
    }
    proxy = tollgate(origin(answer(OK)).url, {}, env=env)
    assert connect(proxy).request("GET", "/").status == 200
    assert collector.trace(2)["GET /"].resource["service.name"] == "edge"
    assert collector.requests[0][1]["x-key"] == "secret"


def test_the_table_sets_what_is_sampled(tollgate, connect, origin, collector):
    config = f'[tracing]\nendpoint = "{collector.url}/v1/traces"\nsample = 0\nheaders = {{ x-tenant = "a" }}\n'
    requests = []
    proxy = tollgate(origin(answer(OK, requests)).url, {}, config=config)
    client = connect(proxy)
    assert client.request("GET", "/").status == 200
    assert traceparent(requests[0])[2] == "00"
    assert client.request("GET", "/", f"traceparent: 00-{TRACE}-{PARENT}-01").status == 200
    collector.trace(2, TRACE)
    assert len(collector.spans) == 2
    assert collector.requests[0][1]["x-tenant"] == "a"


def test_the_last_spans_are_sent_at_the_end(tollgate, connect, origin, collector):
    proxy = tollgate(origin(answer(OK)).url, {}, arguments=to(collector))
    client = connect(proxy)
    for _ in range(10):
        assert client.request("GET", "/").status == 200
    client.socket.close()
    assert proxy.stop() == 0
    assert len(collector.spans) == 20


@pytest.mark.parametrize("trouble", ["away", "hangs", "refuses"])
def test_a_collector_in_trouble_costs_requests_nothing(tollgate, connect, origin, collector, trouble):
    if trouble == "hangs":
        collector.holds.set()
    elif trouble == "refuses":
        collector.status = 400
    else:
        collector.stop()
    proxy = tollgate(origin(answer(OK)).url, {"mark": {}}, arguments=to(collector, "--admin", "127.0.0.1:0"))
    client = connect(proxy)
    began = time.monotonic()
    for _ in range(200):
        assert client.request("GET", "/").status == 200
    took = time.monotonic() - began
    # Each request would wait for a second at least if it waited for the collector.
    assert took < 60
    if trouble != "hangs":
        proxy.process.wait_for(r"tracing: .* does not take spans", label="err")
        url = admin_url(proxy)
        counted(url, "tollgate_spans_dropped_total", 800)
        assert proxy.log().count("does not take spans") == 1, "it is told once"
