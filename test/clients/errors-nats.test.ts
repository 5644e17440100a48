import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as tcpConnect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { caught, ClassifiedRows } from "./classified-rows.ts";
import { createNatsOperator } from "./nats-operator.ts";
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

/** The error that a connection tells of in its events. */
async function toldOf(used: NatsConnection): Promise<unknown> {
  for await (const event of used.status()) if (event.type === "error") return event.error;
  throw new Error("it was closed without an error");
}

it("TLS that the server does not have, and a request when its connection is closed", async () => {
  const plain = await startNats();
  onTestFinished(() => plain.close());
  const servers = `127.0.0.1:${plain.port}`;
  nats.expectRow(await caught(() => open({ servers, tls: {} })), "ConnectionError");
  const used = await open({ servers });
  used.subscribe("slow", { callback: () => {} });
  const asked = caught(() => used.request("slow", "x", { timeout: 5000 }));
  await used.close();
  const failure = nats.expectRow(await asked, "RequestError");
  expect(failure).toMatchObject({ code: "CONNECTION_LOST", kind: "network", effect: "unknown" });
});

it("limits of the server", async () => {
  const small = await startNats("max_connections: 1, max_subscriptions: 1");
  onTestFinished(() => small.close());
  // It passes on what the server says, and not what it is told: the server does not listen any more.
  const relay = createServer((socket) => {
    const onward = tcpConnect(small.port, "127.0.0.1").on("error", () => {});
    onward.pipe(socket.on("error", () => {}).resume());
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const servers = `127.0.0.1:${small.port}`;
  const used = await open({ servers });
  const error = await caught(() => open({ servers: `127.0.0.1:${(relay.address() as AddressInfo).port}` }));
  const failure = nats.expectRow(error, "ProtocolError maximum connections");
  expect([failure.kind, failure.retryable]).toEqual(["resource", true]);
  relay.close();
  const told = toldOf(used);
  for (const subject of ["a", "b"]) used.subscribe(subject, { callback: () => {} });
  nats.expectRow(await told, "ProtocolError");
  await used.close();
});

it("a message that became too large while nobody told the client", async () => {
  const strict = await startNats("max_payload: 10000");
  onTestFinished(() => strict.close());
  const options = { servers: `127.0.0.1:${strict.port}`, user: undefined, pass: undefined };
  const used = await open(options);
  await writeFile(join(strict.directory, "nats.conf"), "max_payload: 1000");
  strict.process.kill("SIGHUP");
  await until(async () => {
    const fresh = await open(options);
    const limit = fresh.info?.max_payload;
    await fresh.close();
    return limit === 1000;
  });
  const told = toldOf(used);
  used.publish("a", "x".repeat(5000));
  nats.expectRow(await told, "ProtocolError maximum payload");
  await used.closed();
});

it("a user whose rights end", async () => {
  const operator = createNatsOperator();
  const trusting = await startNats(operator.configuration);
  onTestFinished(() => trusting.close());
  const authenticator = operator.authenticator(Math.floor(Date.now() / 1000) + 2);
  const options = { servers: `127.0.0.1:${trusting.port}`, user: undefined, pass: undefined, authenticator };
  const used = await open(options);
  const failure = nats.expectRow(await toldOf(used), "UserAuthenticationExpiredError");
  expect([failure.code, failure.retryable]).toEqual(["UNAUTHENTICATED", false]);
  await used.close();
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error("it did not happen within 20 s");
  }
}

it("every row was provoked, or is listed as one that cannot be", () => nats.expectAll());
