"""The plugin aws-extras: URLs in moto's answers that a client can use which speaks TLS to the proxy."""

import boto3
import pytest
from botocore.config import Config
from harness.servers import Tollgate

ALLOW = """[plugin.aws-extras.allow]
state = true
http = ["http://127.0.0.1:*"]
"""
TLS = ("--tls", "self-signed")


@pytest.fixture(scope="module")
def proxy(moto, tmp_path_factory):
    settings = {"aws-extras": {"urls": True}}
    server = Tollgate(moto.url, tmp_path_factory.mktemp("urls") / "tollgate", settings, config=ALLOW, arguments=TLS)
    yield server
    server.stop()


@pytest.fixture
def aws(proxy):
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return lambda service, url=proxy.url: boto3.client(service, endpoint_url=url, config=config, verify=False)


pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


def test_urls_of_queues_work_as_they_come(aws, proxy, unique):
    sqs = aws("sqs")
    name = unique("secure")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url.startswith(f"{proxy.url}/") and proxy.url.startswith("https://")
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert url in sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    text = url.replace("https:", "http:")
    sqs.send_message(QueueUrl=url, MessageBody=text)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == text


def test_the_location_of_an_object_that_came_in_parts(aws, proxy, unique):
    s3 = aws("s3")
    where = {"Bucket": unique("parts"), "Key": "a/b"}
    s3.create_bucket(Bucket=where["Bucket"])
    upload = s3.create_multipart_upload(**where)["UploadId"]
    tag = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    done = s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
    assert done["Location"] == f"{proxy.url}/{where['Bucket']}/a/b"


def test_the_endpoint_of_an_api_is_below_the_host(aws, proxy):
    url = proxy.url.replace("127.0.0.1", "localhost")
    made = aws("apigatewayv2", url).create_api(Name="urls", ProtocolType="HTTP")
    assert made["ApiEndpoint"] == f"https://{made['ApiId']}.execute-api.{url.removeprefix('https://')}"
