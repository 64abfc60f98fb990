"""The plugin aws-extras: signatures that botocore makes, checked before they reach moto."""

import http.client
import urllib.parse
from datetime import datetime, timedelta, timezone

import botocore.session
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from conftest import client

ALLOW = """[plugin.aws-extras.allow]
state = true
http = ["http://127.0.0.1:*"]
"""

SETTINGS = {"aws-extras": {"signatures": {"keys": {"test": "test"}, "signed": True}}}


@pytest.fixture
def proxy(moto, tollgate):
    return tollgate(moto.url, SETTINGS, config=ALLOW)


@pytest.fixture
def bucket(proxy, unique):
    s3 = client("s3", proxy.url, marked=False)
    name = unique("signed")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a b/ü+&=%.txt", Body=b"hello")
    return name


KEY = "a b/ü+&=%.txt"


def ask(url, method="GET", body=None, headers=None):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls_work_and_changed_ones_do_not(proxy, bucket, version):
    s3 = client("s3", proxy.url, marked=False, signature_version=version)
    where = {"Bucket": bucket, "Key": KEY}
    get = s3.generate_presigned_url("get_object", Params={**where, "ResponseContentType": "text/x y"}, ExpiresIn=60)
    assert ask(get) == (200, b"hello")
    for changed in (get.replace("Signature=", "Signature=0"), get.replace("text%2F", "text%2Fa"), get.replace(bucket, "other")):
        status, body = ask(changed)
        assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body, changed
    assert ask(get, "DELETE")[0] == 403
    put = s3.generate_presigned_url("put_object", Params={**where, "ContentType": "text/plain"}, ExpiresIn=60)
    assert ask(put, "PUT", b"new", {"content-type": "text/plain"})[0] == 200
    assert ask(put, "PUT", b"new", {"content-type": "text/html"})[0] == 403
    assert ask(get) == (200, b"new")


def test_an_expired_url_is_refused_as_s3_words_it(proxy, bucket):
    request = AWSRequest("GET", f"{proxy.url}/{bucket}/x")
    signer = SigV4QueryAuth(Credentials("test", "test"), "s3", "us-east-1", expires=5)
    signer.add_auth(request)
    # What botocore signs for now, an hour ago.
    then = datetime.now(timezone.utc) - timedelta(hours=1)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.url).query))
    query["X-Amz-Date"] = then.strftime("%Y%m%dT%H%M%SZ")
    status, body = ask(f"{proxy.url}/{bucket}/x?{urllib.parse.urlencode(query)}")
    assert status == 403
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message><X-Amz-Expires>5</X-Amz-Expires>" in body
    s3 = client("s3", proxy.url, marked=False, signature_version="s3")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": KEY}, ExpiresIn=-5)
    status, body = ask(url)
    assert status == 403 and b"<Message>Request has expired</Message><Expires>" in body


def test_a_form_is_held_to_its_policy(proxy, bucket):
    s3 = client("s3", proxy.url, marked=False)
    made = s3.generate_presigned_post(bucket, "up/${filename}", Conditions=[["starts-with", "$key", "up/"], ["content-length-range", 1, 9]])

    def send(content, **changes):
        fields = {**made["fields"], **changes}
        parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
        file = f'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n{content}\r\n--b--\r\n'
        return ask(made["url"], "POST", "".join([*parts, file]).encode(), {"content-type": "multipart/form-data; boundary=b"})

    assert send("hello")[0] in (200, 204)
    for answer in (send("hello", key="down/x"), send("hello", acl="public-read")):
        assert answer[0] == 403 and b"<Code>AccessDenied</Code>" in answer[1]
    for answer, code in ((send("ten bytes!!"), b"EntityTooLarge"), (send(""), b"EntityTooSmall"), (send("hello", KEY="up/x"), b"MalformedPOSTRequest")):
        assert answer[0] == 400 and b"<Code>" + code + b"</Code>" in answer[1]
    assert b"<Code>SignatureDoesNotMatch</Code>" in send("hello", policy="e30=")[1]


CALLS = {"s3": "list_buckets", "sqs": "list_queues", "sns": "list_topics", "dynamodb": "list_tables", "lambda": "list_functions"}


@pytest.mark.parametrize("service, call", CALLS.items())
def test_signed_calls_of_each_protocol_pass_and_another_secret_does_not(proxy, service, call):
    good = client(service, proxy.url, marked=False)
    assert getattr(good, call)()["ResponseMetadata"]["HTTPStatusCode"] == 200
    wrong = botocore.session.Session()
    wrong.set_credentials("test", "guessed")
    made = wrong.create_client(service, region_name="us-east-1", endpoint_url=proxy.url)
    with pytest.raises(ClientError) as refused:
        getattr(made, call)()
    assert refused.value.response["Error"]["Code"] in ("SignatureDoesNotMatch", "InvalidSignatureException")


def test_presigned_urls_of_other_services_work_and_a_second_signature_does_not(proxy):
    sts = client("sts", proxy.url, marked=False)
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    # Without a field, moto takes it for a call to S3.
    assert ask(url)[0] == 200
    forged = "AWS4-HMAC-SHA256 Credential=victim/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00"
    status, body = ask(url, headers={"authorization": forged})
    assert status == 400 and b"<Code>IncompleteSignature</Code>" in body


def test_objects_with_difficult_keys_can_be_signed(proxy, bucket):
    s3 = client("s3", proxy.url, marked=False)
    for key in ("a//b", "./x", "x/../y", "~", "é", "100%", "a+b c", "a%2Fb", "'(!*)'"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"a": "b  c"})
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
        assert ask(url) == (200, key.encode()), key
