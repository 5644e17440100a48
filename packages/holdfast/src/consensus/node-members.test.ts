import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { configurationOf, emptyConfiguration, type Configuration } from "./configuration.ts";
import { isVoter } from "./raft.ts";
import { createNode, type NodeOptions, type RaftNode } from "./node.ts";
import type { ConfigurationChange } from "./configuration-change.ts";
import type { NodeId } from "./entry.ts";
import { learnerReady } from "./reconfiguration.ts";
import type { StateMachine } from "./state-machine.ts";
import { tcpTransport } from "./tcp-transport.ts";
import { witnessState } from "./witness-state.ts";

const port = 2380;

/** Adds up the bytes it is given. */
class Sum implements StateMachine {
  value = 0;

  apply(entry: { readonly data: Uint8Array }): number {
    return (this.value += entry.data[0] ?? 0);
  }

  snapshot(): ReturnType<StateMachine["snapshot"]> {
    let left: Uint8Array | undefined = new TextEncoder().encode(String(this.value));
    return {
      next() {
        const chunk = left;
        left = undefined;
        return chunk;
      },
      release: () => undefined,
    };
  }

  restore(chunks: readonly Uint8Array[]): void {
    this.value = Number(chunks.map((chunk) => new TextDecoder().decode(chunk)).join(""));
  }
}

interface Running {
  readonly node: RaftNode;
  readonly sum: Sum;
  /** Index, number of members and whether it was committed, of each configuration it was told. */
  readonly told: (readonly [number, number, boolean])[];
  readonly refused: string[];
}

/** Nodes on machines of their own; each knows at first nobody but itself. */
class Nodes {
  readonly running = new Map<NodeId, Running>();
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  async start(id: NodeId, configuration: Configuration, options: Partial<NodeOptions> = {}): Promise<Running> {
    const process = this.world.process(`n${id}`);
    process.start(() => undefined);
    const { runtime } = process;
    const running: Omit<Running, "node"> = { sum: new Sum(), told: [], refused: [] };
    const node = await createNode({
      runtime,
      id,
      clusterId: 7n,
      configuration,
      directory: "/data",
      transport: tcpTransport({
        ...runtime,
        clusterId: 7n,
        id,
        listen: { host: `n${id}`, port },
        peers: new Map(),
        onRefused: (peer, reason) => running.refused.push(`${peer}: ${reason}`),
      }),
      stateMachine: running.sum,
      snapshotEntries: 50,
      trailingEntries: 0,
      onConfiguration: ({ voters, learners }, index, committed) =>
        running.told.push([index, voters.length + learners.length, committed]),
      ...options,
    });
    const started = { ...running, node };
    this.running.set(id, started);
    return started;
  }

  get(id: NodeId): Running {
    return this.running.get(id)!;
  }

  kill(id: NodeId): void {
    this.world.process(`n${id}`).kill();
    this.running.delete(id);
  }

  async leader(): Promise<Running> {
    for (let waited = 0; waited < 200; waited++) {
      await this.world.clock.sleep(50);
      for (const running of this.running.values()) if (running.node.raft.role === "leader") return running;
    }
    throw new Error("nobody leads");
  }

  /** Has this many ones added, wherever the leader is. */
  async add(ones: number): Promise<void> {
    const { node } = await this.leader();
    for (let one = 0; one < ones; one++) node.propose(Uint8Array.of(1));
    await this.world.clock.sleep(500);
  }
}

function added(type: "addVoter" | "addLearner" | "addWitness", ...ids: NodeId[]): ConfigurationChange[] {
  return ids.map((id) => ({ type, id, address: `n${id}:${port}` }));
}

function withOne(test: (nodes: Nodes, first: Running) => Promise<void>): Promise<unknown> {
  return simulate({ seed: 3 }, async (world) => {
    const nodes = new Nodes(world);
    const first = await nodes.start(1, configurationOf([1], new Map([[1, `n1:${port}`]])));
    await nodes.leader();
    await test(nodes, first);
  });
}

describe("nodes", () => {
  it("become a cluster of three out of one that was alone, and live without it", () =>
    withOne(async (nodes, first) => {
      // More than a log holds, so that the new ones need a snapshot.
      await nodes.add(120);
      expect(first.node.raft.log.baseIndex).toBeGreaterThan(0);
      for (const id of [2, 3]) await nodes.start(id, emptyConfiguration);
      const configuration = await first.node.changeConfiguration(added("addVoter", 2, 3));
      expect(configuration.voters).toEqual([1, 2, 3]);
      await nodes.add(1);
      expect([2, 3].map((id) => nodes.get(id).sum.value)).toEqual([121, 121]);
      expect(first.told.map(([, members, committed]) => [members, committed])).toEqual([
        [1, true],
        [3, false],
        [3, true],
        [3, false],
        [3, true],
      ]);

      nodes.kill(1);
      await nodes.add(1);
      expect([2, 3].map((id) => nodes.get(id).sum.value)).toEqual([122, 122]);
      nodes.kill(2);
      await nodes.start(2, emptyConfiguration);
      await nodes.add(1);
      expect([2, 3].map((id) => nodes.get(id).sum.value)).toEqual([123, 123]);
      expect(nodes.get(2).node.raft.configuration).toEqual(configuration);
    }));

  it("do not start with members that cannot be", () =>
    withOne(async (nodes) => {
      const impossible = { ...configurationOf([1, 2]), learners: [2] };
      await expect(nodes.start(2, impossible)).rejects.toThrow("node.configuration a learner must not vote");
    }));

  it("promote a learner once it is ready", () =>
    withOne(async (nodes, first) => {
      await nodes.add(10);
      await first.node.changeConfiguration(added("addLearner", 2));
      await nodes.world.clock.sleep(1_000);
      expect(learnerReady(first.node.raft, 2)).toBe(false);
      await nodes.start(2, emptyConfiguration);
      await nodes.world.clock.sleep(1_000);
      expect(learnerReady(first.node.raft, 2)).toBe(true);
      await first.node.changeConfiguration([{ type: "promote", id: 2 }]);
      expect(isVoter(first.node.raft, 2)).toBe(true);
    }));

  it("refuse a change with its reason, and say when they cannot know", () =>
    withOne(async (nodes, first) => {
      const { node } = first;
      await expect(node.changeConfiguration([])).rejects.toMatchObject({ code: "NO_CHANGE", retryable: false });
      await expect(node.changeConfiguration([{ type: "remove", id: 1 }])).rejects.toMatchObject({ code: "NO_VOTERS" });
      expect(() => node.changeConfiguration([{ type: "remove", id: -1 }])).toThrow("changes[0].id must be");
      // Nobody runs as 2, so this can be neither committed nor taken back.
      const uncertain = expect(node.changeConfiguration(added("addVoter", 2))).rejects.toMatchObject({
        code: "CHANGE_UNCERTAIN",
      });
      await expect(node.changeConfiguration(added("addVoter", 3))).rejects.toMatchObject({ code: "CHANGE_PENDING" });
      await uncertain;
      expect(node.raft.role).not.toBe("leader");
      await expect(node.changeConfiguration(added("addVoter", 3))).rejects.toMatchObject({ code: "NOT_LEADER" });
      await nodes.start(2, emptyConfiguration);
      await nodes.add(1);
      expect(nodes.get(2).sum.value).toBe(1);
      await node.close();
      await expect(node.changeConfiguration([])).rejects.toMatchObject({ code: "STOPPED" });
    }));

  it("replace the leader, who is turned away in the end", () =>
    withOne(async (nodes, first) => {
      for (const id of [2, 3]) await nodes.start(id, emptyConfiguration);
      await first.node.changeConfiguration(added("addVoter", 2, 3));
      const asked = nodes.world.clock.now();
      await first.node.changeConfiguration([{ type: "remove", id: 1 }]);
      const told = first.told.at(-1);
      expect(told?.slice(1)).toEqual([2, true]);
      while (![2, 3].some((id) => nodes.get(id).node.raft.role === "leader")) await nodes.world.clock.sleep(5);
      // It handed over, so that nobody had to wait for an election timeout.
      expect(nodes.world.clock.now() - asked).toBeLessThan(250);
      await nodes.world.clock.sleep(10_000);
      expect(first.node.raft.leader).toBe(0);
      expect(first.refused.join()).toContain("member 1 was removed from this cluster");
      await nodes.start(4, emptyConfiguration);
      const leader = await nodes.leader();
      await leader.node.changeConfiguration(added("addVoter", 4));
      await nodes.add(5);
      expect([2, 3, 4].map((id) => nodes.get(id).sum.value)).toEqual([5, 5, 5]);
      expect(first.sum.value).toBe(0);
    }));

  it("find a member that has moved", () =>
    withOne(async (nodes, first) => {
      await nodes.start(2, emptyConfiguration);
      await first.node.changeConfiguration(added("addVoter", 2));
      await first.node.changeConfiguration([{ type: "updateAddress", id: 2, address: `elsewhere:${port}` }]);
      expect(first.node.raft.configuration.addresses.get(2)).toBe(`elsewhere:${port}`);
      // What was said of it is wrong; it says itself where it is.
      nodes.kill(2);
      await nodes.start(2, emptyConfiguration);
      await nodes.add(1);
      expect(nodes.get(2).sum.value).toBe(1);
    }));

  it("count on a witness, which holds nothing but the log's outline", () =>
    withOne(async (nodes, first) => {
      await nodes.add(60);
      await nodes.start(2, emptyConfiguration);
      await nodes.start(3, emptyConfiguration, { stateMachine: witnessState });
      await first.node.changeConfiguration([...added("addVoter", 2), ...added("addWitness", 3)]);
      nodes.kill(2);
      await nodes.add(60);
      expect(first.sum.value).toBe(120);
      const witness = nodes.get(3).node;
      expect(witness.applied).toBe(first.node.applied);
      expect(witness.logBytes).toBeLessThan(1024 * 1024);
      nodes.kill(1);
      await nodes.world.clock.sleep(5_000);
      expect(witness.raft.role).toBe("follower");
      await nodes.start(1, emptyConfiguration);
      await nodes.start(2, emptyConfiguration);
      await nodes.add(1);
      expect([1, 2].map((id) => nodes.get(id).sum.value)).toEqual([121, 121]);
    }));

  it("that got a witness's log without being one stop rather than go on without the commands", () =>
    withOne(async (nodes, first) => {
      const wrong = await nodes.start(2, emptyConfiguration);
      await nodes.start(3, emptyConfiguration);
      await first.node.changeConfiguration([...added("addVoter", 3), ...added("addWitness", 2)]);
      await nodes.add(1);
      expect((await wrong.node.failed).message).toContain("came without its command");
    }));
});
