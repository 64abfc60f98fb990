"""S3 through the chain: bodies byte for byte, keys that tempt a proxy to normalise them, ranges, conditions, errors."""

import concurrent.futures
import hashlib
import http.client
import io
import random
import urllib.parse

import pytest
from botocore.exceptions import ClientError

MIB = 1024 * 1024


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(s3, unique):
    name = unique("bucket")
    s3.create_bucket(Bucket=name)
    return name


def noise(size, seed=1):
    """Bytes without a pattern, so that a lost or doubled piece shows."""
    return random.Random(seed).randbytes(size)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def test_an_object_comes_back_as_it_was_put(s3, bucket):
    body = bytes(range(256)) * 100
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, ContentType="image/png", Metadata={"note": "a b"})
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ETag"] == put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got["ContentType"] == "image/png"
    assert got["Metadata"] == {"note": "a b"}


def test_an_empty_object_stays_empty(s3, bucket):
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    got = s3.get_object(Bucket=bucket, Key="empty")
    assert got["ContentLength"] == 0
    assert got["Body"].read() == b""


def test_20_mib_pass_byte_for_byte(s3, bucket):
    body = noise(20 * MIB)
    s3.put_object(Bucket=bucket, Key="large", Body=body)
    got = s3.get_object(Bucket=bucket, Key="large")
    assert got["ContentLength"] == len(body)
    assert digest(got["Body"].read()) == digest(body)


def test_parts_become_one_object(s3, bucket):
    parts = [noise(5 * MIB, seed=1), noise(5 * MIB, seed=2), noise(1000, seed=3)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]

    def send(number):
        part = s3.upload_part(
            Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=parts[number - 1]
        )
        return {"PartNumber": number, "ETag": part["ETag"]}

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        sent = list(pool.map(send, [1, 2, 3]))
    listed = s3.list_parts(Bucket=bucket, Key="parts", UploadId=upload)["Parts"]
    assert [part["Size"] for part in listed] == [len(part) for part in parts]
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": sent})
    got = s3.get_object(Bucket=bucket, Key="parts")["Body"].read()
    assert digest(got) == digest(b"".join(parts))


def test_boto_3s_own_transfer_manager_works(s3, bucket):
    body = noise(12 * MIB, seed=4)
    s3.upload_fileobj(io.BytesIO(body), bucket, "managed")
    got = io.BytesIO()
    s3.download_fileobj(bucket, "managed", got)
    assert digest(got.getvalue()) == digest(body)


KEYS = [
    "plain",
    "with space",
    "a+b",
    "slash%2Fencoded",
    "percent%20encoded",
    "100%",
    "path/to//a/../b/./c",
    "trailing/",
    "q?x=1&y=2#f",
    "semi;colon=comma,",
    "quote\"'<>",
    "Grüße/日本語/😀",
    "tilde~star*(paren)",
]


def test_every_key_means_itself(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert sorted(listed) == sorted(KEYS)
    for key in KEYS:
        s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=900-", slice(900, None)),
        ("bytes=-7", slice(-7, None)),
    ],
)
def test_a_range_is_that_range(s3, bucket, range_, expected):
    body = noise(1000)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    got = s3.get_object(Bucket=bucket, Key="k", Range=range_)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["Body"].read() == body[expected]


def test_a_head_keeps_the_length_of_the_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 12345)
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 12345


def test_an_unchanged_object_is_304(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304


def test_errors_keep_status_code_and_text(s3, bucket):
    with pytest.raises(s3.exceptions.NoSuchKey) as error:
        s3.get_object(Bucket=bucket, Key="missing")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "does not exist" in error.value.response["Error"]["Message"]


def test_copy_and_delete(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from here/ü", Body=b"copied")
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from here/ü"})
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"copied"
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "to"}, {"Key": "from here/ü"}]})
    assert sorted(entry["Key"] for entry in gone["Deleted"]) == ["from here/ü", "to"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_pages_of_a_list_follow_each_other(s3, bucket):
    keys = [f"dir {number % 3}/{number:02}" for number in range(25)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 10}))
    assert [len(page["Contents"]) for page in pages] == [10, 10, 5]
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == sorted(keys)
    folders = s3.list_objects_v2(Bucket=bucket, Delimiter="/")["CommonPrefixes"]
    assert [folder["Prefix"] for folder in folders] == ["dir 0/", "dir 1/", "dir 2/"]


def test_a_signed_url_works_for_any_client(s3, bucket, chain):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "by url/ü"})
    assert url.startswith(chain.url)
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("PUT", f"{parts.path}?{parts.query}", body=b"signed")
    assert connection.getresponse().status == 200
    connection.close()
    assert s3.get_object(Bucket=bucket, Key="by url/ü")["Body"].read() == b"signed"


def test_16_clients_at_once_get_their_own_objects(s3, bucket):
    def round_trip(number):
        body = noise(50_000, seed=number)
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=body)
        return s3.get_object(Bucket=bucket, Key=f"k{number}")["Body"].read() == body

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(round_trip, range(64)))
