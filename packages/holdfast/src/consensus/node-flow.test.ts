import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import { configurationOf } from "./configuration.ts";
import { createNode, type NodeOptions, type RaftNode } from "./node.ts";
import type { PeerMessage, PeerTransport } from "./peer-message.ts";
import type { StateMachine } from "./state-machine.ts";
import { tcpTransport } from "./tcp-transport.ts";

const ids = [1, 2, 3];
const peers = new Map(ids.map((id) => [id, { host: `n${id}`, port: 2380 }]));
const heartbeatMs = 100;
const stateChunks = 24;

/** A state of 3 MiB, however little happens. */
function bulkyMachine(): StateMachine {
  return {
    apply: () => undefined,
    snapshot() {
      let left = stateChunks;
      return { next: () => (left-- > 0 ? new Uint8Array(128 * 1024) : undefined), release: () => undefined };
    },
    restore: () => undefined,
  };
}

/** Hears what arrives at a node. */
function overheard(transport: PeerTransport, onMessage: (message: PeerMessage) => void): PeerTransport {
  return {
    start: (handler) =>
      transport.start({
        ...handler,
        onMessage(message) {
          onMessage(message);
          handler.onMessage(message);
        },
      }),
    send: (message) => transport.send(message),
    setPeers: (addresses, removed) => transport.setPeers(addresses, removed),
    close: () => transport.close(),
  };
}

function startNode(world: World, id: number, onMessage: (message: PeerMessage) => void): Promise<RaftNode> {
  const process = world.process(`n${id}`);
  if (process.state === "crashed") process.start(() => undefined);
  const { runtime } = process;
  const options: NodeOptions = {
    runtime,
    id,
    clusterId: 1n,
    configuration: configurationOf(ids),
    directory: "/data",
    transport: overheard(tcpTransport({ ...runtime, clusterId: 1n, id, listen: peers.get(id)!, peers }), onMessage),
    stateMachine: bulkyMachine(),
    heartbeatMs,
    snapshotEntries: 20,
    trailingEntries: 0,
  };
  return createNode(options);
}

describe("a snapshot that takes longer than an election timeout", () => {
  it("delays no heartbeat, upsets no leader, and lets others commit", async () => {
    await simulate({ seed: 1, network: { latencyMs: 25, jitterMs: 0 } }, async (world) => {
      const { clock } = world;
      const nodes = await Promise.all(ids.map((id) => startNode(world, id, () => undefined)));
      const leader = async (): Promise<RaftNode> => {
        for (;;) {
          const found = nodes.find(({ raft }) => raft.role === "leader");
          if (found !== undefined) return found;
          await clock.sleep(10);
        }
      };
      const first = await leader();
      const away = ids.find((id) => id !== first.raft.id)!;
      world.process(`n${away}`).kill();
      for (let count = 0; count < 60; count++) {
        first.propose(Uint8Array.of(1));
        await clock.sleep(20);
      }
      const { term } = first.raft;
      const arrivals: { readonly at: number; readonly type: string }[] = [];
      const back = await startNode(world, away, ({ type }) => arrivals.push({ at: clock.now(), type }));
      const lateness: number[] = [];
      while (back.applied < 40) {
        const proposedAt = clock.now();
        const { commit } = first.raft;
        first.propose(Uint8Array.of(1));
        while (first.raft.commit === commit) await clock.sleep(1);
        lateness.push(clock.now() - proposedAt);
      }
      const chunks = arrivals.filter(({ type }) => type === "snapshotChunk");
      expect(chunks.length).toBeGreaterThanOrEqual(stateChunks);
      const [from, to] = [chunks[0]!.at, chunks.at(-1)!.at];
      expect(to - from).toBeGreaterThan(1_000);
      const beats = arrivals.filter(({ type, at }) => type === "heartbeat" && at >= from && at <= to);
      const gaps = beats.slice(1).map(({ at }, index) => at - beats[index]!.at);
      expect(beats.length).toBeGreaterThan(8);
      expect(Math.max(...gaps)).toBeLessThan(1.5 * heartbeatMs);
      expect(first.raft).toMatchObject({ role: "leader", term });
      // A round trip and two syncs.
      expect(Math.max(...lateness)).toBeLessThan(100);
    });
  });
});
