"""The plugin aws-extras: ids that clients choose by the tag _custom_id_, used like any other."""

import pytest
from botocore.exceptions import ClientError
from conftest import client
from harness.servers import Tollgate

CONFIG = """[plugin.aws-extras.allow]
state = true
http = ["http://127.0.0.1:*"]

[state]
store = "memory"
"""


@pytest.fixture(scope="module")
def aws(moto, tmp_path_factory):
    directory = tmp_path_factory.mktemp("ids") / "tollgate"
    proxy = Tollgate(moto.url, directory, {"aws-extras": {"ids": True}}, config=CONFIG)
    yield lambda service: client(service, proxy.url, marked=False)
    proxy.stop()


def test_an_http_api(aws):
    api = aws("apigatewayv2")
    made = api.create_api(Name="ids", ProtocolType="HTTP", Tags={"_custom_id_": "shop"})
    assert made["ApiId"] == "shop" and "//shop.execute-api" in made["ApiEndpoint"]
    route = api.create_route(ApiId="shop", RouteKey="GET /orders")["RouteId"]
    assert [item["RouteId"] for item in api.get_routes(ApiId="shop")["Items"]] == [route]
    assert "shop" in [item["ApiId"] for item in api.get_apis()["Items"]]
    # Another API is not touched, whatever its name.
    other = api.create_api(Name="shop-2", ProtocolType="HTTP")["ApiId"]
    assert api.get_api(ApiId=other)["Name"] == "shop-2"
    api.delete_api(ApiId="shop")
    with pytest.raises(ClientError) as gone:
        api.get_api(ApiId="shop")
    assert gone.value.response["Error"]["Code"] == "NotFoundException"
    again = api.create_api(Name="ids", ProtocolType="HTTP", Tags={"_custom_id_": "shop"})
    assert again["ApiId"] == "shop" and api.get_api(ApiId="shop")["ApiId"] == "shop"


def test_an_api_key_and_a_usage_plan(aws):
    rest = aws("apigateway")
    tags = {"_custom_id_": "mykey"}
    assert rest.create_api_key(name="k", value="x" * 20, tags=tags)["id"] == "mykey"
    assert rest.create_usage_plan(name="p", tags={"_custom_id_": "myplan"})["id"] == "myplan"
    rest.create_usage_plan_key(usagePlanId="myplan", keyId="mykey", keyType="API_KEY")
    assert [key["id"] for key in rest.get_usage_plan_keys(usagePlanId="myplan")["items"]] == ["mykey"]
    # moto does this one by itself.
    assert rest.create_rest_api(name="r", tags={"_custom_id_": "rest1"})["id"] == "rest1"


def test_a_key_of_kms(aws):
    kms = aws("kms")
    wanted = "00000000-0000-0000-0000-00000000cafe"
    made = kms.create_key(Tags=[{"TagKey": "_custom_id_", "TagValue": wanted}])["KeyMetadata"]
    assert made["KeyId"] == wanted and made["Arn"].endswith(f":key/{wanted}")
    encrypted = kms.encrypt(KeyId=made["Arn"], Plaintext=b"secret")
    assert encrypted["KeyId"].endswith(wanted)
    decrypted = kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"])
    assert (decrypted["Plaintext"], decrypted["KeyId"].endswith(wanted)) == (b"secret", True)
    assert wanted in [key["KeyId"] for key in kms.list_keys()["Keys"]]


def test_a_user_pool(aws):
    cognito = aws("cognito-idp")
    made = cognito.create_user_pool(PoolName="p", UserPoolTags={"_custom_id_": "us-east-1_mine"})["UserPool"]
    assert made["Id"] == "us-east-1_mine"
    client_id = cognito.create_user_pool_client(UserPoolId="us-east-1_mine", ClientName="c")["UserPoolClient"]["ClientId"]
    listed = cognito.list_user_pool_clients(UserPoolId="us-east-1_mine")["UserPoolClients"]
    assert [(each["ClientId"], each["UserPoolId"]) for each in listed] == [(client_id, "us-east-1_mine")]


def test_a_network(aws):
    ec2 = aws("ec2")

    def tags(kind, value):
        return [{"ResourceType": kind, "Tags": [{"Key": "_custom_id_", "Value": value}]}]

    assert ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", "vpc-mine"))["Vpc"]["VpcId"] == "vpc-mine"
    subnet = ec2.create_subnet(VpcId="vpc-mine", CidrBlock="10.0.1.0/24", TagSpecifications=tags("subnet", "subnet-mine"))["Subnet"]
    assert (subnet["SubnetId"], subnet["VpcId"]) == ("subnet-mine", "vpc-mine")
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId="vpc-mine", TagSpecifications=tags("security-group", "sg-mine"))
    assert group["GroupId"] == "sg-mine"
    (found,) = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": ["vpc-mine"]}])["Subnets"]
    assert found["SubnetId"] == "subnet-mine"
    ec2.delete_security_group(GroupId="sg-mine")
