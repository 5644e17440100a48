import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { createMember, type MemberOptions } from "./member.ts";
import type { JoinedCluster } from "./member-place.ts";
import type { ReplicatedMember } from "./replicated-member.ts";

const hosts = ["a", "b", "c"];
const members = hosts.map((name) => ({ name, peer: { host: name, port: 2380 } }));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const urls = (name: string): readonly string[] => [`http://${name}:2380`];

type Home = Pick<MemberOptions, "cluster" | "join">;

async function startMember(
  world: World,
  name: string,
  home: Home,
  options: Partial<MemberOptions>,
): Promise<ReplicatedMember> {
  const process = world.process(name);
  process.start(() => undefined);
  return await createMember({
    runtime: process.runtime,
    name,
    directory: "/data",
    peer: { host: name, port: 2380 },
    clientUrls: [`http://${name}:2379`],
    httpUrls: [],
    ...home,
    ...options,
  });
}

interface Cluster {
  readonly world: World;
  readonly all: ReplicatedMember[];
  readonly leader: () => ReplicatedMember;
  readonly follower: () => ReplicatedMember;
  /** Adds a member, and starts it. */
  readonly grow: (name: string, isLearner?: boolean) => Promise<ReplicatedMember>;
  readonly start: (name: string, home: Home) => Promise<ReplicatedMember>;
  readonly until: (what: string, condition: () => boolean | Promise<boolean>) => Promise<void>;
}

function withCluster(
  options: Partial<MemberOptions>,
  test: (cluster: Cluster) => Promise<void>,
  seed: number = 1,
): Promise<unknown> {
  return simulate({ seed }, async (world) => {
    const start = (name: string, home: Home): Promise<ReplicatedMember> => startMember(world, name, home, options);
    const all = await Promise.all(hosts.map((name) => start(name, { cluster: { name: "test", members } })));
    const leader = (): ReplicatedMember => all.find((member) => member.status().role === "leader")!;
    const cluster: Cluster = {
      world,
      all,
      leader,
      follower: () => all.find((member) => member.status().role === "follower")!,
      start,
      async grow(name, isLearner = false) {
        const added = await cluster.follower().cluster.memberAdd({ peerUrls: urls(name), name, isLearner });
        const member = await start(name, { join: joining(added.member.id, cluster.follower()) });
        all.push(member);
        return member;
      },
      async until(what, condition) {
        for (let waited = 0; !(await condition()); waited++) {
          if (waited > 400) throw new Error(`not within 20 s: ${what}`);
          await world.clock.sleep(50);
        }
      },
    };
    await cluster.until("somebody leads", () => leader() !== undefined);
    await cluster.until("all have told of themselves", () =>
      all.every((member) => member.members().every((info) => info.clientUrls.length === 1)),
    );
    await test(cluster);
  });
}

/** What a running member tells one that joins. */
function joining(memberId: bigint, told: ReplicatedMember): JoinedCluster {
  return {
    clusterId: told.clusterId,
    memberId,
    members: told.members().map(({ id, name, peerUrls }) => {
      return { id, name, peer: { host: new URL(peerUrls[0]!).hostname, port: 2380 } };
    }),
  };
}

const idOf = (cluster: Cluster, name: string): bigint => {
  return cluster
    .leader()
    .members()
    .find((info) => info.name === name)!.id;
};

const names = (member: ReplicatedMember): string =>
  member
    .members()
    .map((info) => `${info.name}${info.isLearner === true ? "?" : ""}`)
    .toSorted()
    .join();

describe("a cluster whose members change", () => {
  it("grows by members that start empty, and shrinks again", () =>
    withCluster({}, async (cluster) => {
      const { all, until } = cluster;
      await all[0]!.put({ key: text("k"), value: text("before") });
      const d = await cluster.grow("d");
      await until("d serves", async () => (await d.range({ key: text("k") })).count === 1);
      const e = await cluster.grow("e");
      await until("all know all", () => all.every((member) => names(member) === "a,b,c,d,e"));
      await e.put({ key: text("k"), value: text("after") });
      expect((await d.range({ key: text("k") })).pairs[0]?.value).toEqual(text("after"));
      for (const name of ["d", "a"]) {
        const asked = all.find((member) => member.name === "b")!;
        await asked.cluster.memberRemove(idOf(cluster, name));
        const gone = all.splice(
          all.findIndex((member) => member.name === name),
          1,
        )[0]!;
        expect(await gone.failed).toMatchObject({ code: "MEMBER_REMOVED" });
        await expect(gone.put({ key: text("x"), value: text("y") })).rejects.toMatchObject({ code: "STOPPED" });
        await gone.close();
      }
      await until("they are three", () => all.every((member) => names(member) === "b,c,e"));
      await e.put({ key: text("k"), value: text("still") });
    }));

  it("removes its leader, asked for by itself", () =>
    withCluster({}, async (cluster) => {
      const { all, until } = cluster;
      const old = cluster.leader();
      const { members: left } = await old.cluster.memberRemove(old.id);
      expect(left.map(({ id }) => id)).not.toContain(old.id);
      expect(await old.failed).toMatchObject({ code: "MEMBER_REMOVED" });
      all.splice(all.indexOf(old), 1);
      await until("another leads", () => cluster.leader() !== undefined);
      await cluster.leader().put({ key: text("k"), value: text("v") });
    }));

  it("turns away one that was removed while it was away, also after all have started anew", () =>
    withCluster({ snapshotEntries: 5, trailingEntries: 0 }, async (cluster) => {
      const { all, until, world } = cluster;
      const gone = cluster.follower();
      world.process(gone.name).kill();
      all.splice(all.indexOf(gone), 1);
      await until("the leader misses it", async () => {
        return await cluster
          .leader()
          .cluster.memberRemove(gone.id)
          .then(
            () => true,
            () => false,
          );
      });
      for (let at = 0; at < 20; at++) await cluster.leader().put({ key: text("k"), value: text(String(at)) });
      const home = { cluster: { name: "test", members } };
      const stay = all.splice(0);
      for (const member of stay) world.process(member.name).kill();
      for (const member of stay) all.push(await cluster.start(member.name, home));
      await until("somebody leads", () => cluster.leader() !== undefined);
      await until("they know who was removed", () => all.every(({ machine }) => machine.cluster.removed.has(gone.id)));
      const back = await cluster.start(gone.name, home);
      expect(await back.failed).toMatchObject({ code: "MEMBER_REMOVED" });
      await back.close();
    }));

  it("has learners, which are promoted when they are ready", () =>
    withCluster({}, async (cluster) => {
      const { until } = cluster;
      const asked = cluster.follower().cluster;
      const { member: absent } = await asked.memberAdd({ peerUrls: urls("x"), isLearner: true });
      await expect(asked.memberPromote(absent.id)).rejects.toMatchObject({ code: "LEARNER_NOT_READY" });
      await expect(asked.memberAdd({ peerUrls: urls("y"), isLearner: true })).rejects.toMatchObject({
        code: "TOO_MANY_LEARNERS",
      });
      await asked.memberRemove(absent.id);
      const d = await cluster.grow("d", true);
      await until("d is a learner", () => d.status().isLearner);
      await until("d is promoted", () =>
        asked.memberPromote(d.id).then(
          () => true,
          (error) => {
            expect(error).toMatchObject({ code: "LEARNER_NOT_READY" });
            return false;
          },
        ),
      );
      expect(names(cluster.leader())).toBe("a,b,c,d");
      await expect(asked.memberPromote(d.id)).rejects.toMatchObject({ code: "MEMBER_NOT_LEARNER" });
    }));

  it("promotes learners by itself where that is asked for", () =>
    withCluster({ autoPromote: true }, async (cluster) => {
      const d = await cluster.grow("d", true);
      await cluster.until("d votes", () => names(d) === "a,b,c,d");
    }));

  it("hands leadership to whom anybody asks for", () =>
    withCluster({}, async (cluster) => {
      const [to, other] = cluster.all.filter((member) => member.status().role === "follower");
      await other!.cluster.moveLeader(to!.id);
      expect(to!.status().role).toBe("leader");
      await expect(other!.cluster.moveLeader(77n)).rejects.toMatchObject({ code: "BAD_LEADER_TRANSFEREE" });
    }));

  it("refuses what would stop it, and what is wrong", () =>
    withCluster({}, async (cluster) => {
      const { world } = cluster;
      const asked = cluster.leader().cluster;
      const add = (...peerUrls: string[]) => asked.memberAdd({ peerUrls });
      for (const url of [
        "",
        "a:2380",
        "http://a",
        "http://a:1/x",
        "ftp://a:1",
        `http://${"a".repeat(250)}:1`,
        "http://a b:1",
      ]) {
        await expect(add(url)).rejects.toMatchObject({ code: "BAD_MEMBER_URLS" });
      }
      await expect(add()).rejects.toMatchObject({ code: "BAD_MEMBER_URLS" });
      await expect(add("http://a:2380")).rejects.toMatchObject({ code: "PEER_URL_EXISTS" });
      await expect(asked.memberUpdate(idOf(cluster, "a"), urls("b"))).rejects.toMatchObject({
        code: "PEER_URL_EXISTS",
      });
      for (const of of [asked.memberRemove(5n), asked.memberPromote(5n), asked.memberUpdate(5n, urls("x"))]) {
        await expect(of).rejects.toMatchObject({ code: "MEMBER_NOT_FOUND" });
      }
      const { members: told } = await asked.memberUpdate(idOf(cluster, "a"), [...urls("a"), "http://a.local:2380"]);
      expect(told.find(({ name }) => name === "a")?.peerUrls).toEqual(["http://a.local:2380", "http://a:2380"]);
      const away = cluster.follower();
      world.process(away.name).kill();
      cluster.all.splice(cluster.all.indexOf(away), 1);
      await world.clock.sleep(1000);
      await expect(add("http://y:2380")).rejects.toMatchObject({ code: "UNHEALTHY_CLUSTER" });
      await expect(asked.memberRemove(cluster.follower().id)).rejects.toMatchObject({ code: "UNHEALTHY_CLUSTER" });
      // The one that is away may go.
      await asked.memberRemove(away.id);
    }));

  it("finishes under another leader what one could not, whenever that is killed", async () => {
    const outcomes: Record<string, number> = {};
    for (let seed = 1; seed <= 24; seed++) {
      await withCluster(
        {},
        async (cluster) => {
          const { world, all, until } = cluster;
          // By then the leader knows who is there.
          await world.clock.sleep(1000);
          const old = cluster.leader();
          let isOver = false;
          const asking = cluster
            .follower()
            .cluster.memberAdd({ peerUrls: urls("d"), isLearner: true }, { timeoutMs: 20_000 })
            .then(
              () => "added",
              ({ code }: { code: string }) => code,
            )
            .finally(() => (isOver = true));
          await world.clock.sleep(world.random.next() * 25);
          const wasOver = isOver;
          world.process(old.name).kill();
          all.splice(all.indexOf(old), 1);
          const ended = await asking;
          // The dead voter makes the cluster unhealthy for a leader that has to begin.
          expect(["added", "UNHEALTHY_CLUSTER"], `seed ${seed}`).toContain(ended);
          await until("somebody leads", () => cluster.leader() !== undefined);
          await cluster.leader().cluster.memberList({ linearizable: true });
          expect(cluster.leader().members().length, `seed ${seed}`).toBe(ended === "added" ? 4 : 3);
          await until("nothing is left to do", () => all.every(({ machine }) => machine.cluster.asks.size === 0));
          const outcome = wasOver ? "before" : ended;
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        },
        seed,
      );
    }
    expect(outcomes).toEqual({
      before: expect.any(Number) as number,
      added: expect.any(Number) as number,
      UNHEALTHY_CLUSTER: expect.any(Number) as number,
    });
  });
});

describe("a store that is full", () => {
  it("raises the alarm, refuses alike on every member what needs room, and serves again when it is cleared", () =>
    withCluster({ quotaBytes: 20_000 }, async (cluster) => {
      const { all, until } = cluster;
      const big = { key: text("k"), value: new Uint8Array(3_000) };
      let written = 0;
      const refusal = await (async () => {
        for (; ; written++) await all[written % 3]!.put(big);
      })().catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "NO_SPACE" });
      expect(written).toBeGreaterThan(3);
      await until("all know", () => all.every((member) => member.status().alarms.length === 1));
      const small = { key: text("s"), value: text("1") };
      for (const member of all) {
        await expect(member.put(small)).rejects.toMatchObject({ code: "NO_SPACE" });
        await expect(member.leaseGrant({ id: 0n, ttlSeconds: 5 })).rejects.toMatchObject({ code: "NO_SPACE" });
        const txn = { compare: [], success: [{ type: "put", request: small } as const], failure: [] };
        await expect(member.txn(txn)).rejects.toMatchObject({ code: "NO_SPACE" });
      }
      const { header } = await all[0]!.deleteRange({ key: text("k") });
      await all[1]!.compact({ revision: header.revision });
      await until("there is room", () => all.every((member) => member.status().storeBytes < 10_000));
      await expect(all[0]!.put(small)).rejects.toMatchObject({ code: "NO_SPACE" });
      const { alarms } = await all[2]!.maintenance.alarms();
      for (const alarm of alarms) expect((await all[2]!.maintenance.clearAlarm(alarm)).alarms).toEqual([alarm]);
      await all[0]!.put(small);
      expect((await all[1]!.maintenance.alarms()).alarms).toEqual([]);
    }));
});

describe("hashes", () => {
  it("are equal on all members, and tell one state from another", () =>
    withCluster({}, async (cluster) => {
      const { all } = cluster;
      const first = await all[0]!.put({ key: text("k"), value: text("1") });
      for (const value of ["2", "3"]) await all[0]!.put({ key: text("k"), value: text(value) });
      for (const member of all) await member.range({ key: text("k") });
      const at = async (revision: number): Promise<Set<number>> =>
        new Set(await Promise.all(all.map(async (member) => (await member.maintenance.hashKv(revision)).hash)));
      const [old, now] = [await at(first.header.revision), await at(0)];
      expect([old.size, now.size]).toEqual([1, 1]);
      expect(old).not.toEqual(now);
      await all[1]!.put({ key: text("other"), value: text("1") });
      expect(await at(first.header.revision)).toEqual(old);
      await expect(all[0]!.maintenance.hashKv(99)).rejects.toMatchObject({ code: "FUTURE_REVISION" });
      const { header } = await all[0]!.compact({ revision: first.header.revision + 1 });
      expect(await all[0]!.maintenance.hashKv()).toMatchObject({
        compactedRevision: first.header.revision + 1,
        header,
      });
      await expect(all[0]!.maintenance.hashKv(2)).rejects.toMatchObject({ code: "COMPACTED" });
      const whole = await Promise.all(all.map(async (member) => (await member.maintenance.hash()).hash));
      expect(whole.every((hash) => hash > 0)).toBe(true);
    }));
});
