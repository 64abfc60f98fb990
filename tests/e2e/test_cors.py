"""The plugin cors, seen by a browser: preflight, the call itself, and pages that may not call at all."""

import http.client
import json
import socket
import urllib.parse

import pytest
from conftest import PAGE, PROBE, add_header, cors
from harness.browser import Blocked, Browser
from harness.servers import Moto
from harness.waiting import until

FOREIGN = "https://evil.example"


@pytest.fixture
def page(chain):
    return Browser(chain.url, PAGE)


@pytest.fixture
def bucket(aws, unique):
    name = unique("cors")
    aws("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def reached(moto, chain):
    """Whether a request with this target came to moto: reached("PUT /b/k"). Asks moto's log, once it is complete."""

    def ask(request):
        parts = urllib.parse.urlsplit(chain.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        marker = f"/?after={len(moto.log())}"
        connection.request("GET", marker)
        connection.getresponse().read()
        connection.close()
        until(lambda: any(marker in line for line in moto.log()), "moto logged the marker")
        return any(request in line for line in moto.log())

    return ask


def test_the_browser_itself_is_strict(moto):
    """Without the plugin every call from another origin is blocked: moto allows nothing here."""
    with pytest.raises(Blocked):
        Browser(moto.url, PAGE).fetch("GET", PROBE)
    with pytest.raises(Blocked):
        Browser(moto.url, PAGE).fetch("PUT", "/b/k", body="x")


def test_a_simple_call_needs_no_preflight(page, bucket, aws):
    # A list, since for objects moto looks for CORS rules of the bucket itself.
    aws("s3").put_object(Bucket=bucket, Key="by-boto3", Body=b"")
    answer = page.fetch("GET", f"/{bucket}?list-type=2", {"accept": "application/xml"})
    assert answer.status == 200
    assert b"<Key>by-boto3</Key>" in answer.body
    assert page.preflights == []


def test_an_upload_from_a_page(page, bucket, aws, reached):
    answer = page.fetch(
        "PUT", f"/{bucket}/by-page", {"x-amz-meta-from": "page", "content-type": "image/png"}, b"upload"
    )
    assert answer.status == 200
    assert answer.fields["etag"], "the script may read etag"
    got = aws("s3").get_object(Bucket=bucket, Key="by-page")
    assert got["Body"].read() == b"upload"
    assert got["Metadata"] == {"from": "page"}
    (preflight,) = page.preflights
    assert preflight.body == b""
    assert preflight.status == 204, "the bucket has no rules: the plugin answers"
    assert reached(f"PUT /{bucket}/by-page")
    assert reached(f"OPTIONS /{bucket}/by-page"), "the bucket might have had rules"


def test_a_page_may_read_metadata_checksums_and_ranges(page, bucket, aws):
    aws("s3").put_object(
        Bucket=bucket, Key="k", Body=b"0123456789", Metadata={"from": "boto3"}, ACL="public-read"
    )
    answer = page.fetch("GET", f"/{bucket}/k", {"range": "bytes=2-3"})
    assert (answer.status, answer.body) == (206, b"23")
    assert answer.fields["x-amz-meta-from"] == "boto3"
    assert answer.fields["content-range"] == "bytes 2-3/10"


def rules(origin, **more):
    return {
        "CORSRules": [
            {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"], **more}
        ]
    }


def test_a_buckets_own_rules_stand(page, bucket, aws):
    """For an object moto answers by the rules, and what these don't expose the plugin doesn't either."""
    s3 = aws("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"from": "boto3"}, ACL="public-read")
    s3.put_bucket_cors(
        Bucket=bucket, CORSConfiguration=rules(PAGE, ExposeHeaders=["x-amz-meta-from"], MaxAgeSeconds=77)
    )
    answer = page.fetch("GET", f"/{bucket}/k", {"x-mine": "1"})
    (preflight,) = page.preflights
    assert (preflight.status, preflight.all("access-control-max-age")) == (200, ["77"])
    assert answer.fields["x-amz-meta-from"] == "boto3"
    assert "etag" not in answer.fields
    assert page.fetch("PUT", f"/{bucket}/new", body=b"x").status == 200


def test_a_page_that_a_buckets_rules_do_not_name_may_not_call(page, bucket, aws, reached):
    aws("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration=rules("https://another.example"))
    with pytest.raises(Blocked):
        page.fetch("PUT", f"/{bucket}/new", body=b"x")
    assert not reached(f"PUT /{bucket}/new")


def test_an_error_of_the_proxy_is_readable_for_the_page_and_no_other(tollgate):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = "http://{}:{}".format(*listener.getsockname())
    url = tollgate(closed, {**cors(allow_credentials=True)}).url
    answer = Browser(url, PAGE).fetch("GET", "/", credentials=True)
    assert answer.status == 502
    assert "connection_refused" in answer.fields["proxy-status"]
    with pytest.raises(Blocked):
        Browser(url, FOREIGN).fetch("GET", "/")


def test_dynamodb_from_a_page(page):
    fields = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.ListTables",
        "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    }
    answer = page.fetch("POST", "/", fields, b"{}")
    assert answer.status == 200
    assert isinstance(json.loads(answer.body)["TableNames"], list)
    assert len(page.preflights) == 1


def test_an_errors_text_is_readable_too(page):
    answer = page.fetch("GET", "/no-such-bucket-here/k")
    assert answer.status == 404
    assert b"NoSuchBucket" in answer.body


def test_caches_keep_origins_apart(page, bucket):
    page.fetch("DELETE", f"/{bucket}/nothing")
    (preflight,) = page.preflights
    assert "origin" in {token.lower() for token in preflight.tokens("vary")}


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_foreign_page_gets_nothing_and_does_nothing(chain, bucket, aws, reached, method):
    aws("s3").put_object(Bucket=bucket, Key="secret", Body=b"secret")
    with pytest.raises(Blocked):
        Browser(chain.url, FOREIGN).fetch(
            method, f"/{bucket}/secret", body=b"changed" if method == "PUT" else None
        )
    assert aws("s3").get_object(Bucket=bucket, Key="secret")["Body"].read() == b"secret"
    assert not reached(f"OPTIONS /{bucket}/secret")


def test_a_foreign_page_cannot_send_what_needs_no_permission(chain, aws, unique, reached):
    """A form post is sent by browsers without preflight: the plugin's guard must keep it from the backend."""
    name = unique("form")
    form = {"content-type": "application/x-www-form-urlencoded"}
    with pytest.raises(Blocked):
        Browser(chain.url, FOREIGN).fetch("POST", f"/?Action=CreateQueue&QueueName={name}", form, b"")
    assert not reached(name)
    assert name not in str(aws("sqs").list_queues().get("QueueUrls", []))


def test_a_foreign_upload_is_refused_before_its_body_is_sent(chain, connect):
    """What waits for 100 (Continue) gets the plugin's answer instead."""
    client = connect(chain)
    client.send(
        b"PUT /b/k HTTP/1.1\r\nhost: a\r\norigin: %b\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n"
        % FOREIGN.encode()
    )
    assert client.response().status == 403


@pytest.mark.parametrize(
    "origin", ["null", "https://app.example.evil.example", "http://app.example", "https://app.example:8443"]
)
def test_what_looks_like_the_page_is_foreign(chain, origin):
    with pytest.raises(Blocked):
        Browser(chain.url, origin).fetch("GET", PROBE)


def test_with_credentials(tollgate, moto):
    url = tollgate(moto.url, {**add_header(), **cors(allow_credentials=True)}).url
    assert Browser(url, PAGE).fetch("PUT", "/made-with-credentials", credentials=True).status == 200
    with pytest.raises(Blocked):
        Browser(url, FOREIGN).fetch("GET", PROBE, credentials=True)


def test_without_credentials_by_default(page):
    with pytest.raises(Blocked, match="allow-credentials"):
        page.fetch("GET", PROBE, credentials=True)


def test_a_backend_with_cors_of_its_own(tollgate):
    """moto's own answers allow every origin: the plugin must not add a second field to theirs."""
    backend = Moto()
    try:
        url = tollgate(backend.url, {**add_header(), **cors()}).url
        page = Browser(url, PAGE)
        assert page.fetch("GET", PROBE).status == 200
        assert page.fetch("PUT", "/of-its-own", body="").status == 200
    finally:
        backend.stop()
