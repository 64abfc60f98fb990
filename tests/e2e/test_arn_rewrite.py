"""The plugin arn-rewrite: clients see another account in every ARN and URL, and what they send with it works."""

import json

import pytest
from conftest import add_header, client
from harness.servers import Moto

BACKEND = "123456789012"  # moto's own
SHOWN = "000000000000"


@pytest.fixture(scope="module")
def rewriting(tmp_path_factory):
    """A proxy with add-header and arn-rewrite before a moto of its own: names of accounts are not shared."""
    from harness.servers import Tollgate

    moto = Moto()
    settings = {"account": {"client": SHOWN, "backend": BACKEND}}
    proxy = Tollgate(
        moto.url, tmp_path_factory.mktemp("arn") / "tollgate", {**add_header(), "arn-rewrite": settings}
    )
    yield proxy
    proxy.stop()
    moto.stop()


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
    # A message that speaks of the account changes on its way, and botocore checks the MD5 that the service gives.
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
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["TopicArn"] == topic
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


@pytest.mark.parametrize("content_type", ["binary/octet-stream", "text/plain", "application/json"])
def test_an_object_that_names_both_accounts_is_left_alone(aws, content_type):
    s3 = aws("s3")
    s3.create_bucket(Bucket="objects")
    body = f'{{"a": "arn:aws:iam::{BACKEND}:root", "b": "arn:aws:iam::{SHOWN}:root"}}'.encode()
    s3.put_object(Bucket="objects", Key="k", Body=body, ContentType=content_type)
    got = s3.get_object(Bucket="objects", Key="k")
    assert got["Body"].read() == body


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
