import json
from urllib.parse import parse_qsl

import pytest
from apigateway import parameters
from apigateway.errors import GatewayError
from apigateway.integrations import aws, aws_target, lambda_, lambda_response, subtypes
from apigateway.message import EndpointRequest, EndpointResponse
from apigateway.parameters import uri_with
from apigateway.reach import SendFailed
from world import ACCOUNT, api, answer, call, function

AT = "arn:aws:apigateway:us-east-1:"


def ask(world, uri, body=b"", method="POST", query=(), fields=(), templates=True, answers=None, **integration):
    """What was sent: method, URL without the mock's own, header fields, body; and what came."""
    world.answers = answers or [answer({})]
    made = call(integration={"requestTemplates": {"application/json": "x"} if templates else None, **integration})
    got = aws.ask(made, EndpointRequest(method, AT + uri, list(query), list(fields), body), world)
    method, url, sent, body, _ = world.sent[0]
    return method, url.removeprefix("http://mock"), sent, body, got


def test_a_queue_by_its_path(world):
    form = b"Action=SendMessage&MessageBody=hello"
    method, path, fields, body, _ = ask(world, f"sqs:path/{ACCOUNT}/jobs", form, fields=[("Content-Type", "application/json")])
    assert (method, path, body) == ("POST", f"/{ACCOUNT}/jobs", form)
    assert fields["content-type"] == "application/x-www-form-urlencoded" and "Content-Type" not in fields
    assert "/us-east-1/sqs/aws4_request" in fields["authorization"]


def test_a_body_that_no_template_made_is_a_message_whatever_it_says(world):
    for text in (b'{"a": 1}', b"Action=PurgeQueue", b"a&Action=PurgeQueue"):
        world.sent.clear()
        body = ask(world, f"sqs:path/{ACCOUNT}/jobs", text, templates=False)[3]
        assert parse_qsl(body.decode()) == [("Action", "SendMessage"), ("MessageBody", text.decode())]


def test_the_query_protocol(world):
    query = [("TopicArn", "arn:t"), ("Message", "a&b"), ("Action", "DeleteTopic")]
    method, path, fields, body, _ = ask(world, "sns:action/Publish", query=query)
    assert (method, path) == ("POST", "/")
    assert parse_qsl(body.decode()) == [("Action", "Publish"), ("TopicArn", "arn:t"), ("Message", "a&b")]
    world.sent.clear()
    body = ask(world, "sqs:action/SendMessage", b"QueueUrl=q&Action=PurgeQueue&MessageBody=%7B%7D")[3]
    assert parse_qsl(body.decode()) == [("Action", "SendMessage"), ("QueueUrl", "q"), ("MessageBody", "{}")]


@pytest.mark.parametrize(
    ("uri", "target", "kind"),
    [
        ("dynamodb:action/PutItem", "DynamoDB_20120810.PutItem", "application/x-amz-json-1.0"),
        ("kinesis:action/PutRecord", "Kinesis_20131202.PutRecord", "application/x-amz-json-1.1"),
        ("states:action/StopExecution", "AWSStepFunctions.StopExecution", "application/x-amz-json-1.0"),
        ("events:action/PutEvents", "AWSEvents.PutEvents", "application/x-amz-json-1.1"),
    ],
)
def test_json_protocols(world, uri, target, kind):
    fields = [("X-Amz-Target", "DynamoDB_20120810.DeleteTable"), ("Authorization", "client's own"), ("Host", "x")]
    method, path, sent, body, _ = ask(world, uri, b'{"a": 1}', method="GET", fields=fields)
    assert (method, path, body) == ("POST", "/", b'{"a": 1}')
    assert (sent["x-amz-target"], sent["content-type"]) == (target, kind)
    assert "X-Amz-Target" not in sent and "Authorization" not in sent and "Host" not in sent


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("PUT", b"\0\xff"), ("DELETE", b"")])
def test_objects(world, method, body):
    sent = ask(world, "s3:path/bucket/a%20b/c", body, method=method, query=[("versionId", "1 2")])
    assert sent[:2] == (method, "/bucket/a%20b/c?versionId=1+2")
    assert sent[3] == body and "/us-east-1/s3/aws4_request" in sent[2]["authorization"]


def test_xml_becomes_json(world):
    space = 'xmlns="http://queue.amazonaws.com/doc/2012-11-05/"'
    sent = f"<SendMessageResponse {space}><SendMessageResult><MessageId>m</MessageId></SendMessageResult></SendMessageResponse>".encode()
    got = ask(world, "sqs:action/SendMessage", answers=[answer(sent, content_type="text/xml")])[4]
    assert json.loads(got.body) == {"SendMessageResponse": {"SendMessageResult": {"MessageId": "m"}}}
    assert got.fields == [("content-type", "application/json")]
    failed = b"<?xml version='1.0'?><ErrorResponse><Error><Code>X</Code></Error><RequestId>r</RequestId></ErrorResponse>"
    assert json.loads(ask(world, "sns:action/Publish", answers=[answer(failed, 400)])[4].body) == {"Error": {"Code": "X"}, "RequestId": "r"}
    several = b"<A><L><member>1</member></L><B>1</B><B>2</B><E/></A>"
    assert json.loads(ask(world, "sns:action/Publish", answers=[answer(several)])[4].body) == {"A": {"L": ["1"], "B": ["1", "2"], "E": ""}}
    # An object is as it is, and so is what is no XML.
    assert ask(world, "s3:path/b/x.xml", method="GET", answers=[answer(sent, content_type="text/xml")])[4].body == sent
    for other in (b"<broken", b'{"a": 1}', b""):
        assert ask(world, "sqs:action/SendMessage", answers=[answer(other)])[4].body == other


def test_objects_by_action(world):
    assert ask(world, "s3:action/GetObject&Bucket=b&Key=a/b c", method="GET")[:2] == ("GET", "/b/a/b%20c")
    for wrong in ("GetObject&Bucket=b", "GetObject&Bucket=..&Key=x", "PutObject&Bucket=b&Key=../c/d", "DeleteEverything"):
        with pytest.raises(GatewayError) as error:
            ask(world, f"s3:action/{wrong}")
        assert error.value.status == 500


@pytest.mark.parametrize("value", ["..", "../x", "a/../b", "a\\..\\b", "."])
def test_a_placeholder_stays_where_it_is(value):
    uri = "arn:…:s3:path/bucket/{key}"
    for made, values in ((call(), {"key": value}), (call(path_parameters={"key": value}), {})):
        with pytest.raises(GatewayError) as error:
            uri_with(uri, made, values)
        assert error.value.status == 400
    assert uri_with("x/{key}", call(), {"key": "..a/b?c#d%2e"}) == "x/..a/b%3Fc%23d%252e"


@pytest.mark.parametrize("uri", ["", "http://x", AT + "sqs", AT + "sqs:other/x", "arn:aws:s3:::bucket"])
def test_what_is_no_uri(uri):
    with pytest.raises(aws_target.BadUri):
        aws_target.read(uri)


@pytest.mark.parametrize(
    ("reason", "status", "message"),
    [("timed-out", 504, "Endpoint request timed out"), ("unreachable", 504, "Network error communicating with endpoint")],
)
def test_no_answer(world, reason, status, message):
    with pytest.raises(GatewayError) as error:
        ask(world, "dynamodb:action/Scan", answers=[SendFailed(reason)])
    assert (error.value.status, error.value.message) == (status, message)


def test_an_execution_is_waited_for(world):
    started, running, done = answer({"executionArn": "arn:e"}), answer({"status": "RUNNING"}), answer({"status": "SUCCEEDED", "output": "{}"})
    got = ask(world, "states:action/StartSyncExecution", b'{"stateMachineArn": "m"}', answers=[started, running, running, done])[4]
    assert json.loads(got.body) == {"status": "SUCCEEDED", "output": "{}"}
    assert [sent[2]["x-amz-target"].partition(".")[2] for sent in world.sent] == ["StartExecution"] + ["DescribeExecution"] * 3
    assert json.loads(world.sent[1][3]) == {"executionArn": "arn:e"}
    # A name of its own, as AWS would give it.
    assert len(json.loads(world.sent[0][3])["name"]) == 36
    refused = answer({"__type": "StateMachineDoesNotExist"}, 400)
    assert ask(world, "states:action/StartSyncExecution", answers=[refused])[4].status == 400
    with pytest.raises(GatewayError) as error:
        ask(world, "states:action/StartSyncExecution", answers=[started, *[running] * 100], timeoutInMillis=3000)
    assert error.value.message == "Endpoint request timed out"


def test_a_function_without_the_proxy(world):
    uri = function("f").removeprefix(AT)
    assert ask(world, uri, b' {"a": 1}', answers=[answer({"b": 2})])[4].selection == ""
    assert world.sent[0][3] == b'{"a": 1}' and world.sent[0][2]["x-amz-invocation-type"] == "RequestResponse"
    failed = answer({"errorMessage": "no such pet"}, x_amz_function_error="Unhandled")
    assert ask(world, uri, answers=[failed])[4].selection == "no such pet"
    for failed, selection in ((answer({}, x_amz_function_error="Unhandled"), "{}"), (answer(b"", x_amz_function_error="Handled"), "Unhandled")):
        assert ask(world, uri, answers=[failed])[4].selection == selection
    world.sent.clear()
    ask(world, uri, fields=[("X-Amz-Invocation-Type", "'Event'")], answers=[answer(b"", 202)])
    assert world.sent[0][2]["x-amz-invocation-type"] == "Event"


def proxied(world, said, kind="REST", version=None, **more):
    world.answers = [said]
    given = {"uri": function("${stageVariables.fn}"), "integrationUri": function("${stageVariables.fn}"), "payloadFormatVersion": version}
    made = call(api(kind), integration=given, stage_variables={"fn": "f"}, **more)
    return lambda_.invoke_proxy(made, world)


def test_the_proxy_answers(world):
    said = {
        "statusCode": "201",
        "headers": {"X-One": "1", "Content-Type": "text/plain", "X-Bool": True, "X-Number": 3, "X-None": None, "Content-Length": "999"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "X-One": ["0"]},
        "body": "caf\u00e9",
        "isBase64Encoded": False,
    }
    got = proxied(world, answer(said))
    assert (got.status, got.body) == (201, "caf\u00e9".encode())
    cookies, ones = [("set-cookie", "a=1"), ("set-cookie", "b=2")], [("x-one", "0"), ("x-one", "1")]
    assert got.fields == [*cookies, *ones, ("content-type", "text/plain"), ("x-bool", "true"), ("x-number", "3")]
    assert "function%3Af/" in world.sent[0][1]
    assert proxied(world, answer({"isBase64Encoded": True, "body": "AP8="})).body == b"\0\xff"
    got = proxied(world, answer({}))
    assert (got.status, got.body, got.fields) == (200, b"", [("content-type", "application/json")])


@pytest.mark.parametrize(
    "said",
    [
        answer(b""),
        answer(b"no JSON"),
        answer(None),
        answer("text"),
        answer([]),
        answer({"statusCode": 200, "other": 1}),
        answer({"statusCode": "ok"}),
        answer({"statusCode": True}),
        answer({"statusCode": 99}),
        answer({"statusCode": 101}),
        answer({"statusCode": 600}),
        answer({"statusCode": {}}),
        answer({"body": {"a": 1}}),
        answer({"body": 1}),
        answer({"headers": []}),
        answer({"headers": {"a": {}}}),
        answer({"headers": {"a": "b\r\nc: d"}}),
        answer({"headers": {"a b": "c"}}),
        answer({"headers": {"": "c"}}),
        answer({"multiValueHeaders": {"a": "b"}}),
        answer({"isBase64Encoded": True, "body": "\u00e9"}),
        answer({"isBase64Encoded": "yes", "body": "x"}),
        answer({"statusCode": 200}, x_amz_function_error="Unhandled"),
    ],
)
def test_malformed_answers(world, said):
    with pytest.raises(GatewayError) as error:
        proxied(world, said)
    assert (error.value.status, error.value.message) == (502, "Internal server error")


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        (answer({}, 404), 500, "Internal server error"),
        (answer({}, 429), 500, "Internal server error"),
        (SendFailed("unreachable"), 500, "Internal server error"),
        (SendFailed("timed-out"), 504, "Endpoint request timed out"),
    ],
)
def test_a_function_that_gives_no_answer(world, said, status, message):
    with pytest.raises(GatewayError) as error:
        proxied(world, said)
    assert (error.value.status, error.value.message) == (status, message)


def test_events(world):
    more = {
        "method": "POST",
        "path": "/pets/a%20b",
        "resource": "/pets/{id}",
        "path_parameters": {"id": "a b"},
        "query": [("q", "1"), ("q", "2"), ("r", "")],
        "headers": {"content_type": "text/plain", "cookie": "a=1; b=2", "content_length": "5"},
        "body": b"hello",
    }
    proxied(world, answer({}), **more)
    event = world.payloads()[0]
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/pets/{id}", "/pets/a%20b", "POST")
    assert (event["queryStringParameters"], event["multiValueQueryStringParameters"]) == ({"q": "2", "r": ""}, {"q": ["1", "2"], "r": [""]})
    assert (event["pathParameters"], event["stageVariables"], event["body"], event["isBase64Encoded"]) == ({"id": "a b"}, {"fn": "f"}, "hello", False)
    assert event["headers"]["Content-Type"] == "text/plain" and "Content-Length" not in event["headers"]
    assert event["requestContext"]["resourcePath"] == "/pets/{id}" and event["requestContext"]["path"] == "/prod/pets/a%20b"
    proxied(world, answer("x"), "HTTP", "2.0", method_doc={"routeKey": "POST /pets/{id}"}, **more)
    event = world.payloads()[1]
    assert (event["version"], event["routeKey"], event["rawPath"], event["rawQueryString"]) == ("2.0", "POST /pets/{id}", "/prod/pets/a%20b", "q=1&q=2&r=")
    assert (event["cookies"], event["queryStringParameters"]["q"], event["body"]) == (["a=1", "b=2"], "1,2", "hello")
    assert "cookie" not in event["headers"] and event["requestContext"]["http"]["sourceIp"] == "10.1.2.3"
    proxied(world, answer({}), body=b"\xff\0")
    assert (world.payloads()[2]["body"], world.payloads()[2]["isBase64Encoded"]) == ("/wA=", True)
    proxied(world, answer({}))
    assert [world.payloads()[3][name] for name in ("body", "queryStringParameters", "pathParameters", "headers")] == [None] * 4


def test_format_2():
    assert lambda_response.read_2(b'{"a": 1}').body == b'{"a": 1}'
    got = lambda_response.read_2(b'"hello"')
    assert (got.status, got.body, got.fields) == (200, b"hello", [("content-type", "application/json")])
    got = lambda_response.read_2(json.dumps({"statusCode": 404, "cookies": ["a=1"], "headers": {"X": "y"}, "body": "no"}).encode())
    assert (got.status, got.body, got.fields) == (404, b"no", [("x", "y"), ("set-cookie", "a=1"), ("content-type", "text/plain;charset=UTF-8")])
    for wrong in ({"statusCode": 1000}, {"statusCode": 200, "cookies": "a"}, {"statusCode": 200, "body": {}}):
        with pytest.raises(lambda_response.Malformed):
            lambda_response.read_2(json.dumps(wrong).encode())


def test_subtypes():
    def made(subtype, parameters, body=b'{"text": "hi", "n": {"m": 2}}', **more):
        integration = {"integrationSubtype": subtype, "requestParameters": parameters}
        return subtypes.request(call(api("HTTP"), integration=integration, body=body, **more))

    target, request = made("SQS-SendMessage", {"QueueUrl": "http://q", "MessageBody": "$request.body.text", "DelaySeconds": "3"})
    assert (target.service, target.rest, target.region) == ("sqs", "SendMessage", "us-east-1")
    assert json.loads(request.body) == {"QueueUrl": "http://q", "MessageBody": "hi", "DelaySeconds": 3}
    target, request = made("StepFunctions-StartExecution", {"StateMachineArn": "m", "Input": "$request.body", "Region": "eu-west-1"})
    assert target.region == "eu-west-1" and json.loads(request.body)["input"] == '{"text": "hi", "n": {"m": 2}}'
    parameters = {"Detail": "${request.body.n}!", "DetailType": "$request.querystring.t", "Source": "x-${context.stage}"}
    request = made("EventBridge-PutEvents", parameters, query=[("t", "T")])[1]
    assert json.loads(request.body)["Entries"] == [{"Detail": '{"m":2}!', "DetailType": "T", "Source": "x-prod"}]
    assert json.loads(made("Kinesis-PutRecord", {"StreamName": "s", "Data": "a", "PartitionKey": "p"})[1].body)["Data"] == "YQ=="
    for subtype, parameters in (("SQS-Delete", {}), ("SQS-SendMessage", {}), ("SQS-SendMessage", {"MessageBody": "$request.body.gone"})):
        with pytest.raises(aws_target.BadUri):
            made(subtype, {"QueueUrl": "q", **parameters})


@pytest.mark.parametrize("which", ["method.request.body.x", "integration.response.body.x"])
def test_a_mapping_reads_no_body_that_is_nested_too_deeply(which):
    deep = b"[" * 200_000
    with pytest.raises(GatewayError):
        parameters.source(which)(call(body=deep), EndpointResponse(200, [], deep))
