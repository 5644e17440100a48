import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { configurationOf } from "./configuration.ts";
import type { Fact } from "./effects.ts";
import { createNode, type NodeOptions, type RaftNode } from "./node.ts";
import { raftPresets } from "./raft-presets.ts";
import type { StateMachine } from "./state-machine.ts";
import { tcpTransport } from "./tcp-transport.ts";

const ids = [1, 2, 3];
const peers = new Map(ids.map((id) => [id, { host: `n${id}`, port: 2380 }]));

/** Counts the commands applied. */
class Counter implements StateMachine {
  count = 0;

  apply(): number {
    return ++this.count;
  }

  snapshot() {
    const chunks = [Uint8Array.of(this.count & 255, this.count >> 8)];
    return { next: () => chunks.shift(), release: () => undefined };
  }

  restore([chunk]: readonly Uint8Array[]): void {
    this.count = chunk![0]! + chunk![1]! * 256;
  }
}

interface Running {
  readonly node: RaftNode;
  readonly counter: Counter;
  readonly facts: Fact[];
}

async function startNode(world: World, id: number, options: Partial<NodeOptions>): Promise<Running> {
  const process = world.process(`n${id}`);
  process.start(() => undefined);
  const { runtime } = process;
  const counter = new Counter();
  const facts: Fact[] = [];
  const node = await createNode({
    runtime,
    id,
    clusterId: 1n,
    configuration: configurationOf(ids),
    directory: "/data",
    transport: tcpTransport({ ...runtime, clusterId: 1n, id, listen: peers.get(id)!, peers }),
    stateMachine: counter,
    onFact: (fact) => facts.push(fact),
    ...options,
  });
  return { node, counter, facts };
}

interface Cluster {
  readonly world: World;
  readonly all: readonly Running[];
  /** The leader of the highest term; there is one when the test begins. */
  readonly leader: () => Running;
  readonly until: (happened: () => boolean, limitMs?: number) => Promise<number>;
}

async function withNodes(
  options: Partial<NodeOptions>,
  test: (cluster: Cluster) => Promise<void>,
  seed = 1,
): Promise<void> {
  await simulate({ seed, clock: { maxDriftPpm: 20_000 } }, async (world) => {
    const all = await Promise.all(ids.map((id) => startNode(world, id, options)));
    const leaders = (): Running[] =>
      all.filter(({ node }) => node.raft.role === "leader").toSorted((a, b) => b.node.raft.term - a.node.raft.term);
    const until = async (happened: () => boolean, limitMs = 10_000): Promise<number> => {
      const startedAt = world.clock.now();
      while (!happened()) {
        if (world.clock.now() - startedAt > limitMs) throw new Error("it did not happen");
        await world.clock.sleep(1);
      }
      return world.clock.now() - startedAt;
    };
    await until(() => leaders().length > 0);
    await world.clock.sleep(1_000);
    await test({ world, all, leader: () => leaders()[0]!, until });
  });
}

const ended = (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => "done",
    (error: Error & { code?: string }) => error.code ?? error.message,
  );

describe("a node", () => {
  it("hands leadership over, and says when that is done", () =>
    withNodes({}, async ({ world, all, leader }) => {
      const old = leader().node;
      const to = all.map(({ node }) => node.raft.id).find((id) => id !== old.raft.id)!;
      const startedAt = world.clock.now();
      expect(await ended(old.transferLeadership(to))).toBe("done");
      expect(world.clock.now() - startedAt).toBeLessThan(50);
      expect(leader().node.raft.id).toBe(to);
      expect(await ended(leader().node.transferLeadership(to))).toBe("done");
      expect(await ended(old.transferLeadership())).toBe("NOT_LEADER");
      expect(await ended(leader().node.transferLeadership(99))).toBe("NO_SUCH_VOTER");
      await old.close();
      expect(await ended(old.transferLeadership())).toBe("STOPPED");
    }));

  it("goes on leading when the other does not take over", () =>
    withNodes({}, async ({ world, all, leader }) => {
      const { node } = leader();
      const to = all.map((one) => one.node.raft.id).find((id) => id !== node.raft.id)!;
      world.process(`n${to}`).disk.stall("sync");
      expect(await ended(node.transferLeadership(to))).toBe("TRANSFER_ABORTED");
      expect(leader().node).toBe(node);
      node.propose(Uint8Array.of(1));
      await world.clock.sleep(500);
      expect(leader().counter.count).toBe(1);
    }));

  it("says so when it loses its leadership to nobody known", () =>
    withNodes({}, async ({ world, leader }) => {
      const { node } = leader();
      world.network.isolate(`n${node.raft.id}`);
      expect(await ended(node.transferLeadership())).toBe("LEADERSHIP_LOST");
    }));

  it("lets another lead when its disk hangs, and takes part again when it is back", () =>
    withNodes({ diskHangMs: 2_000 }, async ({ world, leader, all, until }) => {
      const hung = leader();
      world.process(`n${hung.node.raft.id}`).disk.stall("sync");
      hung.node.propose(Uint8Array.of(1));
      const took = await until(() => all.some((one) => one !== hung && one.node.raft.role === "leader"));
      expect(took).toBeGreaterThan(1_900);
      expect(took).toBeLessThan(2_500);
      expect(hung.facts.map(({ type }) => type)).toContain("diskStalled");
      // What it had only in memory was committed by the others' disks.
      await until(() => leader().counter.count === 1);
      leader().node.propose(Uint8Array.of(1));
      world.process(`n${hung.node.raft.id}`).disk.release();
      await until(() => all.every(({ counter }) => counter.count === 2));
      await until(() => hung.facts.some(({ type }) => type === "diskRecovered"));
    }));

  it("elects another at once when the others are told that the leader is gone", () =>
    withNodes({}, async ({ world, all, leader, until }) => {
      const old = leader();
      const others = all.filter((one) => one !== old);
      world.process(`n${old.node.raft.id}`).kill();
      // The one that will ask waits out its own time; the other would have refused it, having heard the leader just now.
      for (const { node } of others) node.forgetLeader();
      expect(others.map(({ node }) => node.raft.leader)).toEqual([0, 0]);
      await until(() => others.some(({ node }) => node.raft.role === "leader"), 1_100);
    }));

  // A leader that is cut off can ask nobody; under its lease it need not, and soon after neither promises anything.
  it.each([
    ["lease", true],
    ["quorum", false],
  ] as const)("confirms reads by %s", (reads, answers) =>
    withNodes({ reads }, async ({ world, leader }) => {
      const { node } = leader();
      let answered = 0;
      node.read(() => answered++);
      await world.clock.sleep(50);
      expect(answered).toBe(1);
      world.network.isolate(`n${node.raft.id}`);
      node.read(() => answered++);
      await world.clock.sleep(100);
      expect(answered).toBe(answers ? 2 : 1);
      await world.clock.sleep(350);
      const before = answered;
      node.read(() => answered++);
      await world.clock.sleep(5_000);
      expect(answered).toBe(before);
    }),
  );

  it.each(["lease", "quorum"] as const)("gives what is committed by others when it wakes up (reads by %s)", (reads) =>
    withNodes({ reads }, async ({ world, all, leader, until }) => {
      const old = leader();
      const others = all.filter((one) => one !== old);
      const process = world.process(`n${old.node.raft.id}`);
      process.pause();
      await until(() => others.some(({ node }) => node.raft.role === "leader"));
      for (const { node } of others) node.propose(Uint8Array.of(1));
      await until(() => others.every(({ counter }) => counter.count > 0));
      const seen: number[] = [];
      old.node.read(() => seen.push(old.counter.count));
      process.resume();
      await until(() => seen.length > 0);
      expect(seen[0]).toBeGreaterThan(0);
      expect(world.faults["pause"]).toBe(1);
    }),
  );
});

describe("the fast preset", () => {
  it("replaces a leader that dies within 300 ms", async () => {
    const took: number[] = [];
    for (let seed = 1; seed <= 25; seed++) {
      await withNodes(
        raftPresets.fast,
        async ({ world, all, leader, until }) => {
          const old = leader();
          world.process(`n${old.node.raft.id}`).crash();
          const others = all.filter((one) => one !== old);
          for (const { node } of others) node.propose(Uint8Array.of(1));
          took.push(
            await until(() => {
              for (const { node } of others) if (node.raft.role === "leader") node.propose(Uint8Array.of(1));
              return others.some(({ counter }) => counter.count > 0);
            }),
          );
        },
        seed,
      );
    }
    const sorted = took.toSorted((a, b) => a - b);
    expect(sorted.at(-1)).toBeLessThan(300);
    expect(sorted[12]).toBeLessThan(220);
  });
});
