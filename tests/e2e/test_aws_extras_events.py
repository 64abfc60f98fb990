"""The plugin aws-extras: events of S3 for those that moto sends none."""

import json

import pytest
from conftest import client
from harness.aws_extras import IN_BACKGROUND
from harness.hook import Hook
from harness.waiting import until


@pytest.fixture
def hook():
    started = Hook()
    yield started
    started.stop()


@pytest.fixture
def aws(moto, tollgate, hook):
    http = [{"url": hook.url + "/s3", "prefix": "in/"}]
    settings = {"aws-extras": {"backend": moto.url, "events": {"lambda": hook.url, "http": http}}}
    proxy = tollgate(moto.url, settings, config=IN_BACKGROUND)
    return lambda service: client(service, proxy.url, marked=False)


@pytest.fixture
def bucket(aws, unique):
    name = unique("events")
    aws("s3").create_bucket(Bucket=name)
    return name


def records(hook, path="/s3"):
    batches = [delivery.json()["Records"] for delivery in hook.deliveries[:] if delivery.path == path]
    return [record for batch in batches for record in batch]


def names(hook, path="/s3"):
    return sorted(f"{record['eventName']} {record['s3']['object']['key']}" for record in records(hook, path))


def test_an_http_endpoint_gets_every_kind_of_event(aws, bucket, hook):
    s3 = aws("s3")
    s3.put_object(Bucket=bucket, Key="in/a b+ü", Body=b"hello")
    s3.put_object(Bucket=bucket, Key="out/a", Body=b"hello")
    s3.copy_object(Bucket=bucket, Key="in/copy", CopySource={"Bucket": bucket, "Key": "out/a"})
    upload = {"Bucket": bucket, "Key": "in/parts", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="in/parts")["UploadId"]}
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"parts")["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    s3.delete_object(Bucket=bucket, Key="in/copy")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/parts"}, {"Key": "out/a"}]})
    until(lambda: len(records(hook)) >= 5, "five events")
    assert names(hook) == [
        "ObjectCreated:CompleteMultipartUpload in/parts",
        "ObjectCreated:Copy in/copy",
        "ObjectCreated:Put in/a+b%2B%C3%BC",
        "ObjectRemoved:Delete in/copy",
        "ObjectRemoved:Delete in/parts",
    ]
    put = next(record for record in records(hook) if record["eventName"] == "ObjectCreated:Put")
    assert (put["s3"]["bucket"]["name"], put["s3"]["object"]["size"]) == (bucket, 5)
    assert put["s3"]["object"]["eTag"] == "5d41402abc4b2a76b9719d911017c592"


def test_a_queue_gets_deletions_where_there_are_versions(aws, bucket, unique):
    s3, sqs = aws("s3"), aws("sqs")
    queue = sqs.create_queue(QueueName=unique("events"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".txt"}]}}
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectRemoved:*"], "Filter": rule}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    versions = {key: s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"] for key in ("a.txt", "b.txt", "c.txt", "d.bin")}
    s3.put_object(Bucket=bucket, Key="b.txt", Body=b"newer")
    s3.delete_object(Bucket=bucket, Key="a.txt")
    s3.delete_object(Bucket=bucket, Key="b.txt", VersionId=versions["b.txt"])
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "c.txt"}, {"Key": "d.bin"}]})
    found = []

    def receive():
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            found.extend(json.loads(message["Body"]).get("Records", []))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= 3

    until(receive, "three events")
    assert sorted(f"{record['eventName']} {record['s3']['object']['key']}" for record in found) == [
        "ObjectRemoved:Delete b.txt",
        "ObjectRemoved:DeleteMarkerCreated a.txt",
        "ObjectRemoved:DeleteMarkerCreated c.txt",
    ]
    (deleted,) = [record for record in found if record["s3"]["object"]["key"] == "b.txt"]
    assert deleted["s3"]["object"]["versionId"] == versions["b.txt"]


def test_a_function_is_called_at_the_endpoint_and_the_configuration_may_change(aws, bucket, hook):
    s3 = aws("s3")

    def configure(*events):
        arn = "arn:aws:lambda:us-east-1:123456789012:function:on-event"
        functions = [{"LambdaFunctionArn": arn, "Events": list(events)}]
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": functions})

    path = "/2015-03-31/functions/on-event/invocations"
    configure("s3:ObjectRemoved:*")
    s3.put_object(Bucket=bucket, Key="first", Body=b"x")
    configure("s3:ObjectCreated:Put")
    s3.put_object(Bucket=bucket, Key="second", Body=b"x")
    until(lambda: names(hook, path), "an invocation")
    assert names(hook, path) == ["ObjectCreated:Put second"]
    (called,) = [delivery for delivery in hook.deliveries if delivery.path == path]
    assert called.fields["x-amz-invocation-type"] == "Event"


def test_what_moto_sends_itself_comes_once(aws, bucket, unique):
    s3, sqs = aws("s3"), aws("sqs")
    queue = sqs.create_queue(QueueName=unique("once"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="k")
    # The plugin sends this one, behind whatever it may have sent before.
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="last", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="last")
    found = []

    def receive():
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            found.extend(record["eventName"] for record in json.loads(message["Body"]).get("Records", []))
        return "ObjectRemoved:DeleteMarkerCreated" in found

    until(receive, "the last event")
    assert sorted(found) == ["ObjectCreated:Put", "ObjectCreated:Put", "ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"]
