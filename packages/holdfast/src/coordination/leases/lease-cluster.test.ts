import { describe, expect, it } from "vitest";
import { simulate, type Random, type World } from "../../runtime/index.ts";
import type { LeaseId } from "../key-value/key-value.ts";
import { createMember } from "../member.ts";
import type { ReplicatedMember } from "../replicated-member.ts";

const hosts = ["a", "b", "c"];
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const tickMs = 500;
/** How often a member looks whether it is time for a tick. */
const lookMs = 100;
/** A tick may come this late, and the lease counts from one and runs out at one; then it has to be committed. */
const slackMs = 2 * (tickMs + lookMs) + 100;

class Cluster {
  readonly world: World;
  /** The members that run, paused ones too. */
  readonly running = new Map<string, ReplicatedMember>();
  readonly #names: readonly string[];

  constructor(world: World, names: readonly string[]) {
    this.world = world;
    this.#names = names;
  }

  async start(name: string): Promise<ReplicatedMember> {
    const process = this.world.process(name);
    process.start(() => undefined);
    const member = await createMember({
      runtime: process.runtime,
      name,
      directory: "/data",
      peer: { host: name, port: 2380 },
      cluster: {
        name: "test",
        members: this.#names.map((host) => ({ name: host, peer: { host, port: 2380 } })),
      },
      clientUrls: [],
      httpUrls: [],
      // Few entries, so that a member that comes back gets leases from snapshots, too.
      snapshotEntries: 50,
      trailingEntries: 10,
    });
    this.running.set(name, member);
    return member;
  }

  kill(name: string): void {
    this.running.delete(name);
    this.world.process(name).kill();
  }

  async leader(): Promise<ReplicatedMember> {
    for (;;) {
      const leaders = [...this.running.values()].filter(({ node }) => node.raft.role === "leader");
      const [leader] = leaders.sort((left, right) => right.node.raft.term - left.node.raft.term);
      if (leader !== undefined) return leader;
      await this.world.clock.sleep(10);
    }
  }
}

async function withCluster(
  seed: number,
  test: (cluster: Cluster) => Promise<void>,
  names: readonly string[] = hosts,
): Promise<void> {
  await simulate({ seed, clock: { maxSkewMs: 60_000 } }, async (world) => {
    const cluster = new Cluster(world, names);
    await Promise.all(names.map((name) => cluster.start(name)));
    await cluster.leader();
    await test(cluster);
  });
}

/** Until the lease has ended on this member; how long that took. */
async function ended({ world }: Cluster, member: ReplicatedMember, id: LeaseId): Promise<number> {
  const since = world.clock.now();
  while (member.machine.leases.has(id)) await world.clock.sleep(1);
  return world.clock.now() - since;
}

describe("a lease", () => {
  it("ends on every member after its time to live, with its keys, in one revision", () =>
    withCluster(1, async (cluster) => {
      const [a, b, c] = hosts.map((name) => cluster.running.get(name)!) as [
        ReplicatedMember,
        ReplicatedMember,
        ReplicatedMember,
      ];
      for (const [member, ttlSeconds] of [
        [a, 2],
        [b, 3],
        [c, 7],
      ] as const) {
        const { id, ...granted } = await member.leaseGrant({ ttlSeconds });
        expect(granted.ttlSeconds).toBe(ttlSeconds);
        for (const key of ["x", "y"]) await b.put({ key: text(key), value: text("1"), lease: id });
        const { revision } = b.machine;
        const told = await c.leaseTimeToLive({ id, keys: true });
        expect(told).toMatchObject({ grantedTtlSeconds: ttlSeconds, keys: [text("x"), text("y")] });
        expect(told.ttlSeconds).toBe(ttlSeconds - 1);
        const took = await Promise.all([a, b, c].map((one) => ended(cluster, one, id)));
        for (const ms of took) {
          expect(ms).toBeGreaterThan(ttlSeconds * 1000 - lookMs);
          expect(ms).toBeLessThanOrEqual(ttlSeconds * 1000 + slackMs);
        }
        expect([a, b, c].map(({ machine }) => machine.revision)).toEqual(Array(3).fill(revision + 1));
        expect((await a.range({ key: text("x"), rangeEnd: text("z") })).count).toBe(0);
        expect((await a.leaseTimeToLive({ id })).ttlSeconds).toBe(-1);
      }
      expect((await a.leases()).leases).toEqual([]);
    }));

  it("lives as long as it is kept alive, by whichever member", () =>
    withCluster(2, async (cluster) => {
      const { id } = await cluster.running.get("a")!.leaseGrant({ ttlSeconds: 2 });
      for (let round = 0; round < 30; round++) {
        const member = cluster.running.get(hosts[round % 3]!)!;
        expect(await member.leaseKeepAlive({ id })).toMatchObject({ id, ttlSeconds: 2 });
        await cluster.world.clock.sleep(1500);
      }
      const leader = await cluster.leader();
      const ms = await ended(cluster, leader, id);
      expect(ms).toBeGreaterThan(400);
      expect(ms).toBeLessThanOrEqual(500 + slackMs);
      expect((await leader.leaseKeepAlive({ id })).ttlSeconds).toBe(0);
      await expect(leader.put({ key: text("k"), value: text("1"), lease: id })).rejects.toMatchObject({
        code: "LEASE_NOT_FOUND",
      });
      // Nobody has anything to count any more.
      const { applied } = leader.node;
      await cluster.world.clock.sleep(5000);
      expect(leader.node.applied).toBe(applied);
    }));

  // Alone, a member leads on after a pause; three elect anew.
  it.each([[["a"]], [hosts]])("survives %s standing still for a long time, and can be kept alive afterwards", (names) =>
    withCluster(
      3,
      async (cluster) => {
        const { world } = cluster;
        const asked = cluster.running.get("a")!;
        const { id } = await asked.leaseGrant({ ttlSeconds: 4 });
        await world.clock.sleep(1000);
        for (const name of names) world.process(name).pause();
        await world.clock.sleep(60_000);
        for (const name of names) world.process(name).resume();
        await world.clock.sleep(1000);
        expect((await asked.leaseKeepAlive({ id })).ttlSeconds).toBe(4);
        expect(await ended(cluster, asked, id)).toBeGreaterThan(4000 - lookMs);
        expect(world.faults["pause"]).toBe(names.length);
      },
      names,
    ),
  );

  it("ends in time after its leader is lost, with what was left of it", () =>
    withCluster(4, async (cluster) => {
      const first = await cluster.leader();
      const { id } = await first.leaseGrant({ ttlSeconds: 5 });
      await cluster.world.clock.sleep(2500);
      cluster.kill(first.name);
      const second = await cluster.leader();
      const ms = await ended(cluster, second, id);
      // What the first leader had counted counts; the time without a leader does not.
      expect(ms).toBeGreaterThan(2000);
      expect(ms).toBeLessThanOrEqual(2500 + 1000 + slackMs + tickMs);
      expect(cluster.world.faults["kill"]).toBe(1);
    }));
});

/** A lease and its holder's view of it. */
interface Held {
  readonly id: LeaseId;
  readonly ttlMs: number;
  /** Where the log was when the grant was known: from here on, a member without the lease says that it ended. */
  readonly index: number;
  /** When the last request that was answered had been sent. */
  safeSince: number;
}

const holders = 4;
const runMs = 60_000;

/** Grants leases and keeps them alive, sometimes too late, at members that may fail; until the time is over. */
async function hold(cluster: Cluster, random: Random, held: Set<Held>, counts: Counts): Promise<void> {
  const { world, running } = cluster;
  const { clock } = world;
  /** Undefined when nothing came back: a member that dies takes its answers along. */
  const ask = <T>(what: (member: ReplicatedMember) => Promise<T>): Promise<T | undefined> => {
    const alive = [...running.values()];
    const member = alive[random.integer(0, alive.length - 1)]!;
    const patience = clock.sleep(1500).then(() => undefined);
    return Promise.race([what(member).catch(() => undefined), patience]);
  };
  for (let key = 0; clock.now() < runMs; key++) {
    const sentAt = clock.now();
    const ttlSeconds = random.integer(2, 4);
    const granted = await ask(async (member) => {
      const { id } = await member.leaseGrant({ ttlSeconds });
      return { id, index: member.node.applied };
    });
    if (granted === undefined) continue;
    const { id } = granted;
    const lease: Held = { ...granted, ttlMs: ttlSeconds * 1000, safeSince: sentAt };
    held.add(lease);
    void ask((member) => member.put({ key: text(`${id}/${key}`), value: text(""), lease: id }));
    for (let rounds = random.integer(0, 12); rounds >= 0; rounds--) {
      await clock.sleep(random.next() * lease.ttlMs * (random.next() < 0.1 ? 1.5 : 0.5));
      const renewedAt = clock.now();
      const answer = await ask((member) => member.leaseKeepAlive({ id }));
      if (answer === undefined) continue;
      if (answer.ttlSeconds === 0) {
        counts.toldTooLate++;
        break;
      }
      lease.safeSince = renewedAt;
      counts.renewed++;
    }
  }
}

interface Counts {
  renewed: number;
  expired: number;
  toldTooLate: number;
}

/** Whoever has applied the grant and no longer has the lease must not say so before its time. */
function observe(cluster: Cluster, held: Set<Held>, counts: Counts): void {
  const now = cluster.world.clock.now();
  for (const lease of held) {
    for (const member of cluster.running.values()) {
      if (member.node.applied < lease.index || member.machine.leases.has(lease.id)) continue;
      const age = now - lease.safeSince;
      if (age < lease.ttlMs) throw new Error(`a lease of ${lease.ttlMs} ms ended after ${age} ms on ${member.name}`);
      counts.expired++;
      held.delete(lease);
      break;
    }
  }
}

async function disturb(cluster: Cluster, random: Random): Promise<void> {
  const { world } = cluster;
  while (world.clock.now() < runMs) {
    await world.clock.sleep(random.integer(500, 3000));
    const leader = await cluster.leader();
    const name = random.next() < 0.7 ? leader.name : hosts[random.integer(0, 2)]!;
    const kind = random.integer(0, 3);
    const ms = random.integer(100, 2500);
    if (kind === 0) {
      cluster.kill(name);
      await world.clock.sleep(ms);
      await cluster.start(name);
    } else if (kind === 1) {
      world.process(name).pause();
      await world.clock.sleep(ms);
      world.process(name).resume();
    } else if (kind === 2) {
      world.network.partition(
        [name],
        hosts.filter((host) => host !== name),
      );
      await world.clock.sleep(ms);
      world.network.heal();
    } else {
      world.process(name).clock.jump(random.integer(-3_600_000, 3_600_000));
    }
  }
}

describe("leases under faults", () => {
  it.each([11, 12, 13, 14])("never end before their time since the last request that was answered (seed %i)", (seed) =>
    withCluster(seed, async (cluster) => {
      const { world } = cluster;
      const held = new Set<Held>();
      const counts: Counts = { renewed: 0, expired: 0, toldTooLate: 0 };
      const all = Array.from({ length: holders }, (_, at) =>
        hold(cluster, world.random.fork(`holder ${at}`), held, counts),
      );
      const disturbance = disturb(cluster, world.random.fork("disturbance"));
      world.onStep(() => observe(cluster, held, counts));
      await Promise.all([...all, disturbance]);
      // With nobody left to keep them alive, all end, soon.
      await world.clock.sleep(4000 + slackMs + 2000);
      expect(held.size).toBe(0);
      const hashes = [...cluster.running.values()].map(({ machine }) => machine.stateHash);
      expect(new Set(hashes).size).toBe(1);
      const leader = await cluster.leader();
      expect((await leader.range({ key: text("\0"), rangeEnd: text("\0"), countOnly: true })).count).toBe(0);
      expect(counts.renewed).toBeGreaterThan(50);
      expect(counts.expired).toBeGreaterThan(10);
      const { kill = 0, pause = 0, partition = 0 } = world.faults;
      expect(Math.min(kill, pause, partition)).toBeGreaterThan(0);
    }),
  );
});
