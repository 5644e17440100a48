import { once } from "node:events";
import { Etcd3, EtcdLeaseInvalidError, type IKeyValue, type Watcher } from "etcd3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRealCluster, type RealCluster } from "../process/real-cluster.ts";
import { until } from "../process/holdfast-command.ts";
import { startEtcd, startMemoryMember, type Endpoint } from "./endpoint.ts";

/** Puts and deletes as they come; `+key=value@revision` and `-key@revision`. */
function record(watcher: Watcher): string[] {
  const seen: string[] = [];
  const line = ({ key, value, mod_revision }: IKeyValue): string =>
    `${key.toString()}=${value.toString()}@${mod_revision}`;
  watcher.on("put", (pair, previous) => {
    const before = !previous ? "" : ` was ${previous.value.toString()}`;
    seen.push(`+${line(pair)}${before}`);
  });
  watcher.on("delete", (pair, previous) => {
    const before = !previous ? "" : ` was ${previous.value.toString()}`;
    seen.push(`-${pair.key.toString()}@${pair.mod_revision}${before}`);
  });
  return seen;
}

describe.each<[string, () => Promise<Endpoint>]>([
  ["Holdfast", startMemoryMember],
  ["etcd", startEtcd],
])("the etcd3 client of %s", (_, start) => {
  let endpoint: Endpoint;
  let client: Etcd3;

  beforeAll(async () => {
    endpoint = await start();
    client = new Etcd3({ hosts: `http://${endpoint.client}` });
  });

  beforeEach(() => client.delete().all());

  afterAll(async () => {
    client?.close();
    await endpoint?.close();
  });

  const revision = async (): Promise<number> => Number((await client.get("none").exec()).header.revision);

  it("watches a key, a prefix, and one kind of change", async () => {
    const watchers = await Promise.all([
      client.watch().key("w/1").create(),
      client.watch().prefix("w/").withPreviousKV().create(),
      client.watch().prefix("w/").only("delete").create(),
      client.watch().prefix("w/").only("put").create(),
    ]);
    const [key, prefix, deletes, puts] = watchers.map(record);
    const at = await revision();
    await client.put("w/1").value("a");
    await client.put("w/2").value("b");
    await client.put("other").value("c");
    await client.put("w/1").value("d");
    await client.delete().prefix("w/");
    await until("all is told", 5000, () => prefix!.length === 5 && deletes!.length === 2 && puts!.length === 3);
    expect(key).toEqual([`+w/1=a@${at + 1}`, `+w/1=d@${at + 4}`, `-w/1@${at + 5}`]);
    expect(prefix).toEqual([
      `+w/1=a@${at + 1}`,
      `+w/2=b@${at + 2}`,
      `+w/1=d@${at + 4} was a`,
      `-w/1@${at + 5} was d`,
      `-w/2@${at + 5} was b`,
    ]);
    expect(deletes).toEqual([`-w/1@${at + 5}`, `-w/2@${at + 5}`]);
    expect(puts).toEqual([`+w/1=a@${at + 1}`, `+w/2=b@${at + 2}`, `+w/1=d@${at + 4}`]);
    await Promise.all(watchers.map((watcher) => watcher.cancel()));
  });

  it("watches from a revision of the past on, and hears when it is compacted", async () => {
    const at = await revision();
    for (const value of ["1", "2", "3"]) await client.put("past").value(value);
    const watcher = await client
      .watch()
      .key("past")
      .startRevision(String(at + 2))
      .create();
    const seen = record(watcher);
    await until("all is told", 5000, () => seen.length === 2);
    expect(seen).toEqual([`+past=2@${at + 2}`, `+past=3@${at + 3}`]);
    await watcher.cancel();
    await client.kv.compact({ revision: at + 3 });
    const late = client
      .watch()
      .key("past")
      .startRevision(String(at + 1))
      .watcher();
    const [error] = (await once(late, "error")) as [Error];
    expect(error.message).toMatch(/^Watcher canceled/);
  });

  it("stops to watch, and may begin again", async () => {
    for (let round = 0; round < 3; round++) {
      const watcher = await client.watch().key("again").create();
      const seen = record(watcher);
      await client.put("again").value(`${round}`);
      await until("it is told", 5000, () => seen.length === 1);
      await watcher.cancel();
      await client.put("again").value("nobody looks");
      expect(seen).toHaveLength(1);
    }
  });

  it("grants leases, keeps them alive, and takes their keys with them", async () => {
    const lease = client.lease(2);
    await lease.put("leased").value("1");
    const id = await lease.grant();
    const alive = await once(lease, "keepaliveSucceeded");
    expect(alive[0]).toMatchObject({ ID: id, TTL: "2" });
    const { leases } = await client.leaseClient.leaseLeases();
    expect(leases.map(({ ID }) => ID)).toContain(id);
    const { keys, grantedTTL } = await client.leaseClient.leaseTimeToLive({ ID: id, keys: true });
    expect([keys.map(String), grantedTTL]).toEqual([["leased"], "2"]);
    await lease.revoke();
    expect(await client.get("leased")).toBeNull();
  });

  it("says that a lease is lost when somebody else ends it", async () => {
    const lease = client.lease(2, { autoKeepAlive: false });
    const id = await lease.grant();
    await client.leaseClient.leaseRevoke({ ID: id });
    const lost = once(lease, "lost");
    await expect(lease.keepaliveOnce()).rejects.toBeInstanceOf(EtcdLeaseInvalidError);
    expect((await lost)[0]).toBeInstanceOf(EtcdLeaseInvalidError);
    await expect(lease.put("too late").value("1")).rejects.toThrow("requested lease not found");
  });

  it("tells a watcher what goes with a lease that runs out", async () => {
    const watcher = await client.watch().prefix("short/").create();
    const seen = record(watcher);
    const lease = client.lease(1, { autoKeepAlive: false });
    await lease.put("short/1").value("1");
    const at = await revision();
    await lease.put("short/2").value("2");
    await until("the lease runs out", 15_000, () => seen.length === 4);
    expect(seen.slice(2)).toEqual([`-short/1@${at + 2}`, `-short/2@${at + 2}`]);
    await watcher.cancel();
  });

  it("locks, and elects a leader whom others see", async () => {
    const order: string[] = [];
    const hold = async (name: string): Promise<void> => {
      await client
        .lock("mutex")
        .ttl(10)
        .do(async () => {
          order.push(`${name} in`);
          await client.get("mutex").exec();
          order.push(`${name} out`);
        });
    };
    await hold("first");
    await hold("second");
    expect(order).toEqual(["first in", "first out", "second in", "second out"]);

    const [one, two] = [client.election("office", 5), client.election("office", 5)];
    const observer = await client.election("office", 5).observe();
    const seen: (string | undefined)[] = [];
    observer.on("change", (leader) => seen.push(leader));
    const campaign = one.campaign("one");
    await once(campaign, "elected");
    const next = two.campaign("two");
    // It may be told before the other's resignation is.
    const elected = once(next, "elected");
    expect(await one.leader()).toBe("one");
    await campaign.resign();
    await elected;
    expect(await two.leader()).toBe("two");
    await until("the observer has seen both", 10_000, () => seen.includes("two"));
    await next.resign();
    await observer.cancel();
  });
});

describe("the etcd3 client of a cluster whose members are killed", () => {
  let cluster: RealCluster;
  let client: Etcd3;

  beforeAll(async () => {
    cluster = await startRealCluster(3);
    client = new Etcd3({ hosts: [...cluster.urls] });
  });

  afterAll(async () => {
    client?.close();
    await cluster?.close();
  });

  it("keeps its watchers, which miss nothing and see nothing twice, and its leases", async () => {
    const watchers = await Promise.all(["a/", "b/", ""].map((prefix) => client.watch().prefix(prefix).create()));
    const seen = watchers.map(record);
    let disconnected = 0;
    for (const watcher of watchers) watcher.on("disconnected", () => disconnected++);
    const lease = client.lease(30);
    await lease.put("held").value("1");
    const id = await lease.grant();
    const expected: string[][] = [[], [], []];
    let at = Number((await client.get("none").exec()).header.revision);
    let number = 0;
    const put = async (url: string, prefix: string): Promise<void> => {
      const key = `${prefix}${number++}`;
      const body = JSON.stringify({ key: btoa(key), value: btoa("v") });
      await until(`${key} is put`, 20_000, async () => {
        const answer = await fetch(`${url}/v3/kv/put`, {
          method: "POST",
          body,
          headers: { "holdfast-request": `77/${number}/0` },
        }).catch(() => undefined);
        return answer?.status === 200;
      });
      at++;
      expected[prefix === "a/" ? 0 : 1]!.push(`+${key}=v@${at}`);
      expected[2]!.push(`+${key}=v@${at}`);
    };
    expected[2]!.push(`+held=1@${at}`);

    for (const [index, { name }] of cluster.plan.members.entries()) {
      const alive = cluster.urls[(index + 1) % 3]!;
      for (let puts = 0; puts < 10; puts++) await put(alive, puts % 2 === 0 ? "a/" : "b/");
      const { exit } = await cluster.supervisor.kill(name);
      expect(exit.signal).toBe("SIGKILL");
      for (let puts = 0; puts < 10; puts++) await put(alive, puts % 2 === 0 ? "a/" : "b/");
      await cluster.supervisor.start(name);
    }
    await until("all is told", 20_000, () => seen.every((told, which) => told.length >= expected[which]!.length));
    expect(seen).toEqual(expected);
    expect(disconnected).toBeGreaterThan(0);
    const { TTL } = await client.leaseClient.leaseTimeToLive({ ID: id });
    expect(Number(TTL)).toBeGreaterThan(0);
    expect(lease.revoked()).toBe(false);
    await lease.revoke();
  });
});
