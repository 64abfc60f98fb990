"""API Gateway through the chain: create, read, change and delete a whole API, all with REST paths and verbs."""

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def gateway(aws):
    return aws("apigateway")


@pytest.fixture
def api(gateway, unique):
    return gateway.create_rest_api(name=unique("api"), description="first")["id"]


@pytest.fixture
def resource(gateway, api):
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    return gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]


def test_an_api_is_read_changed_and_deleted(gateway, api):
    assert gateway.get_rest_api(restApiId=api)["description"] == "first"
    patch = [{"op": "replace", "path": "/description", "value": "Grüße"}]
    gateway.update_rest_api(restApiId=api, patchOperations=patch)
    assert gateway.get_rest_api(restApiId=api)["description"] == "Grüße"
    gateway.delete_rest_api(restApiId=api)
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.get_rest_api(restApiId=api)


def test_a_path_keeps_its_braces_and_plus(gateway, api, resource):
    paths = [entry["path"] for entry in gateway.get_resources(restApiId=api)["items"]]
    assert sorted(paths) == ["/", "/{proxy+}"]
    gateway.delete_resource(restApiId=api, resourceId=resource)
    assert len(gateway.get_resources(restApiId=api)["items"]) == 1


def test_a_method_is_built_and_deployed(gateway, api, resource):
    at = {"restApiId": api, "resourceId": resource, "httpMethod": "POST"}
    gateway.put_method(**at, authorizationType="NONE", requestParameters={"method.request.querystring.q": True})
    gateway.put_method_response(**at, statusCode="200", responseModels={"application/json": "Empty"})
    template = '#set($x = "$input.path(\'$.a\')")\n{"a": "$x"}'
    gateway.put_integration(**at, type="MOCK", requestTemplates={"application/json": template})
    gateway.put_integration_response(**at, statusCode="200", selectionPattern="")
    method = gateway.get_method(**at)
    assert method["methodIntegration"]["requestTemplates"]["application/json"] == template
    deployment = gateway.create_deployment(restApiId=api, stageName="prod")["id"]
    stage = gateway.update_stage(
        restApiId=api,
        stageName="prod",
        patchOperations=[{"op": "replace", "path": "/variables/colour", "value": "red"}],
    )
    assert stage["deploymentId"] == deployment
    assert gateway.get_stage(restApiId=api, stageName="prod")["variables"] == {"colour": "red"}
    gateway.delete_stage(restApiId=api, stageName="prod")
    gateway.delete_method(**at)
    with pytest.raises(ClientError) as error:
        gateway.get_method(**at)
    assert error.value.response["Error"]["Code"] == "NotFoundException"


def test_keys_and_usage_plans(gateway, api, unique):
    key = gateway.create_api_key(name=unique("key"), enabled=True)["id"]
    plan = gateway.create_usage_plan(name=unique("plan"), throttle={"burstLimit": 5, "rateLimit": 1.5})["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    assert [entry["id"] for entry in gateway.get_usage_plan_keys(usagePlanId=plan)["items"]] == [key]
    gateway.delete_usage_plan_key(usagePlanId=plan, keyId=key)
    assert gateway.get_usage_plan_keys(usagePlanId=plan)["items"] == []
    gateway.delete_usage_plan(usagePlanId=plan)
    gateway.delete_api_key(apiKey=key)


def test_tags_of_an_arn_in_the_path(gateway, api):
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    at = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**at, authorizationType="NONE")
    gateway.put_integration(**at, type="MOCK")
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName="test", deploymentId=deployment, tags={"team": "a b"})
    # On the wire: /tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2F…%2Fstages%2Ftest
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{api}/stages/test"
    assert gateway.get_tags(resourceArn=arn)["tags"] == {"team": "a b"}
