"""SQS and SNS through the chain: queue URLs name the proxy, a long poll waits, a topic's messages reach its queue."""

import json
import threading
import time

import pytest


@pytest.fixture
def sqs(aws):
    return aws("sqs")


@pytest.fixture
def sns(aws):
    return aws("sns")


@pytest.fixture
def queue(sqs, unique):
    return sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]


def test_a_queues_url_names_the_proxy(queue, chain):
    assert queue.startswith(chain.url + "/")


def test_a_message_comes_back_with_its_attributes(sqs, queue):
    attributes = {
        "Text": {"DataType": "String", "StringValue": "Grüße 😀"},
        "Raw": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    }
    # botocore compares the MD5 of the body and of the attributes itself.
    sqs.send_message(QueueUrl=queue, MessageBody='a <b> & "c" 日本語\n', MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == 'a <b> & "c" 日本語\n'
    assert message["MessageAttributes"] == attributes
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    counted = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessages"] == "0"
    assert counted["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_batches(sqs, queue):
    entries = [{"Id": str(number), "MessageBody": "x" * 20_000} for number in range(10)]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [len(message["Body"]) for message in received] == [20_000] * 10
    handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(received)]
    assert len(sqs.delete_message_batch(QueueUrl=queue, Entries=handles)["Successful"]) == 10


def test_a_long_poll_ends_when_the_message_comes(sqs, queue):
    polled = threading.Event()
    sqs.meta.events.register("before-send.sqs.ReceiveMessage", lambda **_: polled.set())

    def send():
        polled.wait(10)
        time.sleep(0.5)  # so that the poll most likely waits at moto; the test holds either way
        sqs.send_message(QueueUrl=queue, MessageBody="late")

    sender = threading.Thread(target=send)
    sender.start()
    started = time.monotonic()
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    sender.join()
    assert [message["Body"] for message in messages] == ["late"]
    assert time.monotonic() - started < 18, "the poll waited for its whole time"


def test_a_missing_queue_is_an_error_of_sqs(sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=queue + "-missing")


def test_a_topic_feeds_its_queue(sns, sqs, queue, unique):
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps({"kind": ["wanted"]})},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    for kind in ("unwanted", "wanted"):
        sns.publish(
            TopicArn=topic,
            Message=f"{kind} Grüße",
            Subject="s",
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["Message"] for message in received] == ["wanted Grüße"]
    sns.unsubscribe(SubscriptionArn=subscription)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.delete_topic(TopicArn=topic)
    assert topic not in [entry["TopicArn"] for entry in sns.list_topics()["Topics"]]
