"""The plugin chaos: boto3 sees AWS's own errors and does what it does about them; a seed makes that repeatable."""

import concurrent.futures
import gzip
import http.client
import re
import threading
import time
import urllib.parse

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import add_header, client
from harness.origin import answer


@pytest.fixture
def chaos(tollgate, moto):
    """Starts a proxy with add-header and chaos: chaos(seed=1, …) returns its URL."""
    return lambda **settings: tollgate(moto.url, {**add_header(), "chaos": settings}).url


@pytest.fixture
def direct(moto):
    """A client of moto itself, to see what really came there."""
    return lambda service: client(service, moto.url, marked=False)


@pytest.fixture
def table(direct, unique):
    """A table, made behind the proxy's back."""
    name = unique("chaos")
    direct("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


class Calls:
    """DynamoDB with boto3's own retries; counts what goes over the wire."""

    def __init__(self, url, attempts):
        # The mode `legacy` waits 25 ms and more before DynamoDB's retries, `standard` up to a second.
        config = Config(retries={"total_max_attempts": attempts, "mode": "legacy"})
        self.client = boto3.session.Session().client("dynamodb", endpoint_url=url, config=config)
        self.client.meta.events.register("before-send.dynamodb", self._count)
        self.sent = 0

    def _count(self, **_):
        self.sent += 1

    def put(self, table, key):
        """Puts an item; returns how many retries boto3 says it took."""
        response = self.client.put_item(TableName=table, Item={"k": {"S": key}})
        return response["ResponseMetadata"]["RetryAttempts"]


def stored(direct, table):
    return sorted(item["k"]["S"] for item in direct("dynamodb").scan(TableName=table)["Items"])


def test_a_throttled_call_is_tried_again_and_then_fails(chaos, direct, table):
    calls = Calls(chaos(dynamodb_error_probability=1.0), attempts=4)
    with pytest.raises(calls.client.exceptions.ProvisionedThroughputExceededException) as error:
        calls.put(table, "never")
    assert calls.sent == 4
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RetryAttempts"] == 3
    assert "provisioned throughput" in response["Error"]["Message"]
    assert stored(direct, table) == []


def test_retries_bring_every_call_through(chaos, direct, table):
    calls = Calls(chaos(seed=7, dynamodb_error_probability=0.4), attempts=25)
    keys = [f"{number:03}" for number in range(60)]
    retries = [calls.put(table, key) for key in keys]
    assert calls.sent == 60 + sum(retries)
    # 40 are expected; less than 10 or more than 120 has a probability below one in a million.
    assert 10 <= sum(retries) <= 120
    assert stored(direct, table) == keys


def test_a_seed_makes_the_same_calls_fail(chaos, table):
    def run(seed):
        calls = Calls(chaos(seed=seed, dynamodb_error_probability=0.5), attempts=25)
        return [calls.put(table, str(number)) for number in range(30)]

    first = run(7)
    assert run(7) == first
    assert run(8) != first


def test_writes_are_throttled_and_reads_are_not(chaos, table):
    calls = Calls(chaos(dynamodb_write_error_probability=1.0), attempts=1)
    for _ in range(10):
        assert "Item" not in calls.client.get_item(TableName=table, Key={"k": {"S": "x"}})
        with pytest.raises(calls.client.exceptions.ProvisionedThroughputExceededException):
            calls.put(table, "x")
    assert calls.client.describe_table(TableName=table)["Table"]["ItemCount"] == 0


def test_a_batch_comes_through_in_parts(chaos, direct, table):
    url = chaos(seed=7, dynamodb_write_error_probability=0.5)
    keys = [f"{number:03}" for number in range(25)]
    puts = [{"PutRequest": {"Item": {"k": {"S": key}}}} for key in keys]
    dynamodb = client("dynamodb", url)
    left = dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"][table]
    missing = [put["PutRequest"]["Item"]["k"]["S"] for put in left]
    assert 0 < len(missing) < 25
    assert stored(direct, table) == sorted(set(keys) - set(missing))
    # boto3's batch_writer sends what was not processed again until nothing is left.
    resource = boto3.session.Session().resource(
        "dynamodb", endpoint_url=url, config=Config(retries={"total_max_attempts": 25, "mode": "legacy"})
    )
    with resource.Table(table).batch_writer() as batch:
        for key in keys:
            batch.put_item(Item={"k": key})
    assert stored(direct, table) == keys


def test_kinesis_reports_the_records_that_failed(chaos, direct, unique):
    stream = unique("stream")
    direct("kinesis").create_stream(StreamName=stream, ShardCount=1)
    kinesis = client("kinesis", chaos(seed=7, kinesis_error_probability=0.5))
    sent = [b"%d" % number for number in range(20)]
    answer = kinesis.put_records(
        StreamName=stream, Records=[{"Data": data, "PartitionKey": "p"} for data in sent]
    )
    failed = [
        record.get("ErrorCode") == "ProvisionedThroughputExceededException" for record in answer["Records"]
    ]
    assert answer["FailedRecordCount"] == sum(failed)
    assert 0 < sum(failed) < 20
    shard = direct("kinesis").list_shards(StreamName=stream)["Shards"][0]["ShardId"]
    iterator = direct("kinesis").get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = direct("kinesis").get_records(ShardIterator=iterator)["Records"]
    assert [record["Data"] for record in records] == [data for data, lost in zip(sent, failed) if not lost]


@pytest.mark.parametrize(
    ("service", "call", "status"),
    [
        ("s3", lambda client: client.list_buckets(), 503),
        ("sqs", lambda client: client.list_queues(), 503),
        ("sns", lambda client: client.list_topics(), 503),
        ("apigateway", lambda client: client.get_rest_apis(), 503),
        ("ec2", lambda client: client.describe_vpcs(), 503),
    ],
)
def test_a_rule_fails_a_service_in_its_own_protocol(chaos, service, call, status):
    url = chaos(
        faults=[{"service": service, "status": status, "code": "SlowDown", "message": "reduce <your> rate"}]
    )
    with pytest.raises(ClientError) as error:
        call(client(service, url))
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["Error"]["Code"] == "SlowDown"
    assert response["Error"]["Message"] == "reduce <your> rate"
    assert client("sts", url).get_caller_identity(), "another service is left alone"


def test_a_rule_knows_operations_of_rest_services(chaos):
    url = chaos(
        faults=[
            {
                "service": "lambda",
                "action": "ListFunctions",
                "status": 429,
                "code": "TooManyRequestsException",
            }
        ]
    )
    functions = client("lambda", url)
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.list_functions()
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName="none")


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_rule_knows_s3_by_any_signature(chaos, unique, version):
    url = chaos(faults=[{"service": "s3", "action": "GetObject", "status": 503, "code": "SlowDown"}])
    s3, bucket = client("s3", url, signature_version=version), unique("chaos")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k")
    assert error.value.response["Error"]["Code"] == "SlowDown"
    signed = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    status, _, text = request(url, "GET", signed.removeprefix(url))
    assert status == 503 and b"<Code>SlowDown</Code>" in text


def request(url, method, target, body=None, fields=None):
    """A request without boto3; returns status, fields and body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    connection.request(method, target, body=body, headers=fields or {})
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


def test_a_rule_knows_smithys_protocol(chaos):
    """As SDKs for JavaScript and Go call CloudWatch; boto3 prefers JSON."""
    url = chaos(faults=[{"action": "PutMetricData", "status": 400, "code": "Throttling"}])
    target = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    fields = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    status, head, body = request(url, "POST", target, b"\xa0", fields)
    assert (status, head["smithy-protocol"], head["content-type"]) == (400, "rpc-v2-cbor", "application/cbor")
    assert body.startswith(b"\xa2\x66__type\x6aThrottling")


@pytest.mark.parametrize(
    ("body", "coding"),
    [(gzip.compress(b"Action=ListTopics&Version=2010-03-31"), "gzip"), (b"Action=\xff\xfe", "identity")],
    ids=["gzip", "not UTF-8"],
)
def test_forms_that_cannot_be_read_pass(tollgate, origin, body, coding):
    came = []
    taken = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken"
    backend = origin(answer(taken, came))
    url = tollgate(backend.url, {"chaos": {"faults": [{"action": "Publish", "status": 503}]}}).url
    fields = {"content-type": "application/x-www-form-urlencoded", "content-encoding": coding}
    assert request(url, "POST", "/", body, fields)[::2] == (200, b"taken")
    assert [each.body for each in came] == [body]


def test_a_rule_delays(chaos):
    url = chaos(faults=[{"service": "sts", "latency_ms": 400}])
    started = time.monotonic()
    client("sts", url).get_caller_identity()
    assert time.monotonic() - started >= 0.4


def test_slow_calls_do_not_hold_up_others(chaos):
    """While 20 calls wait in the plugin, more than there are threads, another service is served."""
    url = chaos(faults=[{"service": "sts", "latency_ms": 3000}])
    sent, ended = threading.Semaphore(0), []

    def slow(_):
        sts = client("sts", url)
        sts.meta.events.register("before-send.sts", lambda **_: sent.release())
        ended.append(sts.get_caller_identity())

    other = client("sqs", url)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        calls = pool.map(slow, range(20))
        for _ in range(20):
            assert sent.acquire(timeout=30)
        other.list_queues()
        assert len(ended) < 20, "the call came through only after all that waited"
        list(calls)


@pytest.mark.parametrize(
    ("plugin", "settings", "told"),
    [
        ("chaos", {"faults": [{"latency_msec": 5}]}, "unknown field `latency_msec`, expected one of"),
        ("chaos", {"faults": [{"service": "S3", "status": 500}]}, 'faults[0].service is "S3" and can never strike'),
        ("arn-rewrite", {"account": {"client": "1", "backend": "2"}}, 'account.client is "1": expected twelve digits'),
        ("cors", {"max_age": "long"}, 'setting max_age is "long": expected u32'),
        ("add-header", {"nmae": "x"}, "setting nmae is unknown: there are name, value"),
    ],
)
def test_a_mistake_in_settings_keeps_the_plugin_out_of_service(tollgate, connect, plugin, settings, told):
    proxy = tollgate("http://127.0.0.1:9", {plugin: settings})
    # The log is written by a thread of its own, so its lines may come after the word that the proxy is ready.
    proxy.process.wait_for(f"ERROR .*plugin {plugin}: .* answered 503: .*{re.escape(told)}", label="err")
    assert connect(proxy).request("GET", "/").status == 503
