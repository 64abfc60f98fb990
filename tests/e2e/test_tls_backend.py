"""TLS toward backends: what is verified, shown and agreed on. The peers are nginx, Python's ssl and moto."""

import hashlib
import random
import sys
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from harness.backends import Nginx, missing, secured
from harness.certificates import Authority, authority  # noqa: F401
from harness.config import configured  # noqa: F401
from harness.origin import answer
from harness.process import Process
from harness.waiting import until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REPORT = "location = /report { return 200 '$server_protocol,$ssl_server_name,$ssl_client_verify,$connection'; }"

needs_nginx = pytest.mark.skipif(bool(missing("nginx")), reason="needs nginx")


@pytest.fixture
def nginx(tmp_path):
    """Starts nginx with TLS: nginx(pair, "http2", directives)."""
    started = []

    def start(pair, listen="", server=""):
        own = f"ssl_certificate {pair.chain}; ssl_certificate_key {pair.key}; {REPORT} {server}"
        started.append(Nginx(tmp_path / f"nginx-{len(started)}", f"ssl {listen}", own))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def toward(configured):  # noqa: F811
    """Starts a tollgate before one backend over TLS: toward(url, tls={…}, protocol=…)."""

    def start(url, tls=None, **settings):
        backend = {"address": url, **settings, **({"tls": tls} if tls else {})}
        return configured({"backends": {"secure": backend}, "routes": [{"backend": "secure"}]})

    return start


def report(client):
    """What nginx says of the connection that the request came on: protocol, SNI, client certificate, serial number."""
    response = client.request("GET", "/report")
    assert response.status == 200, response
    return response.body.decode().split(",")


def refused(response, error):
    """Asserts a 502 of tollgate's own with this error (RFC 9209, section 2.3)."""
    assert response.status == 502, response
    assert f"error={error}" in response.get("proxy-status"), response.get("proxy-status")


@needs_nginx
def test_a_backend_of_a_trusted_authority_is_served(toward, connect, nginx, authority):  # noqa: F811
    backend = nginx(authority.issue("127.0.0.1"))
    proxy = toward(backend.url, {"ca": authority.ca})
    assert report(connect(proxy))[0] == "HTTP/1.1"


def mistaken(authority, mistake):  # noqa: F811
    if mistake == "unknown issuer":
        return Authority(Path(authority.ca).parent / "stranger", "stranger").issue("127.0.0.1", "localhost")
    if mistake == "wrong name":
        return authority.issue("other.test", "127.0.0.2")
    if mistake == "expired":
        return authority.issue("127.0.0.1", "localhost", days=-2)
    # A client's certificate, which doesn't say that it may be a server's.
    return authority.issue("127.0.0.1", "localhost", client=True)


MISTAKES = ["unknown issuer", "wrong name", "expired", "wrong purpose"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_certificate_that_fails_gets_nothing(toward, connect, origin, authority, mistake):  # noqa: F811
    requests, failures = [], []
    backend = origin(secured(answer(OK, requests), mistaken(authority, mistake).server_context(), failures))
    proxy = toward(backend.url.replace("http:", "https:"), {"ca": authority.ca})
    client = connect(proxy)
    refused(client.request("GET", "/"), "tls_certificate_error")
    refused(client.request("POST", "/", body=b"secret"), "tls_certificate_error")
    assert requests == []
    until(lambda: failures, "the backend sees handshakes fail")


def test_the_systems_authorities_are_the_default(toward, connect, origin, authority):  # noqa: F811
    requests = []
    backend = origin(secured(answer(OK, requests), authority.issue("127.0.0.1").server_context()))
    proxy = toward(backend.url.replace("http:", "https:"))
    refused(connect(proxy).request("GET", "/"), "tls_certificate_error")
    assert requests == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_verify_false_takes_any_certificate(toward, connect, origin, authority, mistake):  # noqa: F811
    backend = origin(secured(answer(OK), mistaken(authority, mistake).server_context()))
    proxy = toward(backend.url.replace("http:", "https:"), {"verify": False})
    assert connect(proxy).request("GET", "/").body == b"ok"


@needs_nginx
@pytest.mark.parametrize(
    "host, server_name, sni",
    [("127.0.0.1", None, ""), ("localhost", None, "localhost"), ("127.0.0.1", "users.internal", "users.internal")],
)
def test_server_name_is_verified_and_sent(toward, connect, nginx, authority, host, server_name, sni):  # noqa: F811
    backend = nginx(authority.issue(server_name or host))
    tls = {"ca": authority.ca, **({"server-name": server_name} if server_name else {})}
    proxy = toward(f"https://{host}:{backend.port}", tls)
    assert report(connect(proxy))[1] == sni


@needs_nginx
def test_a_client_certificate_is_shown_to_nginx(toward, connect, nginx, authority):  # noqa: F811
    demand = f"ssl_client_certificate {authority.ca}; ssl_verify_client on;"
    backend = nginx(authority.issue("127.0.0.1"), server=demand)
    mine = authority.issue("tollgate", client=True)
    shown = toward(backend.url, {"ca": authority.ca, "certificate": mine.chain, "key": mine.key})
    assert report(connect(shown))[2] == "SUCCESS"
    hidden = toward(backend.url, {"ca": authority.ca})
    response = connect(hidden).request("GET", "/report")
    assert response.status == 400
    assert b"No required SSL certificate" in response.body


def test_a_backend_that_misses_the_client_certificate_ends_the_handshake(toward, connect, origin, authority):  # noqa: F811
    requests = []
    context = authority.issue("127.0.0.1").server_context(client_ca=authority.ca)
    backend = origin(secured(answer(OK, requests), context, []))
    proxy = toward(backend.url.replace("http:", "https:"), {"ca": authority.ca})
    response = connect(proxy).request("GET", "/")
    # Under TLS 1.3 the client has sent its request before the server's alert says no.
    assert response.status == 502
    assert "error=" in response.get("proxy-status")
    assert requests == []


@needs_nginx
@pytest.mark.parametrize(
    "listen, protocol, spoken",
    [
        ("http2", "auto", "HTTP/2.0"),
        ("", "auto", "HTTP/1.1"),
        ("http2", "http1", "HTTP/1.1"),
        ("http2", "http2", "HTTP/2.0"),
    ],
)
def test_alpn_chooses_the_protocol(toward, connect, nginx, authority, listen, protocol, spoken):  # noqa: F811
    backend = nginx(authority.issue("127.0.0.1"), listen)
    proxy = toward(backend.url, {"ca": authority.ca}, protocol=protocol)
    client = connect(proxy)
    reports = [report(client) for _ in range(10)]
    assert {each[0] for each in reports} == {spoken}
    assert len({each[3] for each in reports}) == 1, "one connection serves all ten"


@needs_nginx
def test_http2_alone_with_a_backend_that_has_none(toward, connect, nginx, authority):  # noqa: F811
    backend = nginx(authority.issue("127.0.0.1"))
    proxy = toward(backend.url, {"ca": authority.ca}, protocol="http2")
    response = connect(proxy).request("GET", "/report")
    assert response.status == 502
    assert "error=" in response.get("proxy-status")


@needs_nginx
@pytest.mark.parametrize("listen", ["", "http2"])
def test_big_bodies_go_through_whole(toward, connect, nginx, authority, listen):  # noqa: F811
    backend = nginx(authority.issue("127.0.0.1"), listen, "dav_methods PUT;")
    body = random.Random(1).randbytes(20_000_000)
    client = connect(toward(backend.url, {"ca": authority.ca}))
    assert client.request("PUT", "/up", body=body).status == 201
    assert hashlib.sha256((backend.files / "up").read_bytes()).digest() == hashlib.sha256(body).digest()
    got = client.request("GET", "/up")
    assert hashlib.sha256(got.body).digest() == hashlib.sha256(body).digest()


def test_a_backend_that_speaks_no_tls(toward, connect, origin, authority):  # noqa: F811
    def serve(peer):
        peer.reader.exactly(5)
        peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    proxy = toward(origin(serve).url.replace("http:", "https:"), {"ca": authority.ca})
    refused(connect(proxy).request("GET", "/"), "tls_protocol_error")


@pytest.mark.parametrize("key", ["ca", "certificate"])
def test_a_file_that_is_missing_stops_the_start(configured, authority, tmp_path, key):  # noqa: F811
    pair = authority.issue("tollgate", client=True)
    files = {"ca": authority.ca, "certificate": pair.chain, "key": pair.key, key: tmp_path / "nothing.pem"}
    backend = {"address": "https://127.0.0.1:9", "tls": files}
    proxy = configured({"backends": {"secure": backend}, "routes": [{"backend": "secure"}]}, ready=False)
    assert proxy.process.wait() != 0
    assert "nothing.pem" in proxy.process.output()


def test_boto3_and_moto_with_tls_on_both_sides(configured, authority):  # noqa: F811
    inner, outer = authority.issue("127.0.0.1"), authority.issue("localhost", "127.0.0.1")
    script = Path(sys.executable).with_name("moto_server")
    command = [script, "-H", "127.0.0.1", "-p", "0", "--ssl", "-c", inner.chain, "-k", inner.key]
    moto = Process("moto_server with TLS", command)
    try:
        url = moto.wait_for(r"Running on (https://[^\s/]+:\d+)").group(1)
        proxy = configured(
            {
                "tls": {"certificate": outer.chain, "key": outer.key},
                "backends": {"moto": {"address": url, "tls": {"ca": authority.ca}}},
                "routes": [{"backend": "moto"}],
            },
            plugins={"mark": {"name": "x-e2e-mark", "value": "seen"}},
        )
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        session = boto3.session.Session()
        s3 = session.client("s3", endpoint_url=proxy.url, verify=str(authority.ca), config=config)
        body = random.Random(2).randbytes(3_000_000)
        s3.create_bucket(Bucket="secured")
        s3.put_object(Bucket="secured", Key="a/b c", Body=body)
        got = s3.get_object(Bucket="secured", Key="a/b c")
        assert got["Body"].read() == body
        assert got["ResponseMetadata"]["HTTPHeaders"]["x-e2e-mark"] == "seen"
    finally:
        moto.stop()
