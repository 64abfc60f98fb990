"""The plugin aws-extras: SNS's messages reach HTTP endpoints that confirmed their subscription."""

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import client
from harness.aws_extras import IN_BACKGROUND
from harness.hook import Hook
from harness.waiting import until


@pytest.fixture
def proxy(moto, tollgate):
    return tollgate(moto.url, {"aws-extras": {"sns": True, "retries": 5}}, config=IN_BACKGROUND)


@pytest.fixture
def aws(proxy):
    return lambda service: client(service, proxy.url, marked=False)


@pytest.fixture
def hook():
    started = Hook()
    yield started
    started.stop()


@pytest.fixture
def topic(aws, unique):
    return aws("sns").create_topic(Name=unique("topic"))["TopicArn"]


def visit(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


@pytest.fixture
def subscribe(aws, hook, topic):
    """Subscribes the hook and confirms as a subscriber does; gives the ARN. Forgets what the hook got for it."""

    def start(path="/in", **attributes):
        arn = aws("sns").subscribe(
            TopicArn=topic, Protocol="http", Endpoint=hook.url + path, Attributes=attributes, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        visit(hook.wait(1)[-1].json()["SubscribeURL"])
        hook.deliveries.clear()
        return arn

    return start


def test_a_subscriber_confirms_and_gets_messages(aws, hook, topic):
    sns = aws("sns")
    endpoint = hook.url + "/in?a=1&b=2"
    assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)["SubscriptionArn"] == "pending confirmation"
    (asked,) = hook.wait(1)
    assert asked.path == "/in?a=1&b=2"
    assert asked.fields["x-amz-sns-message-type"] == asked.json()["Type"] == "SubscriptionConfirmation"
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["Endpoint"], listed["SubscriptionArn"]) == (endpoint, "PendingConfirmation")
    sns.publish(TopicArn=topic, Message="too early")

    with pytest.raises(ClientError) as refused:
        sns.confirm_subscription(TopicArn=topic, Token="nonsense")
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    arn = sns.confirm_subscription(TopicArn=topic, Token=asked.json()["Token"])["SubscriptionArn"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (attributes["PendingConfirmation"], attributes["Endpoint"]) == ("false", endpoint)

    kind = {"kind": {"DataType": "String", "StringValue": "grün & <b>"}}
    sent = sns.publish(TopicArn=topic, Message="m ü & <x>", Subject="s", MessageAttributes=kind)["MessageId"]
    got = hook.wait(2)[1]
    body = got.json()
    assert (body["Type"], body["Message"], body["Subject"], body["MessageId"]) == ("Notification", "m ü & <x>", "s", sent)
    assert body["MessageAttributes"] == {"kind": {"Type": "String", "Value": "grün & <b>"}}
    assert body["Signature"] and body["SigningCertURL"].startswith("https://sns.us-east-1.amazonaws.com/")
    assert got.fields["x-amz-sns-subscription-arn"] == arn
    assert got.fields["content-type"] == "text/plain; charset=UTF-8"

    visit(body["UnsubscribeURL"])
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.publish(TopicArn=topic, Message="too late")
    assert len(hook.deliveries) == 2


def test_filter_policies_raw_delivery_and_batches(aws, hook, topic, subscribe):
    subscribe(RawMessageDelivery="true", FilterPolicy=json.dumps({"kind": ["a"]}))

    def entry(number, kind):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        return {"Id": str(number), "Message": f"{kind}{number}", "MessageAttributes": attributes}

    kinds = ["a", "b", "a", "c"]
    aws("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=[entry(*pair) for pair in enumerate(kinds)])
    got = hook.wait(2)
    assert sorted(each.body for each in got) == [b"a0", b"a2"]
    assert {each.fields["x-amz-sns-rawdelivery"] for each in got} == {"true"}


def test_what_fails_is_sent_again(aws, hook, topic, subscribe):
    subscribe()
    answers = [503, 500]
    hook.answer = lambda delivery: (answers.pop() if answers else 200, b"")
    # moto alone would answer the publisher with 500 if nobody listened there.
    sent = aws("sns").publish(TopicArn=topic, Message="m")["MessageId"]
    assert [each.json()["MessageId"] for each in hook.wait(3)] == [sent] * 3


def test_a_publisher_does_not_notice_that_nobody_takes_it(aws, hook, topic, subscribe, proxy):
    subscribe()
    hook.answer = lambda delivery: (403, b"")
    assert aws("sns").publish(TopicArn=topic, Message="m")["MessageId"]
    until(lambda: "gave up SNS Notification" in proxy.log(), "that the delivery is given up")
    assert len(hook.deliveries) == 1


def test_events_of_s3_reach_an_http_endpoint_by_a_topic(aws, hook, topic, subscribe, unique):
    subscribe()
    s3 = aws("s3")
    bucket = unique("events")
    s3.create_bucket(Bucket=bucket)
    configuration = {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    def events():
        records = [json.loads(each.json()["Message"]).get("Records", []) for each in hook.deliveries]
        return [record["s3"]["object"]["key"] for of_one in records for record in of_one]

    assert until(events, "an event of S3") == ["k"]


def test_many_messages_all_arrive(aws, hook, topic, subscribe):
    subscribe()
    sns = aws("sns")
    sent = {sns.publish(TopicArn=topic, Message=str(number))["MessageId"] for number in range(100)}
    assert {each.json()["MessageId"] for each in hook.wait(100)} == sent
