import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { caught, ClassifiedRows } from "../clients/classified-rows.ts";

const classifier = builtInClassifiers.find(({ system }) => system === "aws")!;
const aws = new ClassifiedRows(classifier);

/** Answers every request with the error that is next, in the form of the JSON protocol (1.0). */
let next = { type: "", status: 400 };
const server = createServer((request, response) => {
  request.resume();
  response.writeHead(next.status, { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "r-1" });
  response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${next.type}`, message: "as asked" }));
});
let client: DynamoDBClient;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterAll(async () => {
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function clientOf(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return new DynamoDBClient({ endpoint, region: "local", credentials, maxAttempts: 1 });
}

const get = (): GetItemCommand => new GetItemCommand({ TableName: "t", Key: { id: { S: "1" } } });

const names = Object.keys(classifier.rules).filter((name) => !["4", "5", "CredentialsProviderError"].includes(name));

it.each(names)("%s", async (type) => {
  next = { type, status: type.startsWith("Internal") || type === "ServiceUnavailable" ? 500 : 400 };
  const failure = aws.expectRow(await caught(() => client.send(get())), type);
  expect(failure.message).toContain("as asked");
});

it("names that are not in the table, by their status", async () => {
  next = { type: "UnheardOfException", status: 400 };
  aws.expectRow(await caught(() => client.send(get())), "4");
  next = { type: "UnheardOfException", status: 502 };
  aws.expectRow(await caught(() => client.send(get())), "5");
});

it("CredentialsProviderError", async () => {
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  const without = new DynamoDBClient({ endpoint: "http://127.0.0.1:9", region: "local" });
  const error = await caught(() => without.send(get()));
  vi.unstubAllEnvs();
  without.destroy();
  aws.expectRow(error, "CredentialsProviderError");
});

it("nobody listens", async () => {
  const lonely = clientOf("http://127.0.0.1:9");
  expect(classify(await caught(() => lonely.send(get())))).toMatchObject({ rule: "node ECONNREFUSED", effect: "none" });
  lonely.destroy();
});

it("every row was provoked, or is listed as one that cannot be", () => aws.expectAll());
