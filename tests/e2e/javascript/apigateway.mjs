// Makes a REST API with AWS's client, deploys it and calls it, through a proxy. Prints what came of it as JSON.
//
//   node apigateway.mjs URL LAMBDA_URI
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [url, lambda] = process.argv.slice(2);
// The clients are not installed beside this file.
const require = createRequire(`${process.env.CLIENTS}/`);
const aws = await import(pathToFileURL(require.resolve("@aws-sdk/client-api-gateway")).href);
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const client = new aws.APIGatewayClient({ endpoint: url, region: "us-east-1", credentials, maxAttempts: 1 });
const send = (name, input) => client.send(new aws[`${name}Command`](input));

const { id: restApiId, rootResourceId } = await send("CreateRestApi", { name: "from JavaScript", binaryMediaTypes: ["image/png"] });
const { id: resourceId } = await send("CreateResource", { restApiId, parentId: rootResourceId ?? (await send("GetResources", { restApiId })).items[0].id, pathPart: "{id}" });
const at = { restApiId, resourceId };

await send("PutMethod", { ...at, httpMethod: "GET", authorizationType: "NONE", apiKeyRequired: true });
await send("PutIntegration", { ...at, httpMethod: "GET", type: "MOCK", requestTemplates: { "application/json": '{"statusCode": 200}' } });
await send("PutMethodResponse", { ...at, httpMethod: "GET", statusCode: "200" });
const responseTemplates = { "application/json": '{"id": "$input.params("id")", "colour": "$stageVariables.colour"}' };
await send("PutIntegrationResponse", { ...at, httpMethod: "GET", statusCode: "200", responseTemplates });

await send("PutMethod", { ...at, httpMethod: "POST", authorizationType: "NONE" });
await send("PutIntegration", { ...at, httpMethod: "POST", type: "AWS_PROXY", integrationHttpMethod: "POST", uri: lambda });

await send("CreateDeployment", { restApiId, stageName: "dev", variables: { colour: "red" } });
const key = await send("CreateApiKey", { name: `js-${restApiId}`, enabled: true });
const plan = await send("CreateUsagePlan", { name: `js-${restApiId}`, apiStages: [{ apiId: restApiId, stage: "dev" }] });
await send("CreateUsagePlanKey", { usagePlanId: plan.id, keyId: key.id, keyType: "API_KEY" });

const call = async (options) => {
  const answer = await fetch(`${url}/restapis/${restApiId}/dev/_user_request_/a%20b`, options);
  return { status: answer.status, body: await answer.json() };
};
const tested = await send("TestInvokeMethod", { ...at, httpMethod: "GET", pathWithQueryString: "/7" });
console.log(
  JSON.stringify({
    withoutKey: await call({}),
    withKey: await call({ headers: { "x-api-key": key.value } }),
    lambda: await call({ method: "POST", body: '{"name": "Rex"}', headers: { "content-type": "application/json" } }),
    tested: { status: tested.status, body: JSON.parse(tested.body) },
    types: (await send("GetRestApi", { restApiId })).binaryMediaTypes,
  }),
);
