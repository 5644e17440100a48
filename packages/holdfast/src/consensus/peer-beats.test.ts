import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import type { PeerMessage, PeerTransport } from "./peer-message.ts";
import { tcpTransport } from "./tcp-transport.ts";

const port = 2380;
const peers = new Map([
  [1, { host: "a", port }],
  [2, { host: "b", port }],
]);
const beatMs = 100;

interface End {
  readonly transport: PeerTransport;
  /** When the other was heard, but for its messages. */
  readonly heardAt: number[];
  /** What it has said of its beats. */
  readonly told: boolean[];
  readonly unreachable: number[];
}

async function startEnd(world: World, host: "a" | "b", beats: boolean): Promise<End> {
  const process = world.process(host);
  process.start(() => undefined);
  const { clock, network, random } = process.runtime;
  const id = host === "a" ? 1 : 2;
  const listen = { host, port };
  const beating = beats ? { beatMs } : {};
  const transport = tcpTransport({ network, clock, random, clusterId: 7n, id, listen, peers, ...beating });
  const end: End = { transport, heardAt: [], told: [], unreachable: [] };
  await transport.start({
    onMessage: () => undefined,
    onUnreachable: (peer) => end.unreachable.push(peer),
    onHeard: (_, told) => {
      end.heardAt.push(clock.now());
      if (told !== undefined) end.told.push(told);
    },
  });
  return end;
}

async function withPair(
  test: (world: World, a: End, b: End) => Promise<void>,
  beats: readonly [boolean, boolean] = [true, true],
): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    const [a, b] = [await startEnd(world, "a", beats[0]), await startEnd(world, "b", beats[1])];
    // Hellos are answered within half a second.
    await world.clock.sleep(1_000);
    await test(world, a, b);
  });
}

/** How often each was heard within the next time. */
async function heardWithin(world: World, ends: readonly End[], durationMs: number): Promise<readonly number[]> {
  const before = ends.map(({ heardAt }) => heardAt.length);
  await world.clock.sleep(durationMs);
  return ends.map(({ heardAt }, at) => heardAt.length - before[at]!);
}

function message(from: number, to: number): PeerMessage {
  return { type: "readIndex", from, to, term: 1, id: 1 };
}

async function keepSending(world: World, end: End, durationMs: number): Promise<void> {
  for (const until = world.clock.now() + durationMs; world.clock.now() < until;) {
    end.transport.send(message(1, 2));
    await world.clock.sleep(50);
  }
}

describe("beats between peers", () => {
  it("let each know that the other is there, while they say nothing else", () =>
    withPair(async (world, a, b) => {
      expect([a.told, b.told]).toEqual([[true], [true]]);
      for (const count of await heardWithin(world, [a, b], 10_000)) {
        expect(count).toBeGreaterThanOrEqual(98);
        expect(count).toBeLessThanOrEqual(101);
      }
    }));

  it("are not sent to whom something else is said", () =>
    withPair(async (world, a, b) => {
      await keepSending(world, a, 200);
      const counted = heardWithin(world, [a, b], 2_000);
      await keepSending(world, a, 2_000);
      const [atA, atB] = await counted;
      // B beats on, and answers that the messages arrive.
      expect(atA).toBeGreaterThanOrEqual(20);
      expect(atB).toBe(0);
    }));

  it("come over the way that is left when the other is cut", () =>
    withPair(async (world, a, b) => {
      world.network.partition(["a"], ["b"], { oneWay: true });
      await world.clock.sleep(200);
      const [atA, atB] = await heardWithin(world, [a, b], 1_000);
      expect(atA).toBeGreaterThanOrEqual(9);
      expect(atB).toBe(0);
      expect(world.faults["partition"]).toBe(1);
    }));

  it("do not pass for answers: a way on which nothing arrives is given up", () =>
    withPair(async (world, a) => {
      world.network.partition(["a"], ["b"], { oneWay: true });
      await keepSending(world, a, 1_800);
      expect(a.unreachable).toEqual([]);
      await keepSending(world, a, 1_000);
      expect(a.unreachable).toEqual([2]);
    }));

  it("wait for nobody who does not read them", () =>
    withPair(async (world, a, b) => {
      world.process("b").pause();
      await world.clock.sleep(60_000);
      world.process("b").resume();
      await world.clock.sleep(3_000);
      const counts = await heardWithin(world, [a, b], 1_000);
      for (const count of counts) expect(count).toBeGreaterThanOrEqual(9);
      expect(world.faults["pause"]).toBe(1);
    }));

  it("come from those alone that send them, who say so", () =>
    withPair(
      async (world, a, b) => {
        expect([a.told, b.told]).toEqual([[true], [false]]);
        const [atA, atB] = await heardWithin(world, [a, b], 1_000);
        expect(atA).toBeGreaterThanOrEqual(9);
        expect(atB).toBe(0);
      },
      [false, true],
    ));

  it("leave nothing behind", () =>
    withPair(async (world, a, b) => {
      await Promise.all([a.transport.close(), b.transport.close()]);
      await world.clock.sleep(1_000);
      const counts = await heardWithin(world, [a, b], 5_000);
      expect(counts).toEqual([0, 0]);
    }));
});
