"""The plugin arn-rewrite: clients see another account in every ARN and URL, what they send with it works, and what they
store stays as it is."""

import base64
import hashlib
import hmac
import http.client
import io
import json
import random
import zipfile

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import add_header, client
from harness.servers import Moto, Tollgate

BACKEND = "123456789012"  # moto's own
SHOWN = "000000000000"


@pytest.fixture(scope="module")
def rewriting(tmp_path_factory):
    """A proxy with add-header and arn-rewrite before a moto of its own: names of accounts are not shared."""
    moto = Moto()
    settings = {"account": {"client": SHOWN, "backend": BACKEND}}
    proxy = Tollgate(
        moto.url, tmp_path_factory.mktemp("arn") / "tollgate", {**add_header(), "arn-rewrite": settings}
    )
    proxy.backend = moto
    yield proxy
    proxy.stop()
    moto.stop()


@pytest.fixture
def direct(rewriting):
    """A client of the backend itself, to see what really came there."""
    return lambda service, **more: client(service, rewriting.backend.url, marked=False, **more)


@pytest.fixture
def aws(rewriting):
    """A client that fails when a response shows the backend's account anywhere."""

    def make(service, discreet=True, **more):
        made = client(service, rewriting.url, **more)
        if discreet:
            made.meta.events.register("after-call", demand_discretion)
        return made

    return make


def demand_discretion(http_response, model, **_):
    body = b"" if model.has_streaming_output else http_response.content
    assert BACKEND.encode() not in body, f"{model.name} shows the backend's account: {body!r}"
    assert BACKEND not in str(http_response.headers), (
        f"{model.name} shows the backend's account: {http_response.headers}"
    )


def test_the_plugin_makes_the_difference(rewriting, moto, aws):
    assert aws("sts").get_caller_identity()["Account"] == SHOWN
    assert client("sts", moto.url, marked=False).get_caller_identity()["Account"] == BACKEND


def test_roles(aws):
    iam = aws("iam")
    policy = json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SHOWN}:root"}}]}
    )
    arn = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    assert arn == f"arn:aws:iam::{SHOWN}:role/reader"
    document = iam.get_role(RoleName="reader")["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"]["AWS"] == f"arn:aws:iam::{SHOWN}:root"
    assumed = aws("sts").assume_role(RoleArn=arn, RoleSessionName="me")
    assert assumed["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{SHOWN}:assumed-role/reader/me"


def test_queues_by_url_and_arn(aws, rewriting):
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    assert url == f"{rewriting.url}/{SHOWN}/q"
    assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    assert attributes["QueueArn"] == f"arn:aws:sqs:us-east-1:{SHOWN}:q"
    # A message stays as it is, and botocore checks the MD5 that the service gives.
    body = json.dumps({"arn": attributes["QueueArn"], "text": f"account {SHOWN}"})
    sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageAttributes={"arn": {"DataType": "String", "StringValue": attributes["QueueArn"]}},
    )
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == body
    assert message["MessageAttributes"]["arn"]["StringValue"] == attributes["QueueArn"]


def test_a_topic_feeds_a_queue_by_arn(aws):
    sns, sqs = aws("sns"), aws("sqs")
    topic = sns.create_topic(Name="t")["TopicArn"]
    assert topic == f"arn:aws:sns:us-east-1:{SHOWN}:t"
    url = sqs.create_queue(QueueName="fed")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=topic, Message="hello")
    # What a service writes into a message is a message, too: it is not looked at.
    (message,) = aws("sqs", discreet=False).receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
    assert json.loads(message["Body"])["TopicArn"] == topic.replace(SHOWN, BACKEND)
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"] == topic


def test_tables_by_arn(aws):
    dynamodb = aws("dynamodb")
    arn = dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    assert arn == f"arn:aws:dynamodb:us-east-1:{SHOWN}:table/t"
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "owner", "Value": SHOWN}])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "owner", "Value": SHOWN}]
    # botocore checks x-amz-crc32 of the changed body.
    item = {"k": {"S": arn}, "account": {"S": SHOWN}}
    dynamodb.put_item(TableName="t", Item=item)
    assert dynamodb.get_item(TableName="t", Key={"k": {"S": arn}})["Item"] == item


@pytest.mark.parametrize("content_type", ["binary/octet-stream", "text/plain", "application/json", None])
@pytest.mark.parametrize("way", ["signed", "presigned", "presigned 2", "header 2", "unsigned", "part"])
def test_an_object_is_stored_and_read_byte_for_byte(aws, direct, rewriting, unique, way, content_type):
    """However it is signed, and whatever it is said to be."""
    bucket = unique("objects")
    s3 = aws("s3")
    s3.create_bucket(Bucket=bucket)
    body = f'{{"a": "arn:aws:iam::{BACKEND}:root", "b": "arn:aws:iam::{SHOWN}:root"}}'.encode()
    fields = {"content-type": content_type} if content_type else {}
    version_2 = client("s3", rewriting.url, signature_version="s3", marked=False)
    if way == "signed":
        s3.put_object(
            Bucket=bucket, Key="k", Body=body, **({"ContentType": content_type} if content_type else {})
        )
    elif way == "part":
        upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
        at = {"Bucket": bucket, "Key": "k", "UploadId": upload}
        part = s3.upload_part(**at, PartNumber=1, Body=body)["ETag"]
        s3.complete_multipart_upload(**at, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    else:
        if way.startswith("presigned"):
            signer = version_2 if way.endswith("2") else client("s3", rewriting.url, signature_version="s3v4")
            target = signer.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
            target = target.removeprefix(rewriting.url)
            assert ("AWSAccessKeyId=" in target) == way.endswith("2")
        else:
            target = f"/{bucket}/k"
        if way == "header 2":
            digest = hmac.new(
                b"test", f"PUT\n\n{content_type or ''}\n\n{target}".encode(), hashlib.sha1
            ).digest()
            fields["authorization"] = f"AWS test:{base64.b64encode(digest).decode()}"
        assert raw(rewriting, "PUT", target, body, fields)[0] == 200
    assert direct("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == body
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    assert version_2.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    url = version_2.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert raw(rewriting, "GET", url.removeprefix(rewriting.url))[1] == body


def raw(proxy, method, target, body=None, fields=None):
    """A request without boto3; returns status and body."""
    connection = http.client.HTTPConnection(*proxy.address, timeout=30)
    connection.request(method, target, body=body, headers=fields or {})
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def test_lists_stay_sorted_and_prefixes_fit(aws, unique):
    """Keys that begin with an account: a client that merges lists, as `aws s3 sync` does, relies on their order."""
    s3, bucket = aws("s3", discreet=False), unique("sorted")
    s3.create_bucket(Bucket=bucket)
    keys = sorted([f"{SHOWN}/f", "115/f", f"{BACKEND}/f", f"x-{SHOWN}-y", f"arn:aws:iam::{SHOWN}:root"])
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == keys
    after = s3.list_objects_v2(Bucket=bucket, StartAfter=keys[1])["Contents"]
    assert [entry["Key"] for entry in after] == keys[2:]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    for prefix in (SHOWN[:5], SHOWN, f"{BACKEND}/", "x-0"):
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        assert [entry["Key"] for entry in found] == [key for key in keys if key.startswith(prefix)]
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert sorted(entry["Key"] for entry in gone["Deleted"]) == keys


def test_items_are_compared_and_counted_as_they_are(aws, unique):
    dynamodb, table = aws("dynamodb", discreet=False), unique("items")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "ps"],
        BillingMode="PAY_PER_REQUEST",
    )
    values = sorted([f"{SHOWN}#1", f"{BACKEND}#1", "115#1", f"arn:aws:iam::{SHOWN}:root", f"x-{BACKEND}-y"])
    for value in values:
        item = {"p": {"S": SHOWN}, "s": {"S": value}, "account": {"S": BACKEND}, "n": {"N": BACKEND}}
        dynamodb.put_item(TableName=table, Item=item)
    query = {"TableName": table, "ExpressionAttributeValues": {":p": {"S": SHOWN}}}
    pages = dynamodb.get_paginator("query").paginate(
        **query, KeyConditionExpression="p = :p", PaginationConfig={"PageSize": 2}
    )
    assert [item["s"]["S"] for page in pages for item in page["Items"]] == values
    query["ExpressionAttributeValues"][":b"] = {"S": SHOWN[:4]}
    found = dynamodb.query(**query, KeyConditionExpression="p = :p AND begins_with(s, :b)")["Items"]
    assert [item["s"]["S"] for item in found] == [value for value in values if value.startswith(SHOWN[:4])]
    key = {"p": {"S": SHOWN}, "s": {"S": values[0]}}
    changed = dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert changed == {**key, "account": {"S": BACKEND}, "n": {"N": str(int(BACKEND) + 1)}}


TEMPLATE = {
    "Resources": {
        "Assets": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": {"Fn::Sub": "cdk-assets-${AWS::AccountId}-${AWS::Region}"}},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": {"Fn::Sub": "cdk-role-${AWS::AccountId}-${AWS::Region}"},
                "AssumeRolePolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sts:AssumeRole",
                            "Principal": {
                                "AWS": {
                                    "Fn::Join": [
                                        "",
                                        ["arn:", {"Ref": "AWS::Partition"}, f":iam::{SHOWN}:root"],
                                    ]
                                }
                            },
                        }
                    ]
                },
            },
        },
    },
    "Outputs": {"Bucket": {"Value": {"Ref": "Assets"}}, "Role": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
}


def test_resources_that_a_stack_names_after_the_account_are_found(aws, direct):
    """As `cdk bootstrap` does."""
    cloudformation, s3, iam = aws("cloudformation"), aws("s3"), aws("iam")
    cloudformation.create_stack(StackName="toolkit", TemplateBody=json.dumps(TEMPLATE))
    (stack,) = cloudformation.describe_stacks(StackName="toolkit")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    bucket, role = f"cdk-assets-{SHOWN}-us-east-1", f"cdk-role-{SHOWN}-us-east-1"
    assert outputs == {"Bucket": bucket, "Role": f"arn:aws:iam::{SHOWN}:role/{role}"}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.list_objects_v2(Bucket=bucket)["Name"] == bucket
    assert bucket in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    assert direct("s3").get_object(Bucket=bucket.replace(SHOWN, BACKEND), Key="k")["Body"].read() == b"x"
    (statement,) = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["AWS"] == f"arn:aws:iam::{SHOWN}:root"
    stored = direct("iam").get_role(RoleName=role.replace(SHOWN, BACKEND))["Role"]
    assert (
        stored["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]
        == f"arn:aws:iam::{BACKEND}:root"
    )


def test_a_compressed_call_is_swapped_too(aws, direct):
    """boto3 compresses large calls of PutMetricData; moto answers CloudWatch's JSON with a type that says nothing."""
    arn = f"arn:aws:sns:us-east-1:{SHOWN}:alarm"
    sent = []
    cloudwatch = aws("cloudwatch", request_min_compression_size_bytes=1)
    cloudwatch.meta.events.register("before-send", lambda request, **_: sent.append(request.headers))
    data = [
        {"MetricName": f"m{n}", "Dimensions": [{"Name": "of", "Value": arn}], "Value": 1} for n in range(50)
    ]
    cloudwatch.put_metric_data(Namespace="n", MetricData=data)
    assert sent[0]["content-encoding"] in (b"gzip", "gzip")
    of = {"Dimensions": [{"Name": "of", "Value": arn}], "Namespace": "n"}
    assert len(cloudwatch.list_metrics(**of)["Metrics"]) == 50
    stored = direct("cloudwatch").list_metrics(Namespace="n")["Metrics"]
    assert {metric["Dimensions"][0]["Value"] for metric in stored} == {arn.replace(SHOWN, BACKEND)}
    cloudwatch.put_metric_alarm(
        AlarmName="a",
        MetricName="m0",
        Namespace="n",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
        AlarmActions=[arn],
    )
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert alarm["AlarmActions"] == [arn]
    assert alarm["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:{SHOWN}:alarm:a"


def test_a_body_that_is_too_long_to_be_swapped_is_refused(tollgate, rewriting):
    """A form has to be read as a whole; JSON of any length flows."""
    settings = {"account": {"client": SHOWN, "backend": BACKEND}, "max_body": 1000}
    proxy = tollgate(rewriting.backend.url, {**add_header(), "arn-rewrite": settings})
    with pytest.raises(ClientError) as error:
        client("sns", proxy.url).publish(PhoneNumber="+10000000000", Message="x" * 1000)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert "raise max_body" in error.value.response["Error"]["Message"]
    fields = {"content-type": "application/x-www-form-urlencoded"}
    form = b"Action=Publish&Version=2010-03-31&Message=".ljust(1001, b"x")
    fields["authorization"] = "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/sns/aws4_request"
    status, text = raw(proxy, "POST", "/", form, fields)
    assert status == 413 and b"longer than 1000 bytes" in text and b"max_body" in text
    ssm, value = client("ssm", proxy.url), f"arn:aws:iam::{SHOWN}:root " + "x" * 2000
    ssm.put_parameter(Name="long", Value=value, Type="String")
    assert ssm.get_parameter(Name="long")["Parameter"]["Value"] == value
    stored = client("ssm", rewriting.backend.url, marked=False).get_parameter(Name="long")["Parameter"]
    assert stored["Value"] == value.replace(SHOWN, BACKEND)


def test_a_function_of_7_mb_is_made_with_the_backends_role(aws, direct, unique):
    """In base64 that is more than 8 MiB, which a call may have."""
    role = unique("function-role")
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        ]
    }
    arn = aws("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handler(event, context): pass")
        archive.writestr("noise", random.Random(1).randbytes(7_000_000))
    name = unique("function")
    made = aws("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=arn,
        Handler="main.handler",
        Code={"ZipFile": code.getvalue()},
    )
    assert made["Role"] == arn
    assert made["FunctionArn"] == f"arn:aws:lambda:us-east-1:{SHOWN}:function:{name}"
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(code.getvalue()).digest()).decode()
    found = aws("lambda").get_function_configuration(FunctionName=made["FunctionArn"])
    assert found["CodeSha256"] == made["CodeSha256"]
    assert direct("lambda").get_function_configuration(FunctionName=name)["Role"] == arn.replace(
        SHOWN, BACKEND
    )


def test_names_beside_other_letters_come_back_as_they_were(aws):
    """moto writes them as \\uXXXX."""
    ssm = aws("ssm", discreet=False)
    for value in [f"n°{SHOWN}", f"é{BACKEND}-x", f"日{SHOWN}-x", f"n° arn:aws:iam::{BACKEND}:root"]:
        ssm.put_parameter(Name="odd", Value=value, Type="String", Overwrite=True)
        assert ssm.get_parameter(Name="odd")["Parameter"]["Value"] == value


@pytest.mark.parametrize(("shown", "real"), [("eu-central-1", "us-east-1"), ("us-east-1", "eu-central-1")])
def test_a_bucket_is_made_in_the_other_region(tollgate, shown, real):
    """S3 tells us-east-1 by saying none."""
    moto = Moto()
    try:
        settings = {"region": {"client": shown, "backend": real}}
        url = tollgate(moto.url, {**add_header(), "arn-rewrite": settings}).url
        session = boto3.session.Session(region_name=shown)
        s3 = session.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}))
        where = {} if shown == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": shown}}
        s3.create_bucket(Bucket="other-region", **where)
        told = {"us-east-1": None}
        assert s3.get_bucket_location(Bucket="other-region")["LocationConstraint"] == told.get(shown, shown)
        direct = client("s3", moto.url, marked=False)
        assert direct.get_bucket_location(Bucket="other-region")["LocationConstraint"] == told.get(real, real)
        assert s3.head_bucket(Bucket="other-region")["BucketRegion"] == shown
        s3.put_object(Bucket="other-region", Key="k", Body=shown.encode())
        assert s3.get_object(Bucket="other-region", Key="k")["Body"].read() == shown.encode()
        zones = session.client("ec2", endpoint_url=url).describe_availability_zones()["AvailabilityZones"]
        assert {zone["RegionName"] for zone in zones} == {shown}
        assert zones[0]["ZoneName"] == f"{shown}a"
        queue = session.client("sqs", endpoint_url=url).create_queue(QueueName="q")["QueueUrl"]
        attributes = session.client("sqs", endpoint_url=url).get_queue_attributes(
            QueueUrl=queue, AttributeNames=["All"]
        )
        assert attributes["Attributes"]["QueueArn"] == f"arn:aws:sqs:{shown}:123456789012:q"
    finally:
        moto.stop()


def test_what_a_client_stores_comes_back_even_if_it_names_the_backends_account(aws):
    """The exchange is a swap, so nothing that was stored is changed when it is read."""
    ssm = aws("ssm", discreet=False)
    value = f"arn:aws:iam::{BACKEND}:root and arn:aws:iam::{SHOWN}:root"
    ssm.put_parameter(Name="p", Value=value, Type="String")
    assert ssm.get_parameter(Name="p")["Parameter"]["Value"] == value


def test_an_arn_in_a_path(aws):
    functions = aws("apigatewayv2")
    api = functions.create_api(Name="a", ProtocolType="HTTP", Tags={"owner": SHOWN})["ApiId"]
    assert functions.get_api(ApiId=api)["Tags"] == {"owner": SHOWN}
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api}"
    assert functions.get_tags(ResourceArn=arn)["Tags"] == {"owner": SHOWN}


def test_errors_show_the_other_account_too(aws):
    sns = aws("sns")
    missing = f"arn:aws:sns:us-east-1:{SHOWN}:missing"
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_topic_attributes(TopicArn=missing)
