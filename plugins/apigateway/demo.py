"""`make demo-apigateway`: an API is made by boto3 in moto and called through tollgate with the plugin apigateway; each step is printed.

Ends by itself, with 0 if each answer was the expected one.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))

from harness.apigateway import Gateway  # noqa: E402
from harness.functions import Functions  # noqa: E402
from harness.servers import Moto  # noqa: E402

# The whole, in seconds.
LONGEST = 300

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1", AWS_CONFIG_FILE=os.devnull,
                  AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true", NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")


def say(text=""):
    print(text, flush=True)


class Shown:
    """A client of boto3 whose calls are printed."""

    def __init__(self, client, name):
        self._client = client
        self._name = name

    def __getattr__(self, operation):
        def call(**arguments):
            shown = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
            say(f">>> {self._name}.{operation}({shown})")
            return getattr(self._client, operation)(**arguments)

        return call


class Demo:
    def __init__(self, gateway, moto, functions):
        self.gateway = gateway
        self.moto = moto
        self.functions = functions
        self.wrong = []

    def curl(self, verb, target, headers=None, body=None, *, status, part=""):
        """A call, printed as curl would be told it, and what came; `part` must be in it."""
        options = "".join(f" -H '{name}: {value}'" for name, value in (headers or {}).items())
        options += f" -d '{body}'" if body is not None else ""
        say(f"$ curl -i{'' if verb == 'GET' else f' -X {verb}'}{options} '{self.gateway.url}{target}'")
        answer = self.gateway.send(verb, target, headers, body)
        say(f"HTTP/1.1 {answer.status}")
        for name, value in answer.values:
            if name.startswith(("content-type", "x-", "access-control")):
                say(f"{name}: {value}")
        say(f"\n{answer.text}\n")
        if answer.status != status or part not in answer.text:
            self.wrong.append(f"{verb} {target}: expected {status} and {part!r}")
        return answer

    def run(self):
        client = Shown(self.gateway.aws("apigateway"), "apigateway")
        say("\n# An API with one resource")
        api = client.create_rest_api(name="pets")["id"]
        root = client.get_resources(restApiId=api)["items"][0]["id"]
        pet = client.create_resource(restApiId=api, parentId=root, pathPart="{id}")["id"]
        base = f"/restapis/{api}/dev/_user_request_"

        say("\n# GET /{id}: a MOCK integration with a mapping template")
        at = {"restApiId": api, "resourceId": pet, "httpMethod": "GET"}
        client.put_method(**at, authorizationType="NONE")
        client.put_integration(**at, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
        client.put_method_response(**at, statusCode="200", responseParameters={"method.response.header.X-Colour": True})
        template = '{"id": "$input.params(\'id\')", "q": "$input.params(\'q\')", "stage": "$context.stage"}'
        parameters = {"method.response.header.X-Colour": "stageVariables.colour"}
        client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": template}, responseParameters=parameters)
        client.create_deployment(restApiId=api, stageName="dev", variables={"colour": "red"})
        self.curl("GET", f"{base}/7?q=cats", status=200, part='{"id": "7", "q": "cats", "stage": "dev"}')
        self.curl("GET", "/dev/7", {"host": f"{api}.execute-api.us-east-1.amazonaws.com"}, status=200, part='"id": "7"')
        self.curl("GET", f"{base}/7/toys", status=403, part="Missing Authentication Token")

        say("# PUT /{id}: a Lambda function behind the setting lambda_endpoint")
        self.functions.add("save", lambda event: {"statusCode": 201, "body": json.dumps({"saved": event["pathParameters"], "body": event["body"]})})
        at["httpMethod"] = "PUT"
        client.put_method(**at, authorizationType="NONE")
        uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:save/invocations"
        client.put_integration(**at, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        self.curl("PUT", f"{base}/7", {"content-type": "application/json"}, '{"name": "Tom"}', status=201, part='"saved": {"id": "7"}')

        say("# DELETE /{id}: with an API key")
        at["httpMethod"] = "DELETE"
        client.put_method(**at, authorizationType="NONE", apiKeyRequired=True)
        client.put_integration(**at, type="MOCK", requestTemplates={"application/json": '{"statusCode": 204}'})
        client.put_integration_response(**at, statusCode="204")
        key = client.create_api_key(name="mine", enabled=True, value="a-key-of-twenty-letters")["id"]
        plan = client.create_usage_plan(name="plan", apiStages=[{"apiId": api, "stage": "dev"}])["id"]
        client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
        self.curl("DELETE", f"{base}/7", status=403, part="Forbidden")
        self.curl("DELETE", f"{base}/7", {"x-api-key": "a-key-of-twenty-letters"}, status=204)

        say("# A page of another origin: the preflight request")
        asked = {"origin": "https://app.example", "access-control-request-method": "GET"}
        self.curl("OPTIONS", f"{base}/7", asked, status=200)


def main():
    signal.alarm(LONGEST)
    directory = Path(tempfile.mkdtemp(prefix="demo-apigateway-"))
    started = []
    try:
        moto = Moto(MOTO_DISABLE_GLOBAL_CORS="true")
        started.append(moto)
        say(f"$ moto_server                                # listens on {moto.url}")
        functions = Functions()
        started.append(functions)
        say(f"# an endpoint of Lambda's Invoke API           # listens on {functions.url}")
        gateway = Gateway(moto, directory / "tollgate", {"lambda_endpoint": functions.url}, allow=[functions.url])
        started.append(gateway)
        say("$ cat tollgate.toml")
        say(gateway.proxy.config.read_text().strip())
        say(f"$ tollgate run --backend {moto.url} --plugins target/plugins-python --config tollgate.toml   # listens on {gateway.url}")
        demo = Demo(gateway, moto, functions)
        demo.run()
    finally:
        for each in reversed(started):
            each.stop()
        shutil.rmtree(directory)
    for line in demo.wrong:
        say(f"wrong: {line}")
    say("ended: an answer was not the expected one" if demo.wrong else "ended: every answer was the expected one")
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
