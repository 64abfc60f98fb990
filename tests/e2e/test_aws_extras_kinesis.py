"""The plugin aws-extras: Kinesis's SubscribeToShard, read by botocore's own parser of event streams."""

import threading
import time

import pytest
from botocore.exceptions import ClientError
from conftest import client
from harness.servers import Tollgate
from harness.waiting import until


def configuration(url):
    return f"""[plugin.aws-extras.allow]
state = true
http = ["{url}"]
http-private = ["127.0.0.0/8"]

[state]
store = "memory"
"""


@pytest.fixture(scope="module")
def proxy(moto, tmp_path_factory):
    settings = {"aws-extras": {"kinesis": True, "backend": moto.url}}
    directory = tmp_path_factory.mktemp("kinesis") / "tollgate"
    server = Tollgate(moto.url, directory, settings, config=configuration(moto.url))
    yield server
    server.stop()


@pytest.fixture
def kinesis(proxy):
    return client("kinesis", proxy.url, marked=False)


@pytest.fixture
def stream(kinesis, unique):
    """A stream's name, a consumer's ARN, and the stream's shard."""
    name = unique("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    consumer = kinesis.register_stream_consumer(StreamARN=described["StreamARN"], ConsumerName="c")["Consumer"]
    return name, consumer["ConsumerARN"], described["Shards"][0]["ShardId"]


class Subscription:
    """Reads events in a thread, as they come."""

    def __init__(self, kinesis, stream, **position):
        _, consumer, shard = stream
        answer = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition=position)
        self.stream = answer["EventStream"]
        self.events = []
        self.error = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for event in self.stream:
                self.events.append(event["SubscribeToShardEvent"])
        except Exception as error:
            self.error = error

    def data(self):
        return [record["Data"] for event in self.events[:] for record in event["Records"]]


def test_records_come_while_the_response_lasts(kinesis, stream):
    kinesis.put_record(StreamName=stream[0], PartitionKey="p", Data=b"before")
    subscription = Subscription(kinesis, stream, Type="LATEST")
    until(lambda: subscription.events, "an event without records", seconds=10)
    for number in range(3):
        sent = time.monotonic()
        kinesis.put_record(StreamName=stream[0], PartitionKey="p", Data=bytes([number, 255]))
        until(lambda: len(subscription.data()) == number + 1, "the record")
        assert time.monotonic() - sent < 10
    assert subscription.data() == [bytes([number, 255]) for number in range(3)]
    last = [event for event in subscription.events if event["Records"]][-1]
    assert last["ContinuationSequenceNumber"] == last["Records"][-1]["SequenceNumber"]
    assert last["Records"][0]["PartitionKey"] == "p"
    # What comes behind it is what a client goes on with.
    kinesis.put_record(StreamName=stream[0], PartitionKey="p", Data=b"next")
    further = Subscription(kinesis, stream, Type="AFTER_SEQUENCE_NUMBER", SequenceNumber=last["ContinuationSequenceNumber"])
    until(lambda: further.data() == [b"next"], "the next record")


def test_who_subscribes_last_has_the_shard(kinesis, stream):
    kinesis.put_records(StreamName=stream[0], Records=[{"PartitionKey": "p", "Data": b"%d" % number} for number in range(50)])
    first = Subscription(kinesis, stream, Type="TRIM_HORIZON")
    until(lambda: len(first.data()) == 50, "all records")
    second = Subscription(kinesis, stream, Type="TRIM_HORIZON")
    until(lambda: len(second.data()) == 50, "all records again")
    first.thread.join(10)
    assert not first.thread.is_alive() and "ResourceInUseException" in str(first.error)
    assert second.thread.is_alive()


def test_errors_before_the_stream_begins_are_those_of_the_service(kinesis, stream):
    _, consumer, shard = stream
    for arn in (consumer + "x", "nonsense"):
        with pytest.raises(ClientError) as refused:
            kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=shard, StartingPosition={"Type": "LATEST"})
        assert refused.value.response["Error"]["Code"] in ("ResourceNotFoundException", "InvalidArgumentException")


def test_a_stream_that_is_deleted_ends_its_subscriptions(kinesis, stream):
    subscription = Subscription(kinesis, stream, Type="LATEST")
    until(lambda: subscription.events, "an event", seconds=10)
    kinesis.delete_stream(StreamName=stream[0], EnforceConsumerDeletion=True)
    subscription.thread.join(10)
    assert not subscription.thread.is_alive() and "Exception" in str(subscription.error)
