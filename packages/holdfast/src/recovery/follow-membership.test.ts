import { describe, expect, it } from "vitest";
import { createMembership, type Membership } from "../membership/index.ts";
import { simulate, type Connection, type Runtime, type World } from "../runtime/index.ts";
import { followMembership } from "./follow-membership.ts";
import type { RedundancyEvent } from "./redundancy-event.ts";
import { redundancy, type Redundancy } from "./redundancy.ts";
import type { Decision } from "./redundant-call.ts";

const port = 80;
const timing = { probeIntervalMs: 200, probeTimeoutMs: 100, gossipIntervalMs: 20, reconnectIntervalMs: 500 };

/** A member that answers every byte with a 7. */
function startNode(world: World, name: string, onMember?: (membership: Membership) => void): void {
  world.process(name).start(async (runtime) => {
    await runtime.network.listen({ host: name, port }, (connection) => {
      connection.handle({ onData: () => connection.write(Uint8Array.of(7)), onClose: () => undefined });
    });
    const member = await join(runtime, name);
    onMember?.(member);
  });
}

function join(runtime: Runtime, name: string): Promise<Membership> {
  return createMembership({ runtime, name, host: name, port: 7946, timing, seeds: [{ host: "caller", port: 7946 }] });
}

async function ask({ network }: Runtime, host: string, signal: AbortSignal): Promise<number> {
  const connection: Connection = await network.connect({ host, port }, { signal });
  return new Promise((resolve, reject) => {
    const stop = (): void => connection.destroy();
    signal.addEventListener("abort", stop, { once: true });
    connection.handle({
      onData: (bytes) => {
        resolve(bytes[0] ?? -1);
        stop();
      },
      onClose: (error) => reject(error ?? new Error("closed")),
    });
    connection.write(Uint8Array.of(1));
  });
}

interface Place {
  readonly world: World;
  readonly group: Redundancy<"a" | "b" | "c" | "d", number>;
  /** The caller's. */
  readonly membership: Membership;
  /** Those of the nodes. */
  readonly members: ReadonlyMap<string, Membership>;
  readonly events: RedundancyEvent[];
  readonly stop: () => void;
  readonly call: () => Promise<Decision<number>>;
}

/** Three primaries and a backup in a simulated cluster; the caller is a member too. */
async function inCluster(
  seed: number,
  test: (place: Place) => Promise<void>,
): Promise<Readonly<Record<string, number>>> {
  const { faults } = await simulate({ seed }, async (world) => {
    const events: RedundancyEvent[] = [];
    const members = new Map<string, Membership>();
    for (const name of ["a", "b", "c", "d"]) startNode(world, name, (member) => members.set(name, member));
    const { runtime, membership } = await new Promise<{ runtime: Runtime; membership: Membership }>((resolve) => {
      world.process("caller").start(async (runtime) => {
        resolve({ runtime, membership: await join(runtime, "caller") });
      });
    });
    const group = redundancy<"a" | "b" | "c" | "d", number>({
      primaries: ["a", "b", "c"],
      backups: ["d"],
      level: 3,
      timeoutMs: 60_000,
      clock: runtime.clock,
      onEvent: (event) => events.push(event),
    });
    await until(world, () => membership.metrics.members === 5);
    const stop = followMembership(group, membership);
    const call: Place["call"] = () => group.decide(({ node, signal }) => ask(runtime, node, signal));
    await test({ world, group, membership, members, events, stop, call });
  });
  return faults;
}

async function until(world: World, condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn === 3_000) throw new Error(`not in time: ${condition.toString()}`);
    await world.clock.sleep(10);
  }
}

describe("followMembership", () => {
  it("promotes the backup of a member that was killed, and makes the member a backup when it returns", async () => {
    const faults = await inCluster(1, async ({ world, group, membership, events, call }) => {
      expect(await call()).toMatchObject({ value: 7, agreed: expect.arrayContaining(["a", "b", "c"]) });
      world.process("b").kill();
      await until(world, () => group.failed.length > 0);
      expect(membership.members().find(({ name }) => name === "b")?.state).toBe("dead");
      expect(events).toMatchObject([
        { type: "nodeFailed", node: "b" },
        { type: "promoted", node: "d", replaces: "b" },
      ]);
      // All three must agree: without the backup there would be two.
      expect((await call()).agreed.toSorted()).toEqual(["a", "c", "d"]);

      startNode(world, "b");
      await until(world, () => group.failed.length === 0);
      expect(events.at(-1)).toMatchObject({ type: "nodeReturned", node: "b" });
      expect([group.primaries, group.backups]).toEqual([["a", "d", "c"], ["b"]]);
      world.process("a").kill();
      expect((await call()).agreed.toSorted()).toEqual(["b", "c", "d"]);
    });
    expect(faults["kill"]).toBe(2);
  });

  it("ends the wait of a call under way for a member whose machine is gone", async () => {
    const faults = await inCluster(2, async ({ world, group, events, call }) => {
      world.process("c").crash();
      const from = world.clock.now();
      const { agreed, value } = await call();
      // Nothing refuses the connection; the detector knows long before it would be given up.
      expect(world.clock.now() - from).toBeLessThan(20_000);
      expect([value, agreed.toSorted()]).toEqual([7, ["a", "b", "d"]]);
      expect(events).toMatchObject([
        { type: "nodeFailed", node: "c" },
        { type: "promoted", node: "d" },
      ]);
      expect(group.failed).toEqual(["c"]);
    });
    expect(faults["crash"]).toBe(1);
  });

  it("takes a farewell for a failure, and the same name that joins again for a return", async () => {
    await inCluster(3, async ({ world, group, members, call }) => {
      await members.get("a")?.leave();
      await until(world, () => group.failed.length > 0);
      expect([group.primaries, group.failed]).toEqual([["d", "b", "c"], ["a"]]);
      expect((await call()).agreed.toSorted()).toEqual(["b", "c", "d"]);
      world.process("a").kill();
      startNode(world, "a");
      await until(world, () => group.failed.length === 0);
      expect(group.backups).toEqual(["a"]);
    });
  });

  it("takes what is known at the start, and nothing after it is stopped", async () => {
    const faults = await inCluster(4, async ({ world, membership, stop, events }) => {
      stop();
      world.process("a").kill();
      await until(world, () => membership.members().some(({ name, state }) => name === "a" && state === "dead"));
      expect(events).toEqual([]);
      const other = redundancy({ primaries: ["a", "b"], backups: ["c"], clock: world.clock });
      followMembership(other, membership)();
      expect([other.primaries, other.failed]).toEqual([["c", "b"], ["a"]]);
    });
    expect(faults["kill"]).toBe(1);
  });
});
