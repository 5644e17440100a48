import { describe, expect, it } from "vitest";
import { simulate, type Connection, type World } from "../runtime/index.ts";
import { ByteWriter, encodeFrame } from "../wire/index.ts";
import type { PeerMessage, PeerTransport } from "./peer-message.ts";
import { encodeHello } from "./peer-protocol.ts";
import { tcpTransport } from "./tcp-transport.ts";

const port = 2380;
const peers = new Map([
  [1, { host: "a", port }],
  [2, { host: "b", port }],
]);

/** One node's transport and what it was told. */
interface End {
  readonly transport: PeerTransport;
  readonly heard: number[];
  readonly unreachable: number[];
  readonly refused: string[];
}

interface Setting {
  readonly id?: number;
  readonly clusterId?: bigint;
  readonly peers?: typeof peers;
}

/** Starts a node, a new life of its process. */
async function startEnd(world: World, host: "a" | "b", setting: Setting = {}): Promise<End> {
  const process = world.process(host);
  process.start(() => undefined);
  const { clock, network, random } = process.runtime;
  const end: End = {
    heard: [],
    unreachable: [],
    refused: [],
    transport: tcpTransport({
      network,
      clock,
      random,
      clusterId: 7n,
      id: host === "a" ? 1 : 2,
      listen: { host, port },
      peers,
      onRefused: (peer, reason) => end.refused.push(`${peer ?? "?"}: ${reason}`),
      ...setting,
    }),
  };
  await end.transport.start({
    onMessage: (message) => end.heard.push((message as { readonly id: number }).id),
    onUnreachable: (peer) => end.unreachable.push(peer),
  });
  return end;
}

async function withPair(test: (world: World, a: End, b: End) => Promise<void>): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    const [a, b] = [await startEnd(world, "a"), await startEnd(world, "b")];
    await world.clock.sleep(200);
    await test(world, a, b);
  });
}

function message(id: number, from = 1, to = 2): PeerMessage {
  return { type: "readIndex", from, to, term: 1, id };
}

/** Sends one message every 50 ms, and gives the number after the last. */
async function keepSending(world: World, end: End, first: number, durationMs: number): Promise<number> {
  let id = first;
  for (const until = world.clock.now() + durationMs; world.clock.now() < until; id++) {
    end.transport.send(message(id));
    await world.clock.sleep(50);
  }
  return id;
}

describe("the transport between peers", () => {
  it("carries messages both ways, in order", () =>
    withPair(async (world, a, b) => {
      const numbers = Array.from({ length: 500 }, (_, at) => at);
      for (const id of numbers) a.transport.send(message(id));
      b.transport.send(message(1, 2, 1));
      b.transport.send({ ...message(2, 2, 1), to: 9 });
      await world.clock.sleep(100);
      expect(b.heard).toEqual(numbers);
      expect(a.heard).toEqual([1]);
      expect([a.unreachable, b.unreachable]).toEqual([[], []]);
    }));

  it.each(["kill", "crash"] as const)("finds a peer again after a %s, and says that messages may be lost", (how) =>
    withPair(async (world, a) => {
      world.process("b")[how]();
      const next = await keepSending(world, a, 0, 4000);
      expect(a.unreachable).toEqual([2]);
      const again = await startEnd(world, "b");
      await world.clock.sleep(1500);
      a.transport.send(message(next));
      await world.clock.sleep(100);
      expect(again.heard).toEqual([next]);
      expect(world.faults[how]).toBe(1);
    }),
  );

  it("dials anew when a peer takes everything and answers nothing", () =>
    withPair(async (world, a, b) => {
      world.process("b").pause();
      await keepSending(world, a, 0, 1800);
      expect(a.unreachable).toEqual([]);
      await keepSending(world, a, 100, 1000);
      expect(a.unreachable).toEqual([2]);
      world.process("b").resume();
      await world.clock.sleep(3000);
      a.transport.send(message(7777));
      await world.clock.sleep(100);
      expect(b.heard.at(-1)).toBe(7777);
      expect(world.faults["pause"]).toBe(1);
    }));

  it("notices a link that is cut in one direction", () =>
    withPair(async (world, a, b) => {
      world.network.partition(["b"], ["a"], { oneWay: true });
      const next = await keepSending(world, a, 0, 3000);
      expect(a.unreachable).toEqual([2]);
      world.network.heal();
      await world.clock.sleep(3000);
      await keepSending(world, a, next, 500);
      expect(b.heard).toContain(next + 5);
      expect(world.faults["partition"]).toBe(1);
    }));

  it("keeps a quiet connection, however long", () =>
    withPair(async (world, a, b) => {
      await world.clock.sleep(60_000);
      a.transport.send(message(1));
      await world.clock.sleep(5000);
      a.transport.send(message(2));
      await world.clock.sleep(100);
      expect(b.heard).toEqual([1, 2]);
      expect(a.unreachable).toEqual([]);
    }));

  it("holds no more than its bound for a peer that does not read", () =>
    withPair(async (world, a) => {
      world.network.isolate("b");
      const commands = [new Uint8Array(1024 * 1024)];
      for (let count = 1; a.unreachable.length === 0; count++) {
        expect(count).toBeLessThan(35);
        a.transport.send({ type: "propose", from: 1, to: 2, term: 1, commands });
        await world.clock.sleep(1);
      }
      expect(world.faults["isolation"]).toBe(1);
    }));

  it("stops: nothing is heard or dialled afterwards", () =>
    withPair(async (world, a, b) => {
      a.transport.send(message(1));
      await a.transport.close();
      await a.transport.close();
      await keepSending(world, a, 2, 3000);
      b.transport.send(message(3, 2, 1));
      await world.clock.sleep(1000);
      expect(a.heard).toEqual([]);
      expect(b.heard).toEqual([]);
      expect(b.unreachable).toEqual([1]);
    }));
});

describe("a peer that does not belong here", () => {
  it("is refused with the reason when it is of another cluster", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const a = await startEnd(world, "a");
      const b = await startEnd(world, "b", { clusterId: 8n });
      for (let round = 0; round < 40; round++) {
        a.transport.send(message(round));
        b.transport.send(message(round, 2, 1));
        await world.clock.sleep(50);
      }
      expect([a.heard, b.heard]).toEqual([[], []]);
      expect(a.refused).toContain("2: this is cluster 7, not 8");
      expect(b.refused).toContain("1: this is cluster 8, not 7");
      // It is asked again, but not in a hurry.
      expect(a.refused.length).toBeLessThan(20);
      expect([a.unreachable, b.unreachable]).toEqual([[], []]);
    });
  });
});

describe("peers that come, move and go", () => {
  const without2 = new Map([[1, ""]]);

  it("are dialled at their configured address, and at another one of theirs when that leads to somebody else", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const a = await startEnd(world, "a", { peers: new Map() });
      const b = await startEnd(world, "b", { id: 3, peers: new Map() });
      a.transport.setPeers(new Map([[3, `b:${port}`]]), new Set());
      await world.clock.sleep(200);
      a.transport.send(message(1, 1, 3));
      await world.clock.sleep(100);
      expect(b.heard).toEqual([1]);
      // The operator was wrong about where 3 is, but it has said so itself.
      a.transport.setPeers(new Map([[3, `a:${port}`]]), new Set());
      world.process("b").kill();
      await world.clock.sleep(200);
      const again = await startEnd(world, "b", { id: 3, peers: new Map([[1, { host: "a", port }]]) });
      await world.clock.sleep(2_000);
      a.transport.send(message(2, 1, 3));
      await world.clock.sleep(100);
      expect(again.heard).toEqual([2]);
    });
  });

  it("are heard and answered as guests while no configuration names them", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const a = await startEnd(world, "a", { peers: new Map() });
      const b = await startEnd(world, "b");
      await world.clock.sleep(200);
      b.transport.send(message(1, 2, 1));
      a.transport.send(message(2));
      await world.clock.sleep(100);
      expect([a.heard, b.heard]).toEqual([[1], [2]]);

      world.process("b").kill();
      await world.clock.sleep(1_000);
      const again = await startEnd(world, "b", { peers: new Map() });
      await world.clock.sleep(2_000);
      a.transport.send(message(3));
      await world.clock.sleep(100);
      expect(again.heard).toEqual([]);
    });
  });

  it("are talked to for a while after they were removed, and then turned away", () =>
    withPair(async (world, a, b) => {
      a.transport.setPeers(without2, new Set([2]));
      await world.clock.sleep(4_000);
      a.transport.send(message(1));
      await world.clock.sleep(100);
      expect(b.heard).toEqual([1]);
      await world.clock.sleep(3_000);
      a.transport.send(message(2));
      b.transport.send(message(3, 2, 1));
      await world.clock.sleep(100);
      expect([a.heard, b.heard]).toEqual([[], [1]]);
      expect(b.refused).toContain("1: member 2 was removed from this cluster");
    }));

  it("stay when they come back into the configuration before that", () =>
    withPair(async (world, a, b) => {
      a.transport.setPeers(without2, new Set());
      await world.clock.sleep(4_000);
      a.transport.setPeers(new Map([...without2, [2, `b:${port}`]]), new Set());
      await world.clock.sleep(10_000);
      a.transport.send(message(1));
      await world.clock.sleep(100);
      expect(b.heard).toEqual([1]);
      expect([a.unreachable, b.unreachable]).toEqual([[], []]);
    }));

  it("are bounded while no configuration names them", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const a = await startEnd(world, "a", { peers: new Map() });
      const crowd = world.process("crowd");
      crowd.start(() => undefined);
      for (let from = 10; from < 43; from++) {
        const connection: Connection = await crowd.runtime.network.connect({ host: "a", port });
        connection.handle({ onData: () => undefined, onClose: () => undefined });
        connection.write(encodeHello({ clusterId: 7n, from, to: 1, address: { host: "crowd", port } }));
        await world.clock.sleep(5);
      }
      await world.clock.sleep(100);
      expect(a.refused).toEqual(["42: too many callers that no configuration names"]);
    });
  });
});

describe("a stranger at the peer port", () => {
  const hello = encodeHello({ clusterId: 7n, from: 2, to: 1, address: { host: "b", port } });
  const text = (line: string): Uint8Array => new TextEncoder().encode(line);
  const u32 = (value: number): Uint8Array => {
    const writer = new ByteWriter();
    writer.u32(value);
    return writer.toBytes();
  };

  it.each<[string, readonly Uint8Array[], RegExp]>([
    ["nothing at all", [], /^\?: it said nothing for 2000 ms$/],
    ["half a hello", [hello.slice(0, 9)], /^\?: it said nothing for 2000 ms$/],
    ["HTTP", [text("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")], /^\?: frame at byte 0 must be at most/],
    ["random bytes", [encodeFrame(Uint8Array.from({ length: 60 }, (_, at) => at * 37))], /^\?: hello.magic/],
    ["a hello of another version", [encodeFrame(Uint8Array.of(0x31, 0x50, 0x46, 0x48, 9))], /^\?: hello.version/],
    ["the start of a long first frame", [u32(1_000_000), new Uint8Array(5000)], /^\?: its hello is above 512 bytes$/],
    ["a frame above the bound", [hello, u32(65 * 1024 * 1024)], /^2: frame at byte .* must be at most 67108864 bytes/],
    ["a message nobody knows", [hello, encodeFrame(Uint8Array.of(99))], /^2: message.type/],
    ["a message cut short", [hello, encodeFrame(Uint8Array.of(2, 1, 1))], /^2: /],
  ])("is turned away and gone soon: %s", (_, parts, reason) =>
    withPair(async (world, a, b) => {
      const stranger = world.process("stranger");
      stranger.start(() => undefined);
      let closed = false;
      const connection: Connection = await stranger.runtime.network.connect({ host: "a", port });
      connection.handle({ onData: () => undefined, onClose: () => (closed = true) });
      for (const part of parts) connection.write(part);
      await world.clock.sleep(4500);
      expect(a.refused).toEqual([expect.stringMatching(reason)]);
      expect(closed).toBe(true);

      b.transport.send(message(5, 2, 1));
      a.transport.send(message(6));
      await world.clock.sleep(100);
      expect([a.heard, b.heard]).toEqual([[5], [6]]);
      expect([a.unreachable, b.unreachable]).toEqual([[], []]);
    }),
  );
});
