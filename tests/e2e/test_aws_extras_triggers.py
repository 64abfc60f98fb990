"""The plugin aws-extras: streams of DynamoDB call functions at an endpoint that speaks Lambda's Invoke API."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import client
from harness.aws_extras import IN_BACKGROUND
from harness.hook import Hook
from harness.waiting import until


@pytest.fixture
def functions():
    """The endpoint: its functions answer `null`."""
    started = Hook(lambda delivery: (200, b"null"))
    yield started
    started.stop()


@pytest.fixture
def start(moto, tollgate, functions):
    def start(**triggers):
        settings = {"aws-extras": {"backend": moto.url, "triggers": {"lambda": functions.url, **triggers}}}
        return tollgate(moto.url, settings, config=IN_BACKGROUND)

    return start


@pytest.fixture
def aws(start):
    proxy = start()
    return lambda service: client(service, proxy.url, marked=False)


@pytest.fixture
def table(moto, unique):
    """A table with a stream: its name, and the ARN of the stream."""
    name = unique("trigger")
    made = client("dynamodb", moto.url, marked=False).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return name, made["TableDescription"]["LatestStreamArn"]


def put(aws, table, *keys):
    for key in keys:
        aws("dynamodb").put_item(TableName=table[0], Item={"k": {"S": key}, "b": {"B": b"\0\1"}})


def records(functions, path="/2015-03-31/functions/f/invocations"):
    batches = [delivery.json()["Records"] for delivery in functions.deliveries[:] if delivery.path == path]
    return [record for batch in batches for record in batch]


def keys(functions):
    return [record["dynamodb"]["Keys"]["k"]["S"] for record in records(functions)]


def test_a_function_gets_what_changes_in_the_table(aws, table, functions):
    put(aws, table, "before")
    mapping = aws("lambda").create_event_source_mapping(EventSourceArn=table[1], FunctionName="f", StartingPosition="LATEST", BatchSize=2)
    put(aws, table, "a", "b", "c")
    aws("dynamodb").delete_item(TableName=table[0], Key={"k": {"S": "a"}})
    until(lambda: len(records(functions)) >= 4, "four records")
    found = records(functions)
    assert [(record["eventName"], record["dynamodb"]["Keys"]["k"]["S"]) for record in found] == [
        ("INSERT", "a"), ("INSERT", "b"), ("INSERT", "c"), ("REMOVE", "a"),
    ]  # fmt: skip
    assert found[0]["dynamodb"]["NewImage"]["b"] == {"B": "AAE="}
    assert found[0]["eventSourceARN"] == table[1]
    assert max(len(delivery.json()["Records"]) for delivery in functions.deliveries) <= 2
    functions.deliveries.clear()
    aws("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
    aws("lambda").create_event_source_mapping(EventSourceArn=table[1], FunctionName="g", StartingPosition="LATEST")
    put(aws, table, "later")
    until(lambda: records(functions, "/2015-03-31/functions/g/invocations"), "the record at the other function")
    with pytest.raises(ClientError):
        aws("lambda").get_event_source_mapping(UUID=mapping["UUID"])
    assert keys(functions) == []


def test_mappings_can_be_listed_changed_and_not_made_twice(aws, table):
    functions = aws("lambda")
    made = functions.create_event_source_mapping(EventSourceArn=table[1], FunctionName="f", StartingPosition="TRIM_HORIZON", Enabled=False)
    (listed,) = functions.list_event_source_mappings(EventSourceArn=table[1])["EventSourceMappings"]
    assert (listed["UUID"], listed["State"], listed["BatchSize"]) == (made["UUID"], "Disabled", 100)
    changed = functions.update_event_source_mapping(UUID=made["UUID"], Enabled=True, BatchSize=5)
    assert (changed["State"], changed["BatchSize"]) == ("Enabled", 5)
    with pytest.raises(ClientError) as refused:
        functions.create_event_source_mapping(EventSourceArn=table[1], FunctionName="f", StartingPosition="LATEST")
    assert refused.value.response["Error"]["Code"] == "ResourceConflictException"
    with pytest.raises(ClientError) as refused:
        functions.create_event_source_mapping(EventSourceArn=table[1] + "x/y", FunctionName="g", BatchSize=20_000)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_batch_that_fails_comes_again_and_nothing_passes_it(aws, table, functions):
    failed = []

    def answer(delivery):
        if len(failed) < 2:
            failed.append(delivery)
            return 500, b"{}"
        return 200, b"null"

    functions.answer = answer
    put(aws, table, "a", "b")
    aws("lambda").create_event_source_mapping(EventSourceArn=table[1], FunctionName="f", StartingPosition="TRIM_HORIZON", BatchSize=1)
    until(lambda: len(functions.deliveries) >= 4, "two failures and two batches")
    assert keys(functions) == ["a", "a", "a", "b"]


def test_a_function_says_which_records_failed(aws, table, functions):
    def answer(delivery):
        bad = [record["dynamodb"]["SequenceNumber"] for record in delivery.json()["Records"] if record["dynamodb"]["Keys"]["k"]["S"] == "b"]
        first = len(functions.deliveries) == 0
        return 200, json.dumps({"batchItemFailures": [{"itemIdentifier": number} for number in bad if first]}).encode()

    functions.answer = answer
    put(aws, table, "a", "b", "c")
    aws("lambda").create_event_source_mapping(
        EventSourceArn=table[1], FunctionName="f", StartingPosition="TRIM_HORIZON", FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    until(lambda: len(functions.deliveries) >= 2, "the rest of the batch")
    assert keys(functions) == ["a", "b", "c", "b", "c"]


def test_a_mapping_of_the_settings_needs_no_client(start, moto, table, functions):
    start(mappings=[{"table": table[0], "function": "f"}])
    aws = lambda service: client(service, moto.url, marked=False)  # noqa: E731
    put(aws, table, "a", "b")
    until(lambda: keys(functions) == ["a", "b"], "both records")


def test_many_records_come_once_and_in_order(aws, table, functions):
    aws("lambda").create_event_source_mapping(EventSourceArn=table[1], FunctionName="f", StartingPosition="LATEST", BatchSize=10)
    wanted = [f"{number:03}" for number in range(150)]
    put(aws, table, *wanted)
    until(lambda: len(keys(functions)) >= 150, "all records", seconds=30)
    assert keys(functions) == wanted
