"""What LocalStack's API Gateway interceptor did (v0.10 to v0.14), row by row, through the plugin apigateway before moto of today.

The numbers are those of the rows in the report on LocalStack's listener; where AWS answers otherwise than LocalStack did, AWS's answer is expected.
"""

import json

import pytest
from harness.apigateway import mock, response
from test_apigateway_http import telling


def row_1_the_stage_is_only_a_name(api, **_):
    api.method("/pets", **mock('{"stage": "$context.stage"}'))
    assert api.call("GET", "/pets", stage="never-made").json() == {"stage": "never-made"}


def row_2_resources_come_from_the_backend_and_are_read_once(api, moto, **_):
    api.method("/pets", **mock())
    before = len(moto.log())
    for _ in range(5):
        assert api.call("GET", "/pets").status == 200
    read = [line for line in moto.log()[before:] if f"GET /restapis/{api.id}/resources?" in line]
    assert len(read) <= 1, read


def row_3_exact_before_parameters_before_greedy_and_no_slash_at_the_end(api, **_):
    for path in ("/{any+}", "/a/{x}", "/a/b"):
        api.method(path, **mock('{"at": "$context.resourcePath"}'))
    got = {path: api.call("GET", path).json()["at"] for path in ("/a/b", "/a/b/", "/a/c", "/a/b/c", "/z")}
    assert got == {"/a/b": "/a/b", "/a/b/": "/a/b", "/a/c": "/a/{x}", "/a/b/c": "/{any+}", "/z": "/{any+}"}


def row_4_no_path_and_a_preflight(api, **_):
    """LocalStack said 404 `Unable to find path`."""
    api.method("/pets", **mock())
    assert api.call("GET", "/nothing").json() == {"message": "Missing Authentication Token"}
    assert api.call("OPTIONS", "/pets", {"origin": "https://a.example"}).headers["access-control-allow-origin"] == "*"


def row_5_the_verb_then_any(api, **_):
    api.method("/pets", "GET", **mock("get")).method("/pets", "ANY", **mock("any"))
    assert (api.call("GET", "/pets").text, api.call("PATCH", "/pets").text) == ("get", "any")


def row_6_api_keys(api, unique, **_):
    """LocalStack said `Access denied - invalid API key`."""
    api.method("/pets", needs={"apiKeyRequired": True}, **mock()).deploy()
    value = f"{unique('a-key-that-is-long-enough')}-{api.id}"
    key = api.client.create_api_key(name=unique("key"), enabled=True, value=value)["id"]
    plan = api.client.create_usage_plan(name=unique("plan"), apiStages=[{"apiId": api.id, "stage": "dev"}])["id"]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    refused = api.call("GET", "/pets", {"x-api-key": "another"})
    assert (refused.status, refused.json()) == (403, {"message": "Forbidden"})
    assert api.call("GET", "/pets", {"X-API-Key": value}).status == 200


def row_7_authorizers_are_asked(api, functions, **_):
    """LocalStack enforced none."""
    uri = functions.add("row7", lambda event: {"principalId": "me", "policyDocument": policy("Allow" if event["authorizationToken"] == "yes" else "Deny")})
    made = api.client.create_authorizer(
        restApiId=api.id, name="a", type="TOKEN", authorizerUri=uri, identitySource="method.request.header.Authorization", authorizerResultTtlInSeconds=0
    )
    api.method("/pets", auth="CUSTOM", needs={"authorizerId": made["id"]}, **mock('{"who": "$context.authorizer.principalId"}')).deploy()
    assert api.call("GET", "/pets").status == 401
    assert api.call("GET", "/pets", {"authorization": "no"}).status == 403
    assert api.call("GET", "/pets", {"authorization": "yes"}).json() == {"who": "me"}


def policy(effect):
    return {"Version": "2012-10-17", "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"}]}


def row_8_and_9_a_lambda_proxy_event_with_its_request_context(api, functions, **_):
    uri = functions.add("row8", lambda event: {"statusCode": 202, "headers": {"x-a": "1"}, "multiValueHeaders": {"x-b": ["1", "2"]}, "body": "made"})
    api.method("/pets/{id}", "POST", type="AWS_PROXY", uri=uri).deploy(variables={"v": "w"})
    answer = api.call("POST", "/pets/7?q=1&q=2", {"x-my": "m", "user-agent": "tests"}, "hello")
    assert (answer.status, answer.text, answer.headers["x-a"]) == (202, "made", "1")
    assert [value for name, value in answer.values if name == "x-b"] == ["1", "2"]
    event = functions.events("row8")[-1]
    expected = {
        "resource": "/pets/{id}",
        "path": "/pets/7",
        "httpMethod": "POST",
        "pathParameters": {"id": "7"},
        "queryStringParameters": {"q": "2"},
        "multiValueQueryStringParameters": {"q": ["1", "2"]},
        "stageVariables": {"v": "w"},
        "body": "hello",
        "isBase64Encoded": False,
    }
    assert {name: event[name] for name in expected} == expected
    context = event["requestContext"]
    assert (context["apiId"], context["stage"], context["resourcePath"], context["httpMethod"]) == (api.id, "dev", "/pets/{id}", "POST")
    assert (context["path"], context["accountId"], context["identity"]["sourceIp"]) == ("/dev/pets/7", "123456789012", "127.0.0.1")
    assert context["identity"]["userAgent"] == "tests" and context["requestId"] and context["requestTimeEpoch"] and context["protocol"] == "HTTP/1.1"


def row_10_kinesis(api, unique, **_):
    stream = unique("stream")
    api.gateway.aws("kinesis").create_stream(StreamName=stream, ShardCount=1)
    api.method(
        "/put",
        "POST",
        type="AWS",
        uri="arn:aws:apigateway:us-east-1:kinesis:action/PutRecord",
        templates=f'{{"StreamName": "{stream}", "Data": "$util.base64Encode($input.json("$.data"))", "PartitionKey": "$input.path("$.key")"}}',
        responses=[response(200, '{"shard": $input.json("$.ShardId")}')],
    )
    answer = api.call("POST", "/put", {"content-type": "application/json"}, '{"data": {"a": 1}, "key": "k"}')
    assert (answer.status, answer.json()) == (200, {"shard": "shardId-000000000000"})


def row_11_sqs(api, unique, **_):
    sqs = api.gateway.aws("sqs")
    name = unique("queue")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    api.method(
        "/send",
        "POST",
        type="AWS",
        uri=f"arn:aws:apigateway:us-east-1:sqs:path/123456789012/{name}",
        templates='Action=SendMessage&MessageBody=$util.base64Encode($input.json("$"))',
        requestParameters={"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        responses=[response(200, "sent")],
    )
    assert api.call("POST", "/send", {"content-type": "application/json"}, '{"a":1}').text == "sent"
    assert [one["Body"] for one in sqs.receive_message(QueueUrl=url)["Messages"]] == ["eyJhIjoxfQ=="]


def row_12_step_functions(api, unique, **_):
    machines = api.gateway.aws("stepfunctions")
    definition = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    machine = machines.create_state_machine(name=unique("machine"), definition=definition, roleArn="arn:aws:iam::123456789012:role/r")["stateMachineArn"]
    api.method(
        "/start",
        "POST",
        type="AWS",
        uri="arn:aws:apigateway:us-east-1:states:action/StartExecution",
        templates=f'{{"stateMachineArn": "{machine}", "input": "$util.escapeJavaScript($input.body)"}}',
        responses=[response(200, '{"arn": $input.json("$.executionArn")}')],
    )
    arn = api.call("POST", "/start", {"content-type": "application/json"}, '{"a":1}').json()["arn"]
    assert json.loads(machines.describe_execution(executionArn=arn)["input"]) == {"a": 1}


def row_13_an_object_of_s3(api, unique, **_):
    s3 = api.gateway.aws("s3", s3={"addressing_style": "path"})
    bucket = unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a/b.txt", Body=b"content", ContentType="text/plain")
    api.method(
        "/files/{key+}",
        type="AWS",
        integrationHttpMethod="GET",
        uri=f"arn:aws:apigateway:us-east-1:s3:path/{bucket}/{{key}}",
        credentials="arn:aws:iam::123456789012:role/reader",
        requestParameters={"integration.request.path.key": "method.request.path.key"},
        responses=[response(200, parameters={"Content-Type": "integration.response.header.Content-Type"}), response(404, "gone", pattern="404")],
    )
    found = api.call("GET", "/files/a/b.txt")
    assert (found.status, found.text, found.headers["content-type"]) == (200, "content", "text/plain")
    assert (api.call("GET", "/files/nothing").status, api.call("GET", "/files/nothing").text) == (404, "gone")


def row_14_sns(api, unique, **_):
    sns, sqs = api.gateway.aws("sns"), api.gateway.aws("sqs")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    api.method(
        "/publish",
        "POST",
        type="AWS",
        uri="arn:aws:apigateway:us-east-1:sns:action/Publish",
        templates=f"Action=Publish&TopicArn=$util.urlEncode('{topic}')&Message=$util.urlEncode($input.body)",
        requestParameters={"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        responses=[response(200, "published")],
    )
    assert api.call("POST", "/publish", {"content-type": "application/json"}, '{"a":1}').text == "published"
    message = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert message["Message"] == '{"a":1}'


def row_15_dynamodb(api, unique, **_):
    table = unique("table")
    dynamodb = api.gateway.aws("dynamodb")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    api.method(
        "/items/{id}",
        "PUT",
        type="AWS",
        uri="arn:aws:apigateway:us-east-1:dynamodb:action/PutItem",
        templates=f'{{"TableName": "{table}", "Item": {{"id": {{"S": "$input.params("id")"}}, "n": {{"N": "$input.path("$.n")"}}}}}}',
        responses=[response(200, '{"put": "$input.params("id")"}')],
    )
    assert api.call("PUT", "/items/7", {"content-type": "application/json"}, '{"n": 5}').json() == {"put": "7"}
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "7"}})["Item"]["n"] == {"N": "5"}


def row_16_http_and_http_proxy(api, origin, **_):
    server = origin(telling())
    parameters = {"integration.request.path.name": "method.request.path.id", "integration.request.querystring.page": "method.request.querystring.p"}
    api.method("/http/{id}", type="HTTP", uri=f"{server.url}/x/{{name}}", requestParameters=parameters)
    api.method("/proxy/{id}", "POST", type="HTTP_PROXY", uri=f"{server.url}/y/{{id}}")
    assert api.call("GET", "/http/7?p=3").json()["target"] == "/x/7?page=3"
    got = api.call("POST", "/proxy/7?a=1", {"x-a": "b"}, "hello").json()
    assert (got["verb"], got["target"], got["body"], got["fields"]["x-a"]) == ("POST", "/y/7?a=1", "hello", "b")


def row_17_a_bare_mock_is_200(api, **_):
    api.method("/pets")
    assert (api.call("GET", "/pets").status, api.call("GET", "/pets").text) == (200, "{}")


def row_18_response_parameters_are_literals(api, **_):
    api.method("/pets", **mock(parameters={"X-A": "'a'", "Access-Control-Allow-Origin": "'*'"}))
    answer = api.call("GET", "/pets")
    assert (answer.headers["x-a"], answer.headers["access-control-allow-origin"]) == ("a", "*")


def row_19_an_integration_that_fails(api, functions, **_):
    """LocalStack said 400 `Error invoking integration for API Gateway ID …`."""
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:row19/invocations"
    functions.add("row19", lambda event: 1 / 0)
    api.method("/pets", type="AWS_PROXY", uri=uri)
    answer = api.call("GET", "/pets")
    assert (answer.status, answer.json()) == (502, {"message": "Internal server error"})


def row_20_what_moto_lacks_is_kept(api, **_):
    client = api.client
    part = client.create_documentation_part(restApiId=api.id, location={"type": "API"}, properties='{"description": "d"}')
    assert client.get_documentation_parts(restApiId=api.id)["items"][0]["id"] == part["id"]
    patch = [{"op": "replace", "path": "/properties", "value": "{}"}]
    assert client.update_documentation_part(restApiId=api.id, documentationPartId=part["id"], patchOperations=patch)["properties"] == "{}"
    client.delete_documentation_part(restApiId=api.id, documentationPartId=part["id"])
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_documentation_part(restApiId=api.id, documentationPartId=part["id"])
    # These moto has by itself.
    validator = client.create_request_validator(restApiId=api.id, name="v", validateRequestBody=True)["id"]
    assert client.get_request_validator(restApiId=api.id, requestValidatorId=validator)["name"] == "v"


def row_21_test_invoke(api, **_):
    api.method("/pets/{id}", **mock('{"id": "$input.params("id")"}'))
    told = api.client.test_invoke_method(**api.at("/pets/{id}", "GET"), pathWithQueryString="/pets/9")
    assert (told["status"], told["body"]) == (200, '{"id": "9"}')


def row_22_a_body_that_is_no_json_does_no_harm(api, **_):
    answer = api.gateway.send("POST", "/restapis", {"content-type": "application/json"}, "{no json")
    assert answer.status < 500 or "plugin apigateway" not in answer.text
    api.method("/pets", "POST", templates='{"statusCode": $input.json("$.status")}', responses=[response(200, "ok")])
    assert api.call("POST", "/pets", {"content-type": "application/json"}, "{no json").status == 500
    assert api.call("POST", "/pets", {"content-type": "application/json"}, '{"status": 200}').text == "ok"


def row_r1_documentation_versions(api, **_):
    assert api.client.get_documentation_versions(restApiId=api.id)["items"] == []


def row_r2_account_vpc_links_and_client_certificates(api, **_):
    client = api.client
    assert "throttleSettings" in client.get_account()
    assert isinstance(client.get_vpc_links()["items"], list)
    made = client.generate_client_certificate(description="d")
    assert client.get_client_certificate(clientCertificateId=made["clientCertificateId"])["description"] == "d"
    assert made["clientCertificateId"] in [one["clientCertificateId"] for one in client.get_client_certificates()["items"]]
    client.delete_client_certificate(clientCertificateId=made["clientCertificateId"])
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_client_certificate(clientCertificateId=made["clientCertificateId"])


def row_r3_the_region_of_an_api_is_remembered(gateway, unique, **_):
    api = gateway.api(unique("api"), region="ap-southeast-2").method("/pets", **mock())
    assert api.call("GET", "/pets").status == 200


ROWS = [(name.removeprefix("row_"), check) for name, check in list(globals().items()) if name.startswith("row_")]


@pytest.mark.parametrize(("name", "check"), ROWS, ids=[name for name, _ in ROWS])
def test_row(name, check, api, gateway, moto, origin, functions, unique):
    check(api=api, gateway=gateway, moto=moto, origin=origin, functions=functions, unique=unique)
