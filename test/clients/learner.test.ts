import { Etcd3 } from "etcd3";
import { etcdCoordination, type EtcdCoordination } from "holdfast/adapters/etcd";
import { remoteCoordination } from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { until } from "../process/holdfast-command.ts";
import { requireProgram, type Endpoint } from "./endpoint.ts";
import { startEtcdLearner, startHoldfastLearner, type LearnerCluster } from "./etcd-learner.ts";
import { etcdctl, normalise } from "./etcdctl.ts";

let holdfast: LearnerCluster;
let etcd: LearnerCluster;

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startHoldfastLearner(), startEtcdLearner()]);
  const put = ["put", "k", "v"];
  for (const { voter } of [holdfast, etcd]) expect(await etcdctl(voter, put)).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

const k = btoa("k");

const refused: readonly (readonly [path: string, body: object])[] = [
  ["/kv/range", { key: k }],
  ["/kv/put", { key: k }],
  ["/kv/put", {}],
  ["/kv/deleterange", { key: k }],
  ["/kv/txn", { success: [{ request_range: { key: k, serializable: true } }] }],
  ["/kv/compaction", { revision: 1 }],
  ["/lease/grant", { TTL: 5 }],
  ["/lease/revoke", { ID: 5 }],
  ["/lease/timetolive", { ID: 5 }],
  ["/lease/leases", {}],
  ["/lease/keepalive", { ID: 5 }],
  ["/watch", { create_request: { key: k } }],
  ["/cluster/member/list", {}],
  ["/cluster/member/add", { peerURLs: ["http://127.0.0.1:1"] }],
  ["/cluster/member/remove", { ID: 4 }],
  ["/cluster/member/update", { ID: 4 }],
  ["/cluster/member/promote", { ID: 4 }],
  ["/maintenance/alarm", {}],
  ["/maintenance/defragment", {}],
  ["/maintenance/hash", {}],
  ["/maintenance/snapshot", {}],
  ["/maintenance/transfer-leadership", { targetID: 4 }],
  ["/auth/enable", {}],
  ["/auth/disable", {}],
  ["/auth/authenticate", { name: "a", password: "b" }],
  ["/auth/user/add", { name: "a", password: "b" }],
  ["/auth/user/list", {}],
  ["/auth/role/list", {}],
  ["/lock/lock", { name: k }],
  ["/lock/unlock", { key: k }],
  ["/election/leader", { name: k }],
  ["/election/observe", { name: k }],
  ["/election/campaign", { name: k }],
];

async function post({ client }: Endpoint, path: string, body: object): Promise<unknown> {
  const response = await fetch(`http://${client}/v3${path}`, { method: "POST", body: JSON.stringify(body) });
  const type = response.headers.get("content-type");
  return { status: response.status, type, body: await response.json() };
}

describe("a learner", () => {
  it.each(refused)("refuses %s as etcd's does", async (path, body) => {
    const [ours, theirs] = await Promise.all([post(holdfast.learner, path, body), post(etcd.learner, path, body)]);
    expect(ours).toEqual(theirs);
    expect(JSON.stringify(ours)).toContain("etcdserver: rpc not supported for learner");
  });

  // etcdctl tries a hundred times, so they do it side by side.
  it.concurrent.each([
    "get k",
    "endpoint health",
    "member list",
    "endpoint hashkv",
    "alarm list",
    "get k --consistency=s",
  ])("etcdctl %s says the same there", async (line) => {
    const words = line.split(" ");
    const [ours, theirs] = await Promise.all([etcdctl(holdfast.learner, words), etcdctl(etcd.learner, words)]);
    expect(normalise(ours.stdout)).toBe(normalise(theirs.stdout));
    expect(normalise(ours.error)).toBe(normalise(theirs.error));
    expect(ours.exitCode).toBe(theirs.exitCode);
  });

  it("reads what it has, and says that it learns", async () => {
    const read = { key: k, serializable: true };
    for (const { learner } of [holdfast, etcd]) {
      expect(await post(learner, "/kv/range", read)).toMatchObject({ body: { kvs: [{ key: k, value: btoa("v") }] } });
      expect(await post(learner, "/maintenance/status", {})).toMatchObject({ body: { isLearner: true } });
      expect(await (await fetch(`http://${learner.client}/health`)).json()).toEqual({ health: "true" });
    }
  });
});

describe("clients that come to a learner first", () => {
  it("of this project ask the voter, for writes too, without doubt about what became of them", async () => {
    for (const { voter, learner } of [holdfast, etcd]) {
      const first = [`http://${learner.client}`, `http://${voter.client}`];
      const gateway = gatewayClient({ endpoints: first });
      // Sent once, it would be in doubt after any other refusal of this kind.
      await gateway.call("/kv/put", { key: btoa("by/call"), value: btoa("1") });
      await gateway.put({ key: Buffer.from("by/gateway"), value: Buffer.from("1") });
      gateway.close();
      // Each comes to the learner anew.
      const adapters = [1, 2, 3].map(() => etcdCoordination({ endpoints: [learner.client, voter.client] }));
      const [writer, keeper, listener] = adapters as [EtcdCoordination, EtcdCoordination, EtcdCoordination];
      const key = Buffer.from("by/adapter");
      const watcher = await listener.watch({ key });
      await writer.put({ key, value: Buffer.from("1") });
      expect((await watcher.next()).value?.events).toMatchObject([{ type: "put" }]);
      const { id } = await writer.leaseGrant({ ttlSeconds: 60 });
      expect(await keeper.leaseKeepAlive({ id })).toMatchObject({ ttlSeconds: 60 });
      await watcher.close();
      await Promise.all(adapters.map((adapter) => adapter.close()));
      const { stdout } = await etcdctl(voter, ["get", "--prefix", "--keys-only", "by/"]);
      expect(stdout.split("\n").filter((line) => line !== "")).toEqual(["by/adapter", "by/call", "by/gateway"]);
    }
  });

  it("over the own protocol, too, and the learner alone answers serializable reads alone", async () => {
    const { voter, learner } = holdfast;
    const runtime = nodeRuntime();
    const key = Buffer.from("by/own");
    const both = remoteCoordination({ runtime, endpoints: [learner.client, voter.client] });
    const watcher = await both.watch({ key });
    await both.put({ key, value: key });
    expect((await watcher.next()).value?.events).toMatchObject([{ type: "put" }]);
    const alone = remoteCoordination({ runtime, endpoints: [learner.client], timeoutMs: 300 });
    await until("the learner has it", 5_000, async () => (await alone.range({ key, serializable: true })).count === 1);
    for (const ask of [() => alone.range({ key }), () => alone.put({ key, value: key }), () => alone.watch({ key })]) {
      await expect(ask()).rejects.toMatchObject({ code: "NOT_AT_LEARNER" });
    }
    await Promise.all([both.close(), alone.close()]);
  });

  it("etcdctl and etcd3 find the voter for reads", async () => {
    for (const { voter, learner } of [holdfast, etcd]) {
      const both = { ...voter, client: `${learner.client},${voter.client}` };
      expect(await etcdctl(both, ["get", "k", "--print-value-only"])).toMatchObject({ exitCode: 0, stdout: "v\n" });
      const client = new Etcd3({ hosts: [learner, voter].map((endpoint) => `http://${endpoint.client}`) });
      let answer: string | null = null;
      for (let attempt = 0; answer === null && attempt < 20; attempt++) {
        answer = await client
          .get("k")
          .string()
          .catch(() => null);
      }
      expect(answer).toBe("v");
      client.close();
    }
  });
});
