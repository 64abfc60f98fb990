"""Tapes with real clients and a real backend: the same program gets the same answers when moto is gone, and a fresh moto gets the state of
the one that was recorded."""

import json
import os
import subprocess
import urllib.request

import pytest
from conftest import client
from harness.origin import answer
from harness.servers import TOLLGATE, Moto, environment
from harness.waiting import until

OK = answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

# Signatures and tokens are needed to send requests again, and answers are compared as a whole.
UNMASKED = "mask-defaults = false\n"


@pytest.fixture
def fresh():
    """Starts a moto of a test's own."""
    started = []

    def start():
        started.append(Moto())
        return started[-1]

    yield start
    for each in started:
        each.stop()


def recorded(tollgate, backend, tape, more=UNMASKED):
    """A proxy that records."""
    return tollgate(backend, {}, config=f'[record]\ntape = "{tape}"\nbody = "1MiB"\n{more}')


def tape(*arguments):
    return subprocess.run(
        [TOLLGATE, "tape", *map(str, arguments)], env=environment(), capture_output=True, text=True, timeout=120, check=False
    )


def aws(url, service):
    return client(service, url, marked=False)


def session(url):
    """A program with several services: what each call came to, as a user of boto3 sees it."""
    sqs, dynamodb, s3 = aws(url, "sqs"), aws(url, "dynamodb"), aws(url, "s3")
    api, ec2, sts = aws(url, "apigateway"), aws(url, "ec2"), aws(url, "sts")
    seen = []
    queue = sqs.create_queue(QueueName="orders")
    seen += [queue, sqs.send_message(QueueUrl=queue["QueueUrl"], MessageBody="one")]
    seen.append(sqs.send_message(QueueUrl=queue["QueueUrl"], MessageBody="two"))
    received = sqs.receive_message(QueueUrl=queue["QueueUrl"], MaxNumberOfMessages=1)
    seen += [received, sqs.delete_message(QueueUrl=queue["QueueUrl"], ReceiptHandle=received["Messages"][0]["ReceiptHandle"])]
    keys = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    seen.append(dynamodb.create_table(TableName="things", BillingMode="PAY_PER_REQUEST", **keys))
    # The same request twice, with another answer in between.
    item = {"TableName": "things", "Key": {"id": {"S": "a"}}}
    seen.append(dynamodb.get_item(**item))
    seen.append(dynamodb.put_item(TableName="things", Item={"id": {"S": "a"}, "n": {"N": "1"}}))
    seen.append(dynamodb.get_item(**item))
    seen.append(s3.create_bucket(Bucket="files"))
    seen.append(s3.put_object(Bucket="files", Key="a b/c", Body=bytes(range(256)) * 64))
    got = s3.get_object(Bucket="files", Key="a b/c")
    seen += [{**got, "Body": got["Body"].read()}, s3.head_object(Bucket="files", Key="a b/c")]
    with pytest.raises(s3.exceptions.NoSuchKey) as missing:
        s3.get_object(Bucket="files", Key="none")
    seen.append(missing.value.response)
    shop = api.create_rest_api(name="shop")
    seen += [shop, api.get_resources(restApiId=shop["id"])]
    run = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    seen += [run, ec2.describe_instances(InstanceIds=[run["Instances"][0]["InstanceId"]]), sts.get_caller_identity()]
    return seen


def test_the_same_program_gets_the_same_answers_without_moto(tollgate, fresh, tmp_path):
    file = tmp_path / "session.tape"
    moto = fresh()
    then = recorded(tollgate, moto.url, file)
    expected = session(then.url)
    assert then.stop() == 0
    moto.stop()
    # The client's own tokens differ each time (ec2 has one).
    now = tollgate(f"tape:{file}", {}, arguments=["--replay", "ignore-keys=ClientToken", "--replay", "on-miss=404"])
    got = session(now.url)
    for before, after in zip(expected, got, strict=True):
        # What a proxy makes of a connection is no part of an answer.
        for each in (before, after):
            each["ResponseMetadata"]["HTTPHeaders"].pop("connection", None)
        assert after == before
    # HTTP/2, as the tape never saw it, and a miss.
    asked = subprocess.run(
        ["curl", "-s", "--http2-prior-knowledge", "-w", "%{http_version} %{http_code}", f"{now.url}/files/none?x=1"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert asked.stdout.endswith("2 404")
    assert "the tape has no answer to GET /files/none?x=1; nearest is exchange" in asked.stdout
    assert "GET /files/none: the query differs" in asked.stdout
    until(lambda: "the tape has no answer to GET /files/none?x=1" in now.log(), "a line about the miss")


def build(url):
    """State whose parts name one another by ids that the backend makes."""
    api, ec2, sqs = aws(url, "apigateway"), aws(url, "ec2"), aws(url, "sqs")
    shop = api.create_rest_api(name="shop")["id"]
    root = api.get_resources(restApiId=shop)["items"][0]["id"]
    orders = api.create_resource(restApiId=shop, parentId=root, pathPart="orders")["id"]
    api.put_method(restApiId=shop, resourceId=orders, httpMethod="GET", authorizationType="NONE")
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.stop_instances(InstanceIds=[instance])
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdh")
    queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=f"of {shop}")
    sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, VisibilityTimeout=0)
    return shop, instance


def test_a_tape_is_sent_to_a_fresh_moto_and_its_new_ids_are_used(tollgate, fresh, tmp_path):
    file = tmp_path / "build.tape"
    moto = fresh()
    then = recorded(tollgate, moto.url, file)
    shop, instance = build(then.url)
    assert then.stop() == 0
    moto.stop()

    # Ids of then are nobody's now.
    lost = tape("send", file, "--to", fresh().url)
    assert lost.returncode == 1, lost.stdout
    assert "201 → 404" in lost.stdout or "200 → 404" in lost.stdout, lost.stdout
    assert "stopped, because what comes after it may depend on it" in lost.stdout

    moto = fresh()
    sent = tape("send", file, "--to", moto.url, "--map-ids")
    assert sent.returncode == 0, sent.stdout + sent.stderr
    lines = sent.stdout.splitlines()
    assert sum("not sent: a long poll" in line for line in lines) == 1, sent.stdout
    assert " 0 with another; 0 failed, 1 not sent" in lines[-1], sent.stdout

    api, ec2, sqs = aws(moto.url, "apigateway"), aws(moto.url, "ec2"), aws(moto.url, "sqs")
    (new,) = [each["id"] for each in api.get_rest_apis()["items"]]
    assert new != shop
    (orders,) = [each for each in api.get_resources(restApiId=new)["items"] if each["path"] == "/orders"]
    assert "GET" in orders["resourceMethods"]
    (running,) = [each for group in ec2.describe_instances()["Reservations"] for each in group["Instances"]]
    assert running["InstanceId"] != instance
    assert running["State"]["Name"] == "stopped"
    assert "/dev/sdh" in [mapping["DeviceName"] for mapping in running["BlockDeviceMappings"]]
    (queue,) = sqs.list_queues()["QueueUrls"]
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == f"of {new}", "ids in a message are new, too"
    sources = [line for line in moto.log() if "POST /restapis" in line]
    assert len(sources) == 2, "nothing was sent twice"


def test_what_is_masked_is_not_sent_unnoticed(tollgate, fresh, tmp_path):
    file = tmp_path / "masked.tape"
    then = recorded(tollgate, fresh().url, file, "")
    aws(then.url, "sqs").create_queue(QueueName="orders")
    assert then.stop() == 0
    moto = fresh()
    refused = tape("send", file, "--to", moto.url)
    assert refused.returncode == 2, refused.stdout
    assert "have [masked] in the place of secrets (in authorization" in refused.stderr
    assert not [line for line in moto.log() if "POST" in line]
    scope = "AWS4-HMAC-SHA256 Credential=a/20261130/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"
    sent = tape("send", file, "--to", moto.url, "--set-field", f"authorization: {scope}")
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert aws(moto.url, "sqs").list_queues()["QueueUrls"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system with 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", place], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_costs_records_and_no_requests(tollgate, origin, small_disk):
    file = small_disk / "a.tape"
    config = f'admin = "127.0.0.1:0"\n[record]\ntape = "{file}"\n'
    proxy = tollgate(origin(OK).url, {}, config=config)
    admin = proxy.process.wait_for(r"admin: listens on (\S+)", label="err").group(1)

    def ask():
        request = urllib.request.Request(proxy.url, headers={"x-fill": os.urandom(4000).hex()})
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read()

    def status():
        with urllib.request.urlopen(f"http://{admin}/api/v1/status", timeout=20) as response:
            return json.load(response)["recording"]["tape"]

    for _ in range(60):
        assert ask() == (200, b"ok")
    until(lambda: "can't be written" in proxy.log(), "a line about the full disk")
    until(lambda: status()["exchanges"] + status()["dropped"] == 60, "every exchange is counted")
    lost = status()["dropped"]
    assert 0 < lost < 60
    # Room again: the tape is whole, and goes on.
    kept = status()["exchanges"]
    shown = tape("show", file)
    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, kept), shown.stderr
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    assert ask() == (200, b"ok")
    until(lambda: f"is written again; {lost} exchanges are missing" in proxy.log(), "a line about the end of it")
    assert proxy.stop() == 0
    shown = tape("show", file)
    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, kept + 1), shown.stderr
