import { describe, expect, it } from "vitest";
import { simulate, type Random, type World } from "../../runtime/index.ts";
import { CoordinationError } from "../coordination-error.ts";
import { createMember } from "../member.ts";
import type { ReplicatedMember } from "../replicated-member.ts";

const hosts = ["a", "b", "c"];
const key = new TextEncoder().encode("k");
const retentionMs = 8_000;
/** How often a leader looks, with so short a time; and what a compaction takes, with a leader's loss in between. */
const stepMs = 1_000;
const slackMs = 2_000;
const runMs = 60_000;

/** What the cluster has applied, as time went by. */
interface Moment {
  readonly at: number;
  readonly revision: number;
}

class Scene {
  readonly world: World;
  readonly running = new Map<string, ReplicatedMember>();
  readonly #moments: Moment[] = [{ at: 0, revision: 1 }];
  /** Terms in which history went. */
  readonly terms = new Set<number>();
  /** What members told, as often as they did. */
  readonly told: number[] = [];
  #compacted = -1;

  constructor(world: World) {
    this.world = world;
  }

  async start(name: string): Promise<void> {
    const process = this.world.process(name);
    process.start(() => undefined);
    const members = hosts.map((host) => ({ name: host, peer: { host, port: 2380 } }));
    const member = await createMember({
      runtime: process.runtime,
      name,
      directory: "/data",
      peer: { host: name, port: 2380 },
      cluster: { name: "test", members },
      clientUrls: [],
      httpUrls: [],
      // Few entries, so that a member that comes back gets its history from snapshots, too.
      snapshotEntries: 60,
      trailingEntries: 10,
      autoCompaction: { mode: "periodic", retentionMs },
      onCompacted: ({ compactedRevision }) => this.told.push(compactedRevision),
    });
    this.running.set(name, member);
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

  get revision(): number {
    return this.#moments.at(-1)!.revision;
  }

  /** The revision that somebody had applied so long ago, the retention at most. */
  revisionAgo(ms: number): number {
    const at = this.world.clock.now() - ms;
    return this.#moments.findLast((moment) => moment.at <= at)?.revision ?? 0;
  }

  /** At every step: what has been the state within the retention is there at every member. */
  look(): void {
    const now = this.world.clock.now();
    const moments = this.#moments;
    while (moments.length > 1 && moments[1]!.at <= now - retentionMs) moments.shift();
    const mayGo = moments[0]!.at <= now - retentionMs ? moments[0]!.revision : 0;
    let latest = this.revision;
    for (const { machine, name, node } of this.running.values()) {
      const { compactedRevision, revision } = machine;
      if (compactedRevision > mayGo) throw new Error(`${name} has compacted to ${compactedRevision}, ${mayGo} may go`);
      latest = Math.max(latest, revision);
      if (compactedRevision > this.#compacted) {
        this.#compacted = compactedRevision;
        this.terms.add(node.raft.term);
      }
    }
    if (latest > this.revision) moments.push({ at: now, revision: latest });
  }

  /** Asks one of the members; undefined when nothing came back in time, or it could not. */
  async ask<T>(random: Random, what: (member: ReplicatedMember) => Promise<T>): Promise<T | undefined> {
    const alive = [...this.running.values()];
    const member = alive[random.integer(0, alive.length - 1)]!;
    const answer = what(member).catch((error: unknown) => {
      if (error instanceof CoordinationError && error.code === "COMPACTED") throw error;
      return undefined;
    });
    return await Promise.race([answer, this.world.clock.sleep(500).then(() => undefined)]);
  }
}

/** Writes, reads the oldest state that must be there, and watches on from it, at members that may fail. */
async function use(scene: Scene, random: Random): Promise<{ writes: number; reads: number; watched: number }> {
  const { clock } = scene.world;
  const counts = { writes: 0, reads: 0, watched: 0 };
  while (clock.now() < runMs) {
    if ((await scene.ask(random, (member) => member.put({ key, value: key }))) !== undefined) counts.writes++;
    // A little younger: the question takes its time, too.
    const oldest = scene.revisionAgo(retentionMs - 700);
    const read = await scene.ask(random, (member) => member.range({ key, revision: oldest, serializable: true }));
    if (read !== undefined) counts.reads++;
    const watched = await scene.ask(random, async (member) => {
      const watcher = await member.watch({ key, startRevision: scene.revisionAgo(retentionMs - 200) + 1 });
      for await (const { events, cancelReason } of watcher) {
        if (cancelReason === "COMPACTED") throw new CoordinationError("COMPACTED");
        return events.length;
      }
      return 0;
    });
    if (watched !== undefined) counts.watched++;
    await clock.sleep(random.integer(5, 80));
  }
  return counts;
}

/** Leaders that die, stand still or are cut off, and come back before the retention is over. */
async function disturb(scene: Scene, random: Random): Promise<void> {
  const { world } = scene;
  for (let turn = 0; world.clock.now() < runMs; turn++) {
    await world.clock.sleep(random.integer(2_000, 6_000));
    const { name } = await scene.leader();
    // In turn, so that each happens.
    const kind = turn % 3;
    const ms = random.integer(500, 4_000);
    if (kind === 0) {
      scene.kill(name);
      await world.clock.sleep(ms);
      await scene.start(name);
    } else if (kind === 1) {
      world.process(name).pause();
      await world.clock.sleep(ms);
      world.process(name).resume();
    } else {
      world.network.partition(
        [name],
        hosts.filter((host) => host !== name),
      );
      await world.clock.sleep(ms);
      world.network.heal();
    }
  }
}

describe("compaction by itself, under faults", () => {
  it.each([21, 22])(
    "keeps the last retention at every member, and no more of it in the end (seed %i)",
    async (seed) => {
      const { value } = await simulate({ seed, clock: { maxSkewMs: 60_000 } }, async (world) => {
        const scene = new Scene(world);
        await Promise.all(hosts.map((name) => scene.start(name)));
        world.onStep(() => scene.look());
        const [counts] = await Promise.all([
          use(scene, world.random.fork("use")),
          disturb(scene, world.random.fork("disturbance")),
        ]);
        const { revision } = scene;
        const leader = await scene.leader();
        for (let round = 0; round < 10; round++) {
          await leader.put({ key, value: key });
          await world.clock.sleep((retentionMs + 2 * stepMs + slackMs) / 10);
        }
        for (const member of scene.running.values()) {
          expect(member.machine.compactedRevision).toBeGreaterThanOrEqual(revision);
          const past = member.range({ key, revision: revision - 1, serializable: true });
          await expect(past).rejects.toMatchObject({ code: "COMPACTED" });
          const watcher = await member.watch({ key, startRevision: revision - 1 });
          for await (const { cancelReason } of watcher) expect(cancelReason).toBe("COMPACTED");
        }
        return { ...counts, scene, faults: world.faults };
      });
      const { scene, writes, reads, watched, faults } = value;
      expect(Math.min(writes, reads, watched)).toBeGreaterThan(150);
      // Under several leaders, too.
      expect(scene.terms.size).toBeGreaterThanOrEqual(3);
      expect(scene.told.length).toBeGreaterThan(3 * scene.terms.size);
      const { kill = 0, pause = 0, partition = 0 } = faults;
      expect(Math.min(kill, pause, partition)).toBeGreaterThan(0);
    },
  );
});
