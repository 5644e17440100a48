import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Etcd3, Range, type IOptions } from "etcd3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { failureOf, onEach, type Feature } from "./etcd3-on-both.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

async function same(feature: Feature): Promise<unknown> {
  const [ours, theirs] = await onEach([holdfast.next(), etcd], feature);
  expect(ours).toEqual(theirs);
  return ours;
}

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!(await done())) {
    if (performance.now() > giveUpAt) throw new Error(`not within 20 s: ${String(done)}`);
    await delay(10);
  }
}

describe("watchers of etcd3", () => {
  it.concurrent("choose what they are told, and tell how they are", async () => {
    const told = await same(async (client) => {
      const events: string[] = [];
      const start = Number((await client.put("w/0").value("x")).header.revision) + 1;
      const watcher = client
        .watch()
        .inRange({ start: "w/1", end: "w/3" })
        .withPreviousKV()
        .startRevision(`${start}`)
        .watcher();
      watcher.on("connecting", ({ create_request: asked }) =>
        events.push(`connecting ${String(asked?.key)} ${asked?.filters?.join()}`),
      );
      watcher.on("connected", ({ created }) => events.push(`connected ${created}`));
      watcher.on("data", (response) => events.push(`data ${response.events.length}`));
      watcher.on("put", (pair, previous) => {
        events.push(`put ${String(pair.key)} ${String(pair.value)} ${String(previous?.value)} ${pair.version}`);
      });
      watcher.on("delete", (pair, previous) => events.push(`delete ${String(pair.key)} ${String(previous?.value)}`));
      watcher.on("end", () => events.push("end"));
      await once(watcher, "connected");
      // Told what etcd3 asks for, which is not what its name says.
      const filtered = await client.watch().prefix("w/").ignore("delete").create();
      const kept: string[] = [];
      filtered.on("data", (response) =>
        kept.push(...response.events.map(({ type, kv }) => `${type} ${String(kv.key)}`)),
      );
      for (const key of ["w/0", "w/1", "w/1", "w/3"]) await client.put(key).value(`value of ${key}`);
      await client.delete().key("w/1");
      await client.put("w/2").value("the last one");
      await until(() => kept.length > 0 && events.some((event) => event.includes("the last one")));
      const isAt = watcher.lastRevision()! > start + 4;
      await Promise.all([watcher.cancel(), filtered.cancel()]);
      await client.put("w/2").value("nobody looks");
      return [events, isAt, kept];
    });
    expect(told).toEqual([
      expect.arrayContaining(["put w/1 value of w/1 value of w/1 2", "end"]),
      true,
      ["Delete w/1"],
    ]);
  });

  it.concurrent("share one stream, and come and go on it", async () => {
    await same(async (client) => {
      const watchers = await Promise.all(
        Array.from({ length: 40 }, (_, at) =>
          client
            .watch()
            .key(`s/${at % 4}`)
            .create(),
        ),
      );
      const seen = watchers.map((watcher) => {
        const values: string[] = [];
        watcher.on("put", ({ value }) => values.push(String(value)));
        return values;
      });
      for (let at = 0; at < 4; at++) await client.put(`s/${at}`).value("one");
      await until(() => seen.every((values) => values.length === 1));
      await Promise.all(watchers.slice(0, 20).map((watcher) => watcher.cancel()));
      for (let at = 0; at < 4; at++) await client.put(`s/${at}`).value("two");
      await until(() => seen.slice(20).every((values) => values.length === 2));
      await Promise.all(watchers.slice(20).map((watcher) => watcher.cancel()));
      const ids = new Set(watchers.map(({ id }) => id));
      return [seen, ids.size];
    });
  });
});

describe("leases of etcd3", () => {
  it.concurrent("tell of their life, up to their end by others", async () => {
    const told = await same(async (client) => {
      const events = new Set<string>();
      const lease = client.lease(2);
      lease.on("keepaliveFired", () => events.add("fired"));
      lease.on("keepaliveEstablished", () => events.add("established"));
      lease.on("keepaliveSucceeded", ({ TTL }) => events.add(`succeeded ${TTL}`));
      const lost = once(lease, "lost") as Promise<[Error]>;
      const id = await lease.grant();
      await lease.put("l/1").value("1");
      await once(lease, "keepaliveSucceeded");
      await client.leaseClient.leaseRevoke({ ID: id });
      const [error] = await lost;
      const gone = await failureOf(() => lease.put("l/2").value("2"));
      return [
        [...events].toSorted(),
        error.constructor.name,
        lease.revoked(),
        await client.get("l/1"),
        gone?.replace(id, "ID"),
      ];
    });
    expect((told as unknown[]).slice(0, 4)).toEqual([
      ["established", "fired", "succeeded 2"],
      "EtcdLeaseInvalidError",
      true,
      null,
    ]);
  });

  it.concurrent("may be left to run out, kept alive by hand, and asked about", async () => {
    await same(async (client) => {
      const left = client.lease(1);
      await left.put("l/left").value("1");
      left.release();
      const kept = client.lease(600, { autoKeepAlive: false });
      const id = await kept.grant();
      const { TTL } = await kept.keepaliveOnce();
      await until(async () => !(await client.get("l/left").exists()));
      const { leases } = await client.leaseClient.leaseLeases();
      const listed = leases.some((lease) => lease.ID === id);
      await kept.revoke();
      const { TTL: after } = await client.leaseClient.leaseTimeToLive({ ID: id });
      const again = await failureOf(() => client.leaseClient.leaseRevoke({ ID: id }));
      return [
        TTL,
        listed,
        after,
        again,
        await failureOf(() => client.lease(0).grant()),
        [kept.revoked(), left.revoked()],
      ];
    });
  });
});

describe("locks of etcd3", () => {
  it.concurrent("are held by one, refused to others, and given back", async () => {
    const told = await same(async (client) => {
      const [one, two] = [client.lock("k").ttl(5), client.lock("k").ttl(5)];
      const before = await one.leaseId();
      await one.acquire();
      const refused = await failureOf(() => two.acquire());
      const held = (await one.leaseId()) !== null;
      const [pair] = (await client.get("k").exec()).kvs;
      const ofLease = pair?.lease === (await one.leaseId());
      await one.release();
      const result = await two.do(async () => `did it, ${(await client.get("k").exec()).count} key`);
      const thrown = await failureOf(() => client.lock("k").do(() => Promise.reject(new TypeError("inside"))));
      return [before, refused, held, ofLease, result, thrown, await client.get("k")];
    });
    expect(told).toContain("EtcdLockFailedError: Failed to acquire a lock on k");
    expect(told).toContain("did it, 1 key");
  });
});

describe("elections of etcd3", () => {
  it.concurrent("are won, proclaimed, observed and given up", async () => {
    const told = await same(async (client) => {
      const election = (): ReturnType<Etcd3["election"]> => client.election("chair", 5);
      const observer = await election().observe();
      const seen: (string | undefined)[] = [];
      observer.on("change", (leader) => seen.push(leader));
      const before = [observer.hasLeader, observer.leader(), await election().leader()];
      const one = election().campaign("one");
      await one.wait();
      await until(() => seen.includes("one"));
      await one.proclaim("uno");
      await until(() => seen.includes("uno"));
      const two = election().campaign("two");
      const three = election().campaign("three");
      await Promise.all([two, three].map((campaign) => once(campaign, "_isWaiting")));
      const order: string[] = [];
      two.once("elected", () => order.push("two"));
      three.once("elected", () => order.push("three"));
      const during = [observer.leader(), await election().leader(), order.length];
      await one.resign();
      await until(() => order.length === 1);
      const refused = await failureOf(() => one.proclaim("too late"));
      // Which of the two comes next is up to which lease was granted first.
      const [first, last] = order[0] === "two" ? [two, three] : [three, two];
      await first.resign();
      await until(() => order.length === 2);
      await until(() => observer.leader() === order[1]);
      const key = (await last.getCampaignKey()).startsWith("election/chair/");
      await last.resign();
      await until(() => !observer.hasLeader);
      await observer.cancel();
      return [before, during, refused, order.toSorted(), key, seen.slice(0, 2), await election().leader()];
    });
    expect((told as unknown[])[1]).toEqual(["uno", "uno", 0]);
    expect(JSON.stringify(told)).toContain("NotCampaigningError");
  });
});

describe("etcd3 as an operator's client", () => {
  it.concurrent("asks a member about itself", async () => {
    await same(async (client) => {
      const { maintenance, cluster } = client;
      const { version, leader, isLearner, errors } = (await maintenance.status()) as unknown as Record<string, unknown>;
      const { members } = await cluster.memberList({ linearizable: true });
      const { alarms } = await maintenance.alarm({ action: "Get", memberID: 0, alarm: "None" });
      await maintenance.defragment();
      const { hash } = await maintenance.hash();
      const stream = await maintenance.snapshot();
      let size = 0;
      let left = "";
      for await (const { blob, remaining_bytes: remaining } of stream as unknown as AsyncIterable<{
        blob: Buffer;
        remaining_bytes: string;
      }>) {
        size += blob.length;
        left = remaining;
      }
      return [
        [version, isLearner, errors, alarms, left, typeof hash, size % 512],
        members.some(({ ID }) => ID === leader),
        await failureOf(() => cluster.memberRemove({ ID: "1234" })),
        await failureOf(() => cluster.memberAdd({ peerURLs: ["nonsense"] })),
        await failureOf(() => cluster.memberUpdate({ ID: "1234", peerURLs: ["http://127.0.0.1:1"] })),
      ];
    });
  });

  it.concurrent("manages users, roles and what they may do", async () => {
    const told = await same(async (client) => {
      const role = await client.role("keeper").create();
      await role.grant([
        { permission: "Read", key: "one" },
        { permission: "Readwrite", range: new Range("a", "c") },
        { permission: "Write", range: Range.prefix("logs/") },
      ]);
      const granted = (await role.permissions()).map(({ permission, range }) => [
        permission,
        String(range.start),
        String(range.end),
      ]);
      await role.revoke({ permission: "Readwrite", range: new Range("a", "c") });
      const user = await client.user("kim").create("pw");
      await user.setPassword("new");
      await role.addUser("kim");
      const roles = (await user.roles()).map(({ name }) => name);
      await role.removeUser(user);
      await user.addRole(role);
      await user.removeRole("keeper");
      const failures = [
        await failureOf(() => client.role("keeper").create()),
        await failureOf(() => client.user("kim").create("pw")),
        await failureOf(() => client.user("nobody").roles()),
        await failureOf(() => client.role("nothing").permissions()),
        await failureOf(() => user.removeRole("keeper")),
        await failureOf(() => role.revoke({ permission: "Read", key: "two" })),
      ];
      const names = [
        (await client.getUsers()).map(({ name }) => name),
        (await client.getRoles()).map(({ name }) => name),
      ];
      const left = (await role.permissions()).length;
      await user.delete();
      await role.delete();
      return [granted, roles, failures, names, left, await failureOf(() => user.delete())];
    });
    const [granted, roles] = told as unknown[];
    expect(granted).toContainEqual(["Readwrite", "a", "c"]);
    expect(roles).toEqual(["keeper"]);
  });
});

describe("etcd3's own handling of faults", () => {
  async function withHosts(hosts: readonly string[], more: Partial<IOptions>, feature: Feature): Promise<unknown> {
    const client = new Etcd3({ hosts: hosts.map((host) => `http://${host}`), ...more });
    try {
      return await feature(client);
    } finally {
      client.close();
    }
  }

  it.concurrent("goes round hosts that are not there", async () => {
    const results = await Promise.all(
      [holdfast.leader, etcd].map(({ client: alive }) =>
        withHosts(["127.0.0.1:1", alive, "127.0.0.1:2"], {}, async (client) => {
          const values: (string | null)[] = [];
          for (let round = 0; round < 10; round++) {
            await client.put("f/1").value(`${round}`);
            values.push(await client.get("f/1"));
          }
          const watcher = await client.watch().key("f/2").create();
          const seen = once(watcher, "put") as Promise<[{ value: Buffer }]>;
          await client.put("f/2").value("seen");
          const [{ value }] = await seen;
          await watcher.cancel();
          return [values, String(value)];
        }),
      ),
    );
    expect(results[0]).toEqual(results[1]);
  });

  it.concurrent("gives up at a deadline of the caller's", async () => {
    const results = await Promise.all(
      [holdfast.leader, etcd].map(({ client: alive }) =>
        withHosts([alive], { defaultCallOptions: () => ({ deadline: Date.now() - 1 }) }, (client) =>
          failureOf(() => client.get("a").string()).then((failure) => failure?.split(":")[0]),
        ),
      ),
    );
    expect(results).toEqual(["GRPCDeadlineExceededError", "GRPCDeadlineExceededError"]);
  });
});
