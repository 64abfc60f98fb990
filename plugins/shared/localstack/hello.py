"""Makes an API with one resource by boto3 on LocalStack's port 4567, and calls it. Ends with 0 if the answer is the expected one."""

import sys
import urllib.request

import boto3

PROXY = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:4567"


def main():
    aws = boto3.client("apigateway", endpoint_url=PROXY, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    api = aws.create_rest_api(name="hello")["id"]
    root = aws.get_resources(restApiId=api)["items"][0]["id"]
    resource = aws.create_resource(restApiId=api, parentId=root, pathPart="{name}")["id"]
    method = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
    aws.put_method(**method, authorizationType="NONE")
    aws.put_method_response(**method, statusCode="200")
    aws.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    template = """{"hello": "$input.params('name')"}"""
    aws.put_integration_response(**method, statusCode="200", responseTemplates={"application/json": template})
    aws.create_deployment(restApiId=api, stageName="dev")
    url = f"{PROXY}/restapis/{api}/dev/_user_request_/world"
    print(f"$ curl {url}")
    with urllib.request.urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    print(text)
    return 0 if text == '{"hello": "world"}' else 1


if __name__ == "__main__":
    sys.exit(main())
