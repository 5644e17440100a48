import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveMember } from "@holdfast/server";
import { Etcd3 } from "etcd3";
import { createMember } from "holdfast/coordination";
import { builtInClassifiers, classify } from "holdfast/errors";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { caught, ClassifiedRows } from "./classified-rows.ts";
import { startEtcd, startMemoryMember, type Endpoint } from "./endpoint.ts";
import { etcdClusterRows } from "./etcd-cluster-rows.ts";
import { freePorts } from "../process/free-ports.ts";
import { gateway } from "./etcd-cluster.ts";

const etcd = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "etcd")!);
const clients: Etcd3[] = [];
let server: Endpoint;
let client: Etcd3;

beforeAll(async () => {
  server = await startEtcd();
  client = clientOf(server.client);
});

afterAll(async () => {
  for (const each of clients) each.close();
  await server.close();
});

function clientOf(address: string, options: object = {}): Etcd3 {
  const made = new Etcd3({ hosts: `http://${address}`, ...options });
  clients.push(made);
  return made;
}

async function expectRow(key: string, call: () => unknown): Promise<void> {
  etcd.expectRow(await caught(call), key);
}

it("requests that are wrong", async () => {
  await expectRow("key is not provided", () => client.put("").value("x"));
  await expectRow("key not found", () => client.kv.put({ key: Buffer.from("none"), ignore_value: true }));
  await expectRow("requested lease not found", () => client.kv.put({ key: Buffer.from("a"), lease: "77" }));
  await expectRow("lease already exists", async () => {
    await client.leaseClient.leaseGrant({ TTL: 60, ID: "5" });
    await client.leaseClient.leaseGrant({ TTL: 60, ID: "5" });
  });
  const put = { request_put: { key: Buffer.from("a"), value: Buffer.from("x") } };
  await expectRow("duplicate key given in txn request", () => client.kv.txn({ success: [put, put] }));
  await expectRow("too many operations in txn request", () =>
    client.kv.txn({
      success: Array.from({ length: 200 }, (_, at) => ({ request_put: { key: Buffer.from(`k${at}`) } })),
    }),
  );
  await expectRow("request is too large", () => client.put("a").value("x".repeat(1_700_000)));
});

it("revisions that are not there", async () => {
  for (let at = 0; at < 5; at++) await client.put("a").value(`${at}`);
  await client.kv.compact({ revision: "4", physical: true });
  const old = caught(() => client.kv.range({ key: Buffer.from("a"), revision: "2" }));
  const failure = etcd.expectRow(await old, "mvcc: required revision has been compacted");
  expect([failure.kind, failure.retryable]).toEqual(["consistency", false]);
  await expectRow("mvcc: required revision is a future revision", () =>
    client.kv.range({ key: Buffer.from("a"), revision: "999999" }),
  );
});

it("locks, elections and transactions of the client", async () => {
  const held = client.lock("l").ttl(10);
  await held.acquire();
  await expectRow("EtcdLockFailedError", () => client.lock("l").ttl(10).acquire());
  await held.release();
  await expectRow("NotCampaigningError", async () => {
    const campaign = client.election("e", 10).campaign("me");
    await new Promise((resolve) => campaign.once("elected", resolve));
    await campaign.resign();
    await campaign.proclaim("again");
  });
  await client.put("balance").value("1");
  await expectRow("STMConflictError", () =>
    client.stm({ retries: 0 }).transact(async (tx) => {
      const balance = await tx.get("balance").string();
      await client.put("balance").value("2");
      await tx.put("balance").value(`${balance}0`);
    }),
  );
});

it("a client that is closed", async () => {
  const closed = clientOf(server.client);
  await closed.get("a");
  closed.close();
  await expectRow("ClientClosedError", () => closed.get("a"));
});

it("nobody listens", async () => {
  const failure = classify(await caught(() => clientOf("127.0.0.1:9").get("a")));
  expect(failure).toMatchObject({ kind: "network", code: "CONNECTION_REFUSED", rule: "grpc UNAVAILABLE refused" });
});

it("a Holdfast member says the same", async () => {
  const member = await startMemoryMember();
  const own = clientOf(member.client);
  await expectRow("key is not provided", () => own.put("").value("x"));
  await expectRow("mvcc: required revision is a future revision", () =>
    own.kv.range({ key: Buffer.from("a"), revision: "999999" }),
  );
  own.close();
  await member.close();
});

it("a Holdfast member that is asked too much, and one that has stopped", async () => {
  const any = { host: "127.0.0.1", port: 0 };
  const [peer] = await freePorts(1);
  const directory = await mkdtemp(join(tmpdir(), "holdfast-busy-"));
  const member = await createMember({
    runtime: nodeRuntime(),
    name: "n1",
    directory,
    peer: { host: "127.0.0.1", port: peer! },
    cluster: { name: "busy", members: [{ name: "n1", peer: { host: "127.0.0.1", port: peer! } }] },
    clientUrls: [],
    httpUrls: [],
    maxWaiting: 1,
  });
  const served = await serveMember({ member, client: any, http: any });
  const address = `127.0.0.1:${served.httpAddress!.port}`;
  const put = (): Promise<unknown> => caught(() => gateway(address, "kv/put", { key: "YQ==", value: "YQ==" }));
  const errors = await Promise.all(Array.from({ length: 50 }, put));
  const refused = errors.find((error) => String(error).includes("too many"));
  const failure = etcd.expectRow(refused, "too many requests");
  expect([failure.kind, failure.effect]).toEqual(["resource", "none"]);
  await member.close();
  etcd.expectRow(await put(), "server stopped");
  await served.close();
  await rm(directory, { recursive: true });
});

it("users and rights", async () => {
  await expectRow("root user does not exist", () => client.auth.authEnable());
  await expectRow("user name not found", () => client.user("nobody").delete());
  await expectRow("role name not found", () => client.role("none").delete());
  const root = await client.role("root").create();
  await client.user("root").create("secret");
  await client.user("root").addRole(root);
  await client.user("guest").create("secret");
  await expectRow("role name already exists", () => client.role("root").create());
  await expectRow("user name already exists", () => client.user("root").create("x"));
  await client.auth.authEnable();
  const wrong = clientOf(server.client, { auth: { username: "root", password: "wrong" } });
  await expectRow("authentication failed, invalid user ID or password", () => wrong.get("a"));
  const guest = clientOf(server.client, { auth: { username: "guest", password: "secret" } });
  await expectRow("permission denied", () => guest.get("a"));
  await expectRow("user name is empty", () => gateway(server.client, "kv/range", { key: "YQ==" }));
  await expectRow("invalid auth token", () =>
    gateway(server.client, "kv/range", { key: "YQ==" }, { Authorization: "none" }),
  );
  const admin = clientOf(server.client, { auth: { username: "root", password: "secret" } });
  await admin.auth.authDisable();
});

it("every row was provoked, or is listed as one that cannot be", () => etcd.expectAll(etcdClusterRows));
