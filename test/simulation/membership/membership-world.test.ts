import { simulate, type SimulatedProcess, type World } from "holdfast/runtime";
import { describe, expect, it } from "vitest";
import {
  createMembership,
  type Membership,
  type MembershipEvent,
} from "../../../packages/holdfast/src/membership/index.ts";

const port = 7_946;
/** Everything a network may do to a datagram, and clocks a fifth too fast or too slow. */
const network = { latencyMs: 1, jitterMs: 20, loss: 0.1, duplicate: 0.1, reorder: 0.1 };
const clock = { maxSkewMs: 60_000, maxDriftPpm: 200_000 };

interface Node {
  readonly name: string;
  readonly process: SimulatedProcess;
  membership: Membership | undefined;
}

interface Seen {
  readonly observer: string;
  readonly event: MembershipEvent;
}

/** Members with their real driver, packets and streams, each on a machine of its own. */
class MembershipWorld {
  readonly nodes: Node[] = [];
  readonly seen: Seen[] = [];
  readonly #world: World;

  constructor(world: World, size: number) {
    this.#world = world;
    for (let at = 0; at < size; at++) {
      const name = `n${at}`;
      const process = world.process(name);
      this.nodes.push({ name, process, membership: undefined });
      this.start(this.nodes[at]!);
    }
  }

  start(node: Node): void {
    const { name, process } = node;
    process.start(async (runtime) => {
      node.membership = await createMembership({
        runtime,
        name,
        host: name,
        port,
        profile: "local",
        seeds: name === "n0" ? [] : [{ host: "n0", port }],
        onEvent: (event) => this.seen.push({ observer: name, event }),
      });
    });
  }

  node(at: number): Node {
    return this.nodes[at]!;
  }

  belief(observer: Node, subject: Node): string | undefined {
    return observer.membership?.members().find(({ name }) => name === subject.name)?.state;
  }

  get agreed(): boolean {
    return this.nodes.every((observer) => this.nodes.every((subject) => this.belief(observer, subject) === "alive"));
  }

  failed(): Set<string> {
    return new Set(this.seen.flatMap(({ event }) => (event.type === "failed" ? [event.member.name] : [])));
  }

  async until(done: () => boolean, limitMs: number): Promise<number> {
    const { clock } = this.#world;
    const start = clock.now();
    while (!done()) {
      if (clock.now() - start > limitMs) throw new Error(`not within ${limitMs} ms`);
      await clock.sleep(50);
    }
    return clock.now() - start;
  }
}

describe("members with their drivers in a simulated world", () => {
  it.each([1, 2, 3])(
    "join, notice a kill and a return over a bad network, with clocks that go wrong (seed %i)",
    async (seed) => {
      await simulate({ seed, clock, network }, async (world) => {
        const cluster = new MembershipWorld(world, 7);
        await cluster.until(() => cluster.agreed, 30_000);
        const victim = cluster.node(3);
        victim.process.kill();
        const others = cluster.nodes.filter((node) => node !== victim);
        await cluster.until(() => others.every((node) => cluster.belief(node, victim) === "dead"), 60_000);
        expect([...cluster.failed()]).toEqual([victim.name]);
        cluster.start(victim);
        await cluster.until(() => cluster.agreed, 60_000);
        for (const fault of ["datagram-lost", "datagram-duplicated", "datagram-reordered"]) {
          expect(world.faults[fault]).toBeGreaterThan(2);
        }
        for (const { membership } of cluster.nodes) await membership?.close();
      });
    },
  );

  it("agree within two push/pull periods after a partition", async () => {
    await simulate({ seed: 4 }, async (world) => {
      const cluster = new MembershipWorld(world, 6);
      await cluster.until(() => cluster.agreed, 30_000);
      const [left, right] = [cluster.nodes.slice(0, 2), cluster.nodes.slice(2)];
      const names = (nodes: Node[]): string[] => nodes.map(({ name }) => name);
      world.network.partition(names(left), names(right));
      const apart = (): boolean =>
        left.every((a) => right.every((b) => cluster.belief(a, b) === "dead" && cluster.belief(b, a) === "dead"));
      await cluster.until(apart, 120_000);
      await world.clock.sleep(60_000);
      world.network.heal();
      expect(await cluster.until(() => cluster.agreed, 120_000)).toBeLessThan(30_000);
      for (const { membership } of cluster.nodes) await membership?.close();
    });
  });

  it("do not accuse anybody after a pause of their process", async () => {
    await simulate({ seed: 5 }, async (world) => {
      const cluster = new MembershipWorld(world, 8);
      await cluster.until(() => cluster.agreed, 30_000);
      const paused = cluster.node(2);
      for (let round = 0; round < 20; round++) {
        paused.process.pause();
        await world.clock.sleep(2_000);
        paused.process.resume();
        await world.clock.sleep(3_000);
      }
      await cluster.until(() => cluster.agreed, 30_000);
      expect(cluster.seen.filter(({ event }) => event.type === "stalled").length).toBeGreaterThan(5);
      expect([...cluster.failed()].filter((name) => name !== paused.name)).toEqual([]);
      for (const { membership } of cluster.nodes) await membership?.close();
    });
  });
});
