import { describe, expect, it } from "vitest";
import type { PeerMessage } from "../consensus/index.ts";
import { simulate, type World } from "../runtime/index.ts";
import { createMember, type MemberOptions } from "./member.ts";
import type { ReplicatedMember } from "./replicated-member.ts";

const hosts = ["a", "b", "c"];
const members = hosts.map((name) => ({ name, peer: { host: name, port: 2380 } }));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const key = text("k");
/** A deadline is noticed so much later, at most. */
const lateMs = 101;

async function startMember(
  world: World,
  name: string,
  options: Partial<MemberOptions> = {},
): Promise<ReplicatedMember> {
  const process = world.process(name);
  process.start(() => undefined);
  return await createMember({
    runtime: process.runtime,
    name,
    directory: "/data",
    peer: { host: name, port: 2380 },
    cluster: { name: "test", members },
    clientUrls: [`http://${name}:2379`],
    httpUrls: [],
    ...options,
  });
}

interface Cluster {
  readonly world: World;
  readonly all: ReplicatedMember[];
  readonly leader: ReplicatedMember;
  readonly followers: readonly ReplicatedMember[];
  /** Runs what is asked, and tells how it ended and after how long. */
  readonly timed: (ask: () => Promise<unknown>) => Promise<{ readonly ended: unknown; readonly ms: number }>;
  readonly kill: (member: ReplicatedMember) => void;
}

function withCluster(options: Partial<MemberOptions>, test: (cluster: Cluster) => Promise<void>): Promise<unknown> {
  return simulate({ seed: 1 }, async (world) => {
    const all = await Promise.all(hosts.map((name) => startMember(world, name, options)));
    let leader: ReplicatedMember | undefined;
    while (leader === undefined) {
      await world.clock.sleep(50);
      leader = all.find((member) => member.status().role === "leader");
    }
    await world.clock.sleep(1000);
    await test({
      world,
      all,
      leader,
      followers: all.filter((member) => member !== leader),
      async timed(ask) {
        const startedAt = world.clock.now();
        const ended = await ask().then(
          () => "answered",
          (error: Error & { code?: string }) => error.code ?? error.message,
        );
        return { ended, ms: world.clock.now() - startedAt };
      },
      kill: (member) => world.process(member.name).kill(),
    });
  });
}

describe("a replicated member", () => {
  it("hands leadership over, and goes on serving", () =>
    withCluster({}, async ({ leader, followers }) => {
      const [next] = followers;
      await leader.transferLeadership(next!.id);
      expect(next!.status()).toMatchObject({ role: "leader", leader: next!.id });
      await leader.put({ key, value: text("after") });
      await expect(leader.transferLeadership()).rejects.toMatchObject({ code: "NOT_LEADER" });
      await next!.transferLeadership();
      expect(next!.status().role).toBe("follower");
      expect((await next!.range({ key })).pairs.map(({ value }) => value)).toEqual([text("after")]);
    }));

  it("answers the same wherever it is asked", () =>
    withCluster({}, async ({ all, leader, followers }) => {
      const written = await followers[0]!.put({ key, value: text("1") });
      expect(written.header.memberId).toBe(followers[0]!.id);
      for (const member of all) {
        const { pairs, header } = await member.range({ key });
        expect(pairs.map((pair) => [pair.value, pair.modRevision])).toEqual([[text("1"), written.header.revision]]);
        expect(header).toEqual({ ...written.header, memberId: member.id });
      }
      const { header } = await leader.compact({ revision: written.header.revision });
      expect(header.revision).toBe(written.header.revision);
      for (const member of all) {
        await expect(member.range({ key, revision: 1 })).rejects.toMatchObject({ code: "COMPACTED" });
      }
    }));

  it("makes its addresses known to all", () =>
    withCluster({}, async ({ all }) => {
      for (const member of all) {
        const byName = member.members().toSorted((one, other) => (one.name < other.name ? -1 : 1));
        expect(byName.map((info) => info.clientUrls)).toEqual(hosts.map((name) => [`http://${name}:2379`]));
      }
    }));
});

describe("a member without a majority", () => {
  it("refuses in bounded time, reads its own state at once, and serves again when the others are back", () =>
    withCluster({}, async ({ world, leader, followers, timed, kill }) => {
      await leader.put({ key, value: text("1") });
      for (const follower of followers) kill(follower);
      await world.clock.sleep(100);
      const first = await Promise.all([
        timed(() => leader.put({ key, value: text("2") })),
        timed(() => leader.range({ key })),
        timed(() => leader.txn({ compare: [], success: [{ type: "range", request: { key } }], failure: [] })),
        timed(() => leader.deleteRange({ key: text("other") }, { timeoutMs: 300 })),
      ]);
      expect(first.map(({ ended }) => ended)).toEqual(["TIMED_OUT", "TIMED_OUT", "TIMED_OUT", "TIMED_OUT"]);
      for (const { ms } of first.slice(0, 3)) expect(ms).toBeLessThanOrEqual(5000 + lateMs);
      expect(first[3].ms).toBeLessThanOrEqual(300 + lateMs);
      expect(leader.status()).toMatchObject({ leader: 0n });

      const stale = await leader.range({ key, serializable: true });
      expect(stale.pairs[0]?.value).toEqual(text("1"));

      // A request that waits when the others come back is answered, without being sent again.
      const waiting = timed(() => leader.put({ key, value: text("3") }, { timeoutMs: 30_000 }));
      await world.clock.sleep(5000);
      for (const { name } of followers) await startMember(world, name);
      expect(await waiting).toMatchObject({ ended: "answered" });
      const { pairs } = await leader.range({ key });
      expect(pairs[0]?.value).toEqual(text("3"));
      expect(world.faults["kill"]).toBe(2);
    }));

  it("lets each first write keep its own deadline and signal", () =>
    simulate({ seed: 2 }, async (world) => {
      const member = await startMember(world, "a");
      const startedAt = world.clock.now();
      const ended: (readonly [name: string, how: string, afterMs: number])[] = [];
      const note = (name: string) => (error: Error & { code?: string }) => {
        ended.push([name, error.code ?? error.message, world.clock.now() - startedAt]);
      };
      const controller = new AbortController();
      const put = { key, value: key };
      const all = [
        member.put(put, { timeoutMs: 2000 }).catch(note("patient")),
        member.put(put, { timeoutMs: 200 }).catch(note("hasty")),
        member.put(put, { signal: controller.signal }).catch(note("gone")),
      ];
      await world.clock.sleep(500);
      controller.abort(new Error("left"));
      await Promise.all(all);
      expect(ended.map(([name, how]) => `${name}: ${how}`)).toEqual([
        "hasty: TIMED_OUT",
        "gone: left",
        "patient: TIMED_OUT",
      ]);
      for (const [at, wantedMs] of [200, 500, 2000].entries()) {
        expect(ended[at]![2]).toBeGreaterThanOrEqual(wantedMs);
        expect(ended[at]![2]).toBeLessThanOrEqual(wantedMs + lateMs);
      }
    }));

  it("gives a first write one deadline, however it is spent", () =>
    withCluster({}, async ({ world, leader, followers, timed, kill }) => {
      const [follower] = followers;
      kill(follower!);
      const again = await startMember(world, follower!.name, {
        wrapTransport: (transport) => ({
          ...transport,
          send: (message) => message.type === "propose" || transport.send(message),
        }),
      });
      await world.clock.sleep(40);
      // Most of the time goes by before the session is open, and then the write itself is lost.
      world.network.clog(again.name, leader.name, 800);
      const { ended, ms } = await timed(() => again.put({ key, value: key }, { timeoutMs: 1000 }));
      expect(ended).toBe("TIMED_OUT");
      expect(ms).toBeLessThanOrEqual(1000 + lateMs);
      expect(world.faults["clog"]).toBe(1);
    }));

  it("goes on with its other work when its own requests find no room", () =>
    simulate({ seed: 3 }, async (world) => {
      const member = await startMember(world, "a", { maxWaiting: 1 });
      const asked = Array.from({ length: 20 }, () => member.range({ key }, { timeoutMs: 60_000 }));
      const ended = Promise.allSettled(asked);
      await world.clock.sleep(30_000);
      const others = ["b", "c"].map((name) => startMember(world, name));
      await Promise.all(others);
      await world.clock.sleep(5000);
      expect(member.members().find(({ name }) => name === "a")?.clientUrls).toEqual(["http://a:2379"]);
      const codes = (await ended).map((one) => (one.status === "fulfilled" ? "answered" : one.reason.code));
      expect(codes.filter((code) => code === "TOO_MANY_REQUESTS").length).toBeGreaterThanOrEqual(19);
    }));
});

describe("the log", () => {
  it("is bounded in bytes, too: few large values lead to a snapshot", () =>
    simulate({ seed: 1 }, async (world) => {
      const cluster = { name: "test", members: members.slice(0, 1) };
      const member = await startMember(world, "a", { cluster });
      const megabyte = 1024 * 1024;
      for (let i = 0; i < 80; i++) await member.put({ key, value: new Uint8Array(megabyte).fill(i) });
      await world.clock.sleep(5_000);
      const { log } = member.node.raft;
      expect(log.baseIndex).toBeGreaterThan(40);
      expect(log.bytes).toBeLessThan(40 * megabyte);
    }));
});

describe("callers that leave", () => {
  it("leave nothing behind: no waiter, and no question that is asked again and again", () => {
    let questions = 0;
    const count = (message: PeerMessage): void => {
      if (message.type === "readIndex" || message.type === "propose") questions++;
    };
    const options: Partial<MemberOptions> = {
      maxWaiting: 10_000,
      wrapTransport: (transport) => ({
        ...transport,
        send(message) {
          count(message);
          transport.send(message);
        },
      }),
    };
    return withCluster(options, async ({ world, leader, followers }) => {
      const [follower] = followers;
      await follower!.put({ key, value: key });
      // The leader hears nothing of this follower, which goes on hearing the leader.
      world.network.partition([follower!.name], [leader.name], { oneWay: true });
      for (let round = 0; round < 2; round++) {
        const callers = Array.from({ length: 10_000 }, () => new AbortController());
        const reads = callers.map(({ signal }) => follower!.range({ key }, { signal }));
        const writes = callers.map(({ signal }) => follower!.put({ key, value: key }, { signal }));
        const all = Promise.allSettled([...reads, ...writes]);
        await world.clock.sleep(5);
        await expect(follower!.range({ key })).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
        await expect(follower!.put({ key, value: key })).rejects.toMatchObject({ code: "TOO_MANY_REQUESTS" });
        for (const caller of callers) caller.abort(new Error("gone"));
        for (const one of await all) expect(one).toMatchObject({ reason: { message: "gone" } });
      }
      await world.clock.sleep(600);
      questions = 0;
      await world.clock.sleep(1200);
      expect(questions).toBe(0);
      world.network.heal();
      await world.clock.sleep(5000);
      await follower!.put({ key, value: text("after") });
      expect((await follower!.range({ key })).pairs[0]?.value).toEqual(text("after"));
    });
  });
});
