"""LocalStack's one port per service, as plugins/shared/localstack/tollgate.toml has it, before moto: the same file with other ports."""

import http.client
import json
import re
import tomllib

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from harness.config import free_port
from harness.process import Process
from harness.servers import REPOSITORY, TOLLGATE, built, environment

FILE = REPOSITORY / "plugins/shared/localstack/tollgate.toml"
PLUGINS = ["apigateway", "aws-extras", "aws-ports", "chaos"]


class LocalStack:
    """The proxy with all ports of the file; `ports` has the real one of each listener."""

    def __init__(self, moto, directory):
        text = FILE.read_text()
        listeners = tomllib.loads(text)["listeners"]
        self.ports = {}
        # The file's ports are not taken again as real ones.
        for listener in listeners:
            old, new = listener["address"].split(":")[1], free_port()
            self.ports[listener["name"]] = new
            text = re.sub(rf"\b{old}\b", f"<{new}>", text)
        text = re.sub(r"127\.0\.0\.1:4566\b", moto.url.removeprefix("http://"), text)
        text = re.sub(r"127\.0\.0\.1:4560\b", "127.0.0.1:0", text)
        text = text.replace("<", "").replace(">", "")
        plugins = directory / "plugins"
        plugins.mkdir(parents=True)
        for name in PLUGINS:
            for file in built(name).parent.glob(f"{name}.*"):
                (plugins / file.name).write_bytes(file.read_bytes())
        config = directory / "tollgate.toml"
        config.write_text(text)
        self.process = Process("tollgate", [TOLLGATE, "run", "--config", config, "--plugins", plugins], env=environment())
        self.process.wait_for("tollgate is ready", seconds=120)
        self.process.wait_for(r"plugin apigateway: version \S+ serves", seconds=120)
        self.admin = int(self.process.wait_for(r"admin: listens on 127\.0\.0\.1:(\d+)", label="err").group(1))

    def url(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def aws(self, service, name=None, **more):
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60, s3={"addressing_style": "path"}, **more)
        return boto3.client(service, endpoint_url=self.url(name or service), config=config)


@pytest.fixture(scope="module")
def localstack(moto, tmp_path_factory):
    made = LocalStack(moto, tmp_path_factory.mktemp("localstack"))
    yield made
    # Also while the plugin in Python is compiled with optimisation.
    assert made.process.stop() == 0


def test_the_file_has_localstacks_ports():
    """Those of the README of LocalStack 0.10.0 and 0.11.5, but 4571, where Elasticsearch itself was."""
    listeners = tomllib.loads(FILE.read_text())["listeners"]
    ports = {int(listener["address"].split(":")[1]): listener["name"] for listener in listeners}
    assert [port for port in range(4567, 4584) if port not in ports] == [4571]
    names = ["apigateway", "kinesis", "dynamodb", "dynamodbstreams", "s3", "firehose", "lambda", "sns", "sqs", "redshift", "es", "ses", "route53"]
    names += ["cloudformation", "cloudwatch", "ssm", "secretsmanager", "stepfunctions", "logs", "events", "sts", "iam", "ec2", "kms"]
    assert [ports[port] for port in sorted(ports)] == names


# The listener, boto3's name of the service, and a call that changes nothing.
CALLS = [
    ("apigateway", "apigateway", "get_rest_apis", {}),
    ("kinesis", "kinesis", "list_streams", {}),
    ("dynamodb", "dynamodb", "list_tables", {}),
    ("dynamodbstreams", "dynamodbstreams", "list_streams", {}),
    ("s3", "s3", "head_bucket", {"Bucket": "of-the-test"}),
    ("firehose", "firehose", "list_delivery_streams", {}),
    ("lambda", "lambda", "list_functions", {}),
    ("sns", "sns", "list_topics", {}),
    ("sqs", "sqs", "list_queues", {}),
    ("redshift", "redshift", "describe_clusters", {}),
    ("es", "es", "list_domain_names", {}),
    ("ses", "ses", "list_identities", {}),
    ("route53", "route53", "list_hosted_zones", {}),
    ("cloudformation", "cloudformation", "list_stacks", {}),
    ("cloudwatch", "cloudwatch", "list_metrics", {}),
    ("ssm", "ssm", "describe_parameters", {}),
    ("secretsmanager", "secretsmanager", "list_secrets", {}),
    ("stepfunctions", "stepfunctions", "list_state_machines", {}),
    ("logs", "logs", "describe_log_groups", {}),
    ("events", "events", "list_rules", {}),
    ("sts", "sts", "get_caller_identity", {}),
    ("iam", "iam", "list_users", {}),
    ("ec2", "ec2", "describe_vpcs", {}),
    ("kms", "kms", "list_keys", {}),
]


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("name, service, operation, arguments", CALLS, ids=[call[0] for call in CALLS])
def test_every_port_speaks_for_its_service(localstack, name, service, operation, arguments, signed):
    """botocore reads each answer by the service's model; another service's answer would not fit it."""
    if service == "s3":
        localstack.aws("s3").create_bucket(Bucket="of-the-test", ACL="public-read")
    if service == "sqs":
        localstack.aws("sqs").create_queue(QueueName="of-the-test")
    client = localstack.aws(service, name, **({} if signed else {"signature_version": UNSIGNED}))
    answer = getattr(client, operation)(**arguments)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    fields = set(client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).output_shape.members)
    assert service == "s3" or set(answer) & fields, answer


def test_what_one_port_makes_another_one_sees(localstack, unique):
    name = unique("ports")
    queue = localstack.aws("sqs").create_queue(QueueName=name)["QueueUrl"]
    assert queue.startswith(localstack.url("sqs"))
    topic = localstack.aws("sns").create_topic(Name=name)["TopicArn"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    localstack.aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    localstack.aws("sns").publish(TopicArn=topic, Message="hello")
    [message] = localstack.aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"


def test_curl_lists_queues(localstack, unique):
    localstack.aws("sqs").create_queue(QueueName=unique("curl"))
    connection = http.client.HTTPConnection("127.0.0.1", localstack.ports["sqs"], timeout=30)
    connection.request("GET", "/?Action=ListQueues&Version=2012-11-05")
    answer = connection.getresponse()
    body = answer.read()
    assert (answer.status, b"QueueUrl" in body) == (200, True), body


def test_an_api_is_called_on_port_4567(localstack, unique):
    """As the README has it: made by boto3, called without credentials."""
    aws = localstack.aws("apigateway")
    api = aws.create_rest_api(name=unique("api"))["id"]
    root = aws.get_resources(restApiId=api)["items"][0]["id"]
    at = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    aws.put_method(**at, authorizationType="NONE")
    aws.put_method_response(**at, statusCode="200")
    aws.put_integration(**at, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    aws.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": '{"hello": "$input.params(\'name\')"}'})
    aws.create_deployment(restApiId=api, stageName="dev")
    connection = http.client.HTTPConnection("127.0.0.1", localstack.ports["apigateway"], timeout=30)
    connection.request("GET", f"/restapis/{api}/dev/_user_request_/?name=you")
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (200, {"hello": "you"})


def test_faults_are_set_at_run_time(localstack, unique):
    """The admin API in the place of LocalStack's `POST /?_config_`, as the README of chaos has it."""

    def settings(values):
        connection = http.client.HTTPConnection("127.0.0.1", localstack.admin, timeout=30)
        fields = {"x-tollgate-admin": "1", "content-type": "application/json"}
        connection.request("PUT", "/api/v1/plugins/chaos/settings", json.dumps({"settings": values}), fields)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()

    aws = localstack.aws("dynamodb")
    name = unique("table")
    key = {"AttributeName": "id", "KeyType": "HASH"}
    aws.create_table(TableName=name, KeySchema=[key], AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                     BillingMode="PAY_PER_REQUEST")
    put = {"TableName": name, "Item": {"id": {"S": "1"}}}
    aws.put_item(**put)
    settings({"dynamodb_error_probability": 1.0})
    with pytest.raises(aws.exceptions.ProvisionedThroughputExceededException):
        aws.put_item(**put)
    # It is a matter of the ports that have the plugin.
    assert localstack.aws("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    settings({})
    aws.put_item(**put)
