"""The plugin apigateway with other clients than boto3: AWS's for JavaScript, and its command line. `setup.sh` installs them where it can."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness.apigateway import JSON
from harness.functions import uri

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "target"
CLIENTS = TARGET / "e2e-js"
AWS = TARGET / "awscli/bin/aws"
ALLOWED = {"Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}


def run(command, **environment):
    done = subprocess.run([str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "{}")


@pytest.mark.skipif(
    not (CLIENTS / "node_modules/@aws-sdk/client-api-gateway").is_dir() or not shutil.which("node"),
    reason="AWS's client for JavaScript is not installed: npm was missing when tests/e2e/setup.sh ran",
)
def test_javascript(gateway, functions, unique):
    name = unique("f")
    functions.add(name, lambda event: {"statusCode": 201, "body": json.dumps({"hello": json.loads(event["body"])["name"]})})
    seen = run(["node", HERE / "javascript/apigateway.mjs", gateway.url, uri(name)], CLIENTS=str(CLIENTS))
    assert seen == {
        "withoutKey": {"status": 403, "body": {"message": "Forbidden"}},
        "withKey": {"status": 200, "body": {"id": "a b", "colour": "red"}},
        "lambda": {"status": 201, "body": {"hello": "Rex"}},
        "tested": {"status": 200, "body": {"id": "7", "colour": ""}},
        "types": ["image/png"],
    }


@pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed: pip could not do that when tests/e2e/setup.sh ran")
def test_the_command_line_imports_a_document(gateway, functions, unique, tmp_path):
    """`aws apigateway import-rest-api`, in the form that AWS exports: Swagger 2 with integrations in small letters."""
    name = unique("auth")
    functions.add(name, lambda event: {"principalId": event["authorizationToken"], "policyDocument": ALLOWED})
    authorizer = {"type": "token", "authorizerUri": uri(name), "authorizerResultTtlInSeconds": 0}
    integration = {
        "type": "mock",
        "requestTemplates": {JSON: '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200", "responseTemplates": {JSON: '{"who": "$context.authorizer.principalId"}'}}},
    }
    scheme = {"type": "apiKey", "name": "X-Token", "in": "header", "x-amazon-apigateway-authtype": "custom"}
    document = {
        "swagger": "2.0",
        "info": {"title": "pets", "version": "1"},
        "securityDefinitions": {"token": {**scheme, "x-amazon-apigateway-authorizer": authorizer}},
        "paths": {"/pets": {"get": {"security": [{"token": []}], "responses": {"200": {}}, "x-amazon-apigateway-integration": integration}}},
    }
    file = tmp_path / "pets.json"
    file.write_text(json.dumps(document))
    command = [AWS, "--endpoint-url", gateway.url, "--region", "us-east-1", "apigateway"]
    api_id = run([*command, "import-rest-api", "--body", f"file://{file}"])["id"]
    run([*command, "create-deployment", "--rest-api-id", api_id, "--stage-name", "dev"])
    target = f"/restapis/{api_id}/dev/_user_request_/pets"
    assert gateway.send("GET", target, {"x-token": "ann"}).json() == {"who": "ann"}
    assert gateway.send("GET", target).status == 401
