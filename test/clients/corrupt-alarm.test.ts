import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireProgram, startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { etcdctl, normalise } from "./etcdctl.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Without what differs between any two clusters. */
async function post({ client }: Endpoint, path: string, body: object): Promise<Answer> {
  const response = await fetch(`http://${client}/v3${path}`, { method: "POST", body: JSON.stringify(body) });
  const text = await response.text();
  return {
    status: response.status,
    body: text.replaceAll(/"(cluster_id|member_id|memberID|raft_term|ID|hash|TTL)":"?\d+"?/g, '"$1":"*"'),
  };
}

const k = btoa("k");
const alarm = (action: "ACTIVATE" | "DEACTIVATE", type: "CORRUPT" | "NOSPACE"): object => ({
  action,
  alarm: type,
  // Whoever it is.
  memberID: "5",
});

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
  for (const endpoint of [holdfast.leader, etcd]) {
    await post(endpoint, "/kv/put", { key: k, value: btoa("before") });
    await post(endpoint, "/lease/grant", { ID: 77, TTL: 600 });
    expect((await post(endpoint, "/maintenance/alarm", alarm("ACTIVATE", "CORRUPT"))).status).toBe(200);
  }
  // Each member has heard of it once a linearizable read there has brought it up to date.
  for (const member of holdfast.members) await post(member, "/kv/range", { key: k });
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

describe("while the alarm CORRUPT is raised, as in etcd,", () => {
  it.each<[path: string, body: object]>([
    ["/kv/put", { key: k }],
    ["/kv/put", { key: k, lease: 99 }],
    ["/kv/deleterange", { key: k }],
    ["/kv/txn", { success: [{ request_put: { key: k } }] }],
    ["/kv/txn", { success: [{ request_delete_range: { key: k } }] }],
    ["/kv/compaction", { revision: 1 }],
    ["/kv/compaction", { revision: 1111 }],
    ["/lease/grant", { TTL: 5 }],
    ["/lease/revoke", { ID: 77 }],
    ["/lease/revoke", { ID: 78 }],
    ["/lock/lock", { name: k }],
    ["/lock/unlock", { key: k }],
    ["/election/campaign", { name: k, lease: 77 }],
  ])("refuses %s %o", async (path, body) => {
    const ours = await post(holdfast.next(), path, body);
    expect(ours).toEqual(await post(etcd, path, body));
    expect(ours.body).toContain("etcdserver: corrupt cluster");
  });

  it.each<[path: string, body: object]>([
    ["/kv/range", { key: k }],
    ["/kv/range", { key: k, serializable: true }],
    ["/kv/put", {}],
    ["/kv/txn", { success: [{ request_range: { key: k } }] }],
    ["/kv/txn", {}],
    ["/lease/timetolive", { ID: 77, keys: true }],
    ["/lease/leases", {}],
    ["/lease/keepalive", { ID: 77 }],
    ["/election/leader", { name: k }],
    ["/maintenance/alarm", {}],
    ["/maintenance/defragment", {}],
    ["/maintenance/hash", {}],
    ["/auth/user/add", { name: "ann", password: "pw" }],
    ["/auth/user/list", {}],
    ["/auth/role/add", { name: "clerk" }],
  ])("does not keep out %s %o", async (path, body) => {
    const ours = await post(holdfast.next(), path, body);
    expect(ours).toEqual(await post(etcd, path, body));
    expect(ours.body).not.toContain("corrupt cluster");
  });

  it.each(["alarm list", "endpoint health", "put k v", "get k", "del k", "lease grant 5", "snapshot save /nowhere/x"])(
    "etcdctl %s",
    async (line) => {
      const words = line.split(" ");
      const [ours, theirs] = await Promise.all([etcdctl(holdfast.next(), words), etcdctl(etcd, words)]);
      expect(normalise(ours.stdout)).toBe(normalise(theirs.stdout));
      expect(normalise(ours.error)).toBe(normalise(theirs.error));
      expect(ours.exitCode).toBe(theirs.exitCode);
    },
  );

  it("says that no member is healthy", async () => {
    for (const { client } of [...holdfast.members, etcd]) {
      const response = await fetch(`http://${client}/health`);
      expect([response.status, await response.json()]).toEqual([503, { health: "false" }]);
    }
  });

  it("stays shut when NOSPACE is raised too, which opens etcd 3.4 for deletes", async () => {
    for (const endpoint of [holdfast.leader, etcd]) {
      await post(endpoint, "/maintenance/alarm", alarm("ACTIVATE", "NOSPACE"));
    }
    const ours = await post(holdfast.next(), "/kv/deleterange", { key: btoa("none") });
    expect(ours.body).toContain("etcdserver: corrupt cluster");
    expect(await post(etcd, "/kv/deleterange", { key: btoa("none") })).toMatchObject({ status: 200 });
  });

  it("goes on as before once it is cleared", async () => {
    for (const endpoint of [holdfast.leader, etcd]) {
      expect((await etcdctl(endpoint, ["alarm", "disarm"])).exitCode).toBe(0);
      expect(await etcdctl(endpoint, ["put", "k", "after"])).toMatchObject({ exitCode: 0, stdout: "OK\n" });
    }
  });
});
