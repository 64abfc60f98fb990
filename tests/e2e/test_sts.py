"""STS through the chain: form bodies out, XML back."""

import pytest


@pytest.fixture
def sts(aws):
    return aws("sts")


def test_who_am_i(sts):
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_a_role_is_assumed_and_its_credentials_work(sts, aws, chain):
    import boto3

    role = sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/reader", RoleSessionName="me@example.com")
    assert role["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/reader/me@example.com"
    credentials = role["Credentials"]
    session = boto3.session.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    identity = session.client("sts", endpoint_url=chain.url).get_caller_identity()
    assert identity["Arn"] == role["AssumedRoleUser"]["Arn"]
