"""The plugin apigateway and services of AWS: what a call of an API leaves in moto's queues, tables, streams, buckets and state machines."""

import json
import time
import urllib.request

import boto3
import pytest
from harness.apigateway import JSON, response
from harness.waiting import until

AT = "arn:aws:apigateway:us-east-1:"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
FORM = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}


@pytest.fixture
def direct(moto):
    """A client that asks moto itself, so that what is found there came by the API."""
    return lambda service: boto3.client(service, endpoint_url=moto.url, region_name="us-east-1")


def told(answer):
    return answer.status, answer.json()


@pytest.fixture
def queue(direct, unique):
    client, name = direct("sqs"), unique("queue")
    url = client.create_queue(QueueName=name)["QueueUrl"]

    def received():
        messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [message["Body"] for message in messages]

    received.name, received.url = name, url
    received.arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    return received


def post(api, body, path="/", kind=JSON):
    return api.call("POST", path, {"content-type": kind}, body if isinstance(body, (str, bytes)) else json.dumps(body))


def aws(api, uri, templates=None, path="/", verb="POST", responses=None, **more):
    """A method with an integration of type AWS, whose answers say `ok` or `no`."""
    said = responses or [response(200, '{"ok": true}'), response(400, '{"ok": false}', pattern="4\\d{2}"), response(500, "", pattern="5\\d{2}")]
    return api.method(path, verb, type="AWS", uri=AT + uri, credentials=ROLE, templates=templates, responses=said, **more)


def test_a_message_by_the_path_of_a_queue(api, queue):
    template = "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
    found = [response(200, '{"id": "$input.path("$.SendMessageResponse.SendMessageResult.MessageId")"}')]
    aws(api, f"sqs:path/{ACCOUNT}/{queue.name}", template, requestParameters=FORM, responses=found).deploy()
    body = '{"a": "1&b=2 \u00fc"}'
    assert post(api, body.encode()).status == 200
    assert queue() == [body]


def test_a_message_without_a_template(api, queue):
    aws(api, f"sqs:path/{ACCOUNT}/{queue.name}").deploy()
    # A client can't make it another action.
    for body in ('{"a": 1}', "Action=PurgeQueue", "x&Action=DeleteQueue"):
        assert told(post(api, body)) == (200, {"ok": True})
    assert sorted(queue()) == sorted(['{"a": 1}', "Action=PurgeQueue", "x&Action=DeleteQueue"])


def test_a_message_by_action_and_parameters(api, queue):
    parameters = {
        "integration.request.querystring.QueueUrl": f"'{queue.url}'",
        "integration.request.querystring.MessageBody": "method.request.body",
        "integration.request.querystring.Action": "method.request.querystring.Action",
    }
    aws(api, "sqs:action/SendMessage", requestParameters=parameters).deploy()
    assert told(post(api, "hello & more", path="/?Action=DeleteQueue", kind="text/plain")) == (200, {"ok": True})
    assert queue() == ["hello & more"]


def test_a_queue_that_is_not_there(api):
    aws(api, f"sqs:path/{ACCOUNT}/nobody", "Action=SendMessage&MessageBody=x").deploy()
    assert told(post(api, "{}")) == (400, {"ok": False})


def test_a_topic(api, queue, direct, unique):
    topic = direct("sns").create_topic(Name=unique("topic"))["TopicArn"]
    direct("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})
    template = f"Action=Publish&TopicArn=$util.urlEncode('{topic}')&Message=$util.urlEncode($input.path('$.text'))"
    aws(api, "sns:path//", template, requestParameters=FORM).deploy()
    assert told(post(api, {"text": "h\u00e9llo & more"})) == (200, {"ok": True})
    assert until(queue, "the message") == ["h\u00e9llo & more"]
    parameters = {"integration.request.querystring.TopicArn": f"'{topic}'", "integration.request.querystring.Message": "method.request.querystring.m"}
    aws(api, "sns:action/Publish", path="/a", requestParameters=parameters).deploy()
    assert told(post(api, "", path="/a?m=by%20action")) == (200, {"ok": True})
    assert until(queue, "the message") == ["by action"]


def test_a_stream(api, direct, unique):
    kinesis, name = direct("kinesis"), unique("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    template = f"""{{"StreamName": "{name}", "Data": "$util.base64Encode($input.json('$.data'))", "PartitionKey": "$input.path('$.key')"}}"""
    found = [response(200, '{"shard": "$input.path("$.ShardId")"}'), response(400, "no", pattern="4..")]
    aws(api, "kinesis:action/PutRecord", template, responses=found).deploy()
    assert told(post(api, {"data": {"a": 1}, "key": "k"})) == (200, {"shard": "shardId-000000000000"})
    shard = kinesis.get_shard_iterator(StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=shard)["Records"]
    assert (json.loads(record["Data"]), record["PartitionKey"]) == ({"a": 1}, "k")


@pytest.fixture
def table(direct, unique):
    client, name = direct("dynamodb"), unique("table")
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_a_table_is_written_and_read(api, direct, table):
    put = f"""{{"TableName": "{table}", "Item": {{"id": {{"S": "$context.requestId"}}, "name": {{"S": "$input.path('$.name')"}}}}}}"""
    aws(api, "dynamodb:action/PutItem", put, "/pets").deploy()
    assert told(post(api, {"name": "Rex"}, "/pets")) == (200, {"ok": True})
    (item,) = direct("dynamodb").scan(TableName=table)["Items"]
    assert item["name"] == {"S": "Rex"}
    get = f"""{{"TableName": "{table}", "Key": {{"id": {{"S": "$input.params('id')"}}}}}}"""
    found = """#if($input.path('$.Item') != "")$input.json('$.Item.name.S')#{else}#set($context.responseOverride.status = 404)"nobody"#end"""
    aws(api, "dynamodb:action/GetItem", get, "/pets/{id}", "GET", responses=[response(200, found)]).deploy()
    assert told(api.call("GET", f"/pets/{item['id']['S']}")) == (200, "Rex")
    wrong = aws(api, "dynamodb:action/GetItem", '{"TableName": "nobody", "Key": {"id": {"S": "x"}}}', "/wrong").deploy()
    assert told(post(wrong, "{}", "/wrong")) == (400, {"ok": False})


def test_a_client_chooses_neither_service_nor_action(api, direct, table):
    get = f'{{"TableName": "{table}", "Key": {{"id": {{"S": "x"}}}}}}'
    aws(api, "dynamodb:action/GetItem", get).deploy()
    other = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/sqs/aws4_request"
    headers = {"content-type": JSON, "x-amz-target": "DynamoDB_20120810.DeleteTable", "authorization": other}
    assert told(api.call("POST", "/?Action=DeleteTable", headers, json.dumps({"TableName": table}))) == (200, {"ok": True})
    assert table in direct("dynamodb").list_tables()["TableNames"]


@pytest.fixture
def machine(direct, moto, unique):
    """A state machine that moto carries out."""

    def configure(runs):
        body = json.dumps({"stepfunctions": {"execute_state_machine": runs}}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{moto.url}/moto-api/config", body, {"content-type": JSON}, method="POST"), timeout=10)

    configure(True)
    states = {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Done"}, "Done": {"Type": "Pass", "Result": {"done": True}, "End": True}}
    definition = json.dumps({"StartAt": "Wait", "States": states})
    made = direct("stepfunctions").create_state_machine(name=unique("machine"), definition=definition, roleArn=ROLE)
    yield made["stateMachineArn"]
    configure(False)


def test_an_execution_is_started(api, direct, machine):
    template = f"""{{"stateMachineArn": "{machine}", "input": "$util.escapeJavaScript($input.json('$'))"}}"""
    found = [response(200, '{"arn": "$input.path("$.executionArn")"}')]
    aws(api, "states:action/StartExecution", template, responses=found).deploy()
    answer = post(api, {"pet": "Rex"})
    described = direct("stepfunctions").describe_execution(executionArn=answer.json()["arn"])
    assert json.loads(described["input"]) == {"pet": "Rex"}


def test_an_execution_is_waited_for(api, machine):
    template = f'{{"stateMachineArn": "{machine}", "input": "{{}}"}}'
    found = [response(200, '{"status": "$input.path("$.status")", "output": $input.path("$.output")}')]
    aws(api, "states:action/StartSyncExecution", template, responses=found).deploy()
    began = time.monotonic()
    assert told(post(api, "{}")) == (200, {"status": "SUCCEEDED", "output": {"done": True}})
    assert time.monotonic() - began >= 1
    aws(api, "states:action/StartSyncExecution", template, "/short", responses=found, timeoutInMillis=200).deploy()
    assert told(post(api, "{}", "/short")) == (504, {"message": "Endpoint request timed out"})


@pytest.fixture
def bucket(direct, unique):
    name = unique("bucket")
    direct("s3").create_bucket(Bucket=name)
    return name


def objects(gateway, unique, bucket):
    """An API before a bucket: GET, PUT and DELETE of `/{key+}`, bytes as they are."""
    api = gateway.api(unique("api"), binaryMediaTypes=["*/*"])
    parameters = {"integration.request.path.key": "method.request.path.key", "integration.request.header.Content-Type": "method.request.header.Content-Type"}
    headers = {"Content-Type": "integration.response.header.Content-Type", "ETag": "integration.response.header.ETag"}
    for verb in ("GET", "PUT", "DELETE"):
        said = [
            response(200, parameters=headers),
            response(204, pattern="204"),
            response(404, '{"message": "no such key"}', pattern="404"),
            response(403, pattern="403"),
        ]
        more = {"requestParameters": parameters, "integrationHttpMethod": verb, "credentials": ROLE}
        needs = {"requestParameters": {"method.request.path.key": True}}
        api.method("/{key+}", verb, type="AWS", uri=f"{AT}s3:path/{bucket}/{{key}}", needs=needs, responses=said, **more)
    return api.deploy()


def test_objects(gateway, direct, bucket, unique):
    api, s3 = objects(gateway, unique, bucket), direct("s3")
    data = bytes(range(256)) * 400
    answer = api.call("PUT", "/a/b%20c/%C3%BC.bin", {"content-type": "image/png"}, data)
    assert (answer.status, answer.headers["etag"]) == (200, s3.head_object(Bucket=bucket, Key="a/b c/\u00fc.bin")["ETag"])
    assert s3.get_object(Bucket=bucket, Key="a/b c/\u00fc.bin")["Body"].read() == data
    for headers in ({"accept": "image/png"}, {}):
        answer = api.call("GET", "/a/b%20c/%C3%BC.bin", headers)
        assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/png", data)
    assert api.call("DELETE", "/a/b%20c/%C3%BC.bin").status == 204
    assert told(api.call("GET", "/a/b%20c/%C3%BC.bin")) == (404, {"message": "no such key"})


def test_a_key_leads_out_of_no_bucket(gateway, direct, bucket, unique):
    other = unique("bucket")
    direct("s3").create_bucket(Bucket=other)
    direct("s3").put_object(Bucket=other, Key="secret", Body=b"secret")
    api = objects(gateway, unique, bucket)
    paths = ("/../", "/%2e%2e/", "/..%2F", "/a/../../", "/%2e%2e%2f", "/..%5C", "/./../", "/a/./../")
    for path in (f"{one}{other}/secret" for one in paths):
        for verb in ("GET", "PUT", "DELETE"):
            assert told(api.call(verb, path)) == (400, {"message": "Bad Request"}), (verb, path)
    assert direct("s3").get_object(Bucket=other, Key="secret")["Body"].read() == b"secret"


def test_an_action_that_is_not_known(api):
    aws(api, "s3:action/Nonsense").deploy()
    assert told(post(api, "{}")) == (500, {"message": "Internal server error"})
    api.gateway.proxy.process.wait_for(f"{api.id} POST /: .*s3:action/Nonsense is not known", seconds=10)


@pytest.fixture
def http_api(gateway, unique):
    """Makes an HTTP API with one integration with a service: http_api(subtype, parameters)."""
    client = gateway.aws("apigatewayv2")

    def make(subtype, parameters):
        api_id = client.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
        made = client.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationSubtype=subtype,
            PayloadFormatVersion="1.0",
            RequestParameters=parameters,
            CredentialsArn=ROLE,
        )
        client.create_route(ApiId=api_id, RouteKey="POST /", Target=f"integrations/{made['IntegrationId']}")
        return lambda body, query="": gateway.send("POST", f"/restapis/{api_id}/$default/_user_request_/{query}", {"content-type": JSON}, body)

    return make


def test_services_of_an_http_api(http_api, queue, machine, direct):
    answer = http_api("SQS-SendMessage", {"QueueUrl": queue.url, "MessageBody": "$request.body.text"})('{"text": "h\u00e9llo"}'.encode())
    assert answer.status == 200 and queue() == ["h\u00e9llo"]
    assert http_api("SQS-SendMessage", {"QueueUrl": queue.url, "MessageBody": "$request.body.gone"})("{}").status == 500
    answer = http_api("StepFunctions-StartSyncExecution", {"StateMachineArn": machine, "Input": "$request.body"})("{}")
    assert (answer.status, answer.json()["status"]) == (200, "SUCCEEDED")


def test_a_stream_of_an_http_api(http_api, direct, unique):
    kinesis, name = direct("kinesis"), unique("stream")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    parameters = {"StreamName": name, "Data": "$request.body", "PartitionKey": "$request.querystring.key"}
    assert http_api("Kinesis-PutRecord", parameters)("hello", "?key=k").status == 200
    shard = kinesis.get_shard_iterator(StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert [(record["Data"], record["PartitionKey"]) for record in kinesis.get_records(ShardIterator=shard)["Records"]] == [(b"hello", "k")]
