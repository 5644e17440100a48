import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, beforeAll, expect, it } from "vitest";
import { caught, ClassifiedRows } from "./classified-rows.ts";
import { startNats, type RealServer } from "./real-servers.ts";

const nats = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "nats")!);
const connections: NatsConnection[] = [];
let server: RealServer;

const configuration = `
max_payload: 1024
authorization { users = [
  { user: all, password: secret }
  { user: some, password: secret, permissions: { publish: "mine.>", subscribe: ["mine.>", "_INBOX.>"] } }
] }`;

beforeAll(async () => {
  server = await startNats(configuration);
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await server.close();
});

async function open(options: object = {}): Promise<NatsConnection> {
  const made = await connect({
    servers: `127.0.0.1:${server.port}`,
    user: "all",
    pass: "secret",
    reconnect: false,
    ...options,
  });
  connections.push(made);
  return made;
}

it("nobody answers requests", async () => {
  const used = await open();
  const failure = nats.expectRow(await caught(() => used.request("none", "x", { timeout: 1000 })), "NoResponders");
  expect([failure.kind, failure.effect]).toEqual(["resource", "none"]);
  await used.close();
});

it("an answer that does not come in time", async () => {
  const used = await open();
  used.subscribe("slow", { callback: () => {} });
  const error = await caught(() => used.request("slow", "x", { timeout: 50 }));
  expect(nats.expectRow(error, "TimeoutError timeout").effect).toBe("unknown");
  await used.close();
});

it("wrong passwords and rights", async () => {
  nats.expectRow(await caught(() => open({ pass: "wrong" })), "AuthorizationError");
  const some = await open({ user: "some" });
  const refused = new Promise((resolve) => {
    some.subscribe("theirs", { callback: (error) => resolve(error) });
  });
  nats.expectRow(await refused, "PermissionViolationError");
  await some.close();
});

it("subjects and messages that are wrong", async () => {
  const used = await open();
  nats.expectRow(await caught(() => used.publish("")), "InvalidSubjectError");
  nats.expectRow(await caught(() => used.publish("a", "x".repeat(2000))), "InvalidArgumentError max_payload");
  await used.close();
  nats.expectRow(await caught(() => used.publish("a")), "ClosedConnectionError");
  const drained = await open();
  const draining = drained.drain();
  const error = await caught(() => drained.subscribe("a"));
  await draining;
  nats.expectRow(error, "DrainingConnectionError");
});

it("nobody listens", async () => {
  const failure = nats.expectRow(
    await caught(() => open({ servers: "127.0.0.1:9" })),
    "ConnectionError connection refused",
  );
  expect(failure).toMatchObject({ code: "CONNECTION_REFUSED", effect: "none" });
});

it("a server that is none", async () => {
  const nonsense = createServer((socket) => socket.on("error", () => {}).end("INFO {no json}\r\n"));
  nonsense.listen(0, "127.0.0.1");
  await once(nonsense, "listening");
  const error = await caught(() => open({ servers: `127.0.0.1:${(nonsense.address() as AddressInfo).port}` }));
  nonsense.close();
  expect(classify(error).rule).toBe("javascript SyntaxError");
});

it("a server that is killed", async () => {
  const used = await open();
  used.subscribe("slow", { callback: () => {} });
  const asked = caught(() => used.request("slow", "x", { timeout: 5000 }));
  await used.flush();
  await server.close();
  const failure = classify(await asked);
  await used.closed();
  nats.expectRow(await caught(() => used.publish("a")), "ClosedConnectionError");
  expect(failure.message).not.toBe("");
});

it("every row was provoked, or is listed as one that cannot be", () => nats.expectAll());
