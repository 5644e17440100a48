import { describe, expect, it } from "vitest";
import {
  nodeCipher,
  nodeRuntime,
  seededRandom,
  simulate,
  type Address,
  type Random,
  type Runtime,
  type World,
} from "../runtime/index.ts";
import { createKeyring, type Keyring } from "./keyring.ts";
import { createMembership, type Membership, type MembershipOptions } from "./membership-node.ts";
import type { Message } from "./message.ts";
import { PacketCodec } from "./packet.ts";
import type { MembershipEvent } from "./swim-effects.ts";

const keyring = (fill: number): Keyring =>
  createKeyring({ cipher: nodeCipher(), keys: [new Uint8Array(32).fill(fill)] });

const start = (world: World, name: string, options: Partial<MembershipOptions> = {}): Promise<Membership> =>
  new Promise((resolve) => {
    world.process(name).start(async (runtime: Runtime) => {
      resolve(await createMembership({ runtime, name, host: name, port: 7946, ...options }));
    });
  });

const gossip: readonly Message[] = [
  { type: "alive", name: "ghost", host: "ghost", port: 7946, meta: new Uint8Array(9), incarnation: 5 },
  { type: "dead", name: "b", incarnation: 9, from: "ghost" },
  { type: "ping", seq: 1, target: "a", source: { name: "ghost", host: "ghost", port: 7946 } },
];

/** Bytes that no member has sent: random ones, and real packets with a changed byte, cut, or both. */
function fuzzed(random: Random, valid: () => Uint8Array): Uint8Array {
  if (random.next() < 0.3) return random.bytes(random.integer(0, 1500));
  const bytes = valid();
  const cut = bytes.slice(0, random.next() < 0.3 ? random.integer(0, bytes.length - 1) : bytes.length);
  if (cut.length === bytes.length || random.next() < 0.5) {
    const at = random.integer(0, Math.max(0, cut.length - 1));
    if (cut.length > 0) cut[at]! ^= random.integer(1, 255);
  }
  return cut;
}

describe.each([
  ["plain", (): Keyring | undefined => undefined],
  ["sealed", (): Keyring | undefined => keyring(1)],
])("10 000 fuzzed packets, %s", (_, ring) => {
  it("crash no member, change no list, and are all counted", async () => {
    await simulate({ seed: 11 }, async (world) => {
      const options = (): Partial<MembershipOptions> => {
        const made = ring();
        return made === undefined ? { label: "x" } : { label: "x", keyring: made };
      };
      const a = await start(world, "a", options());
      const b = await start(world, "b", options());
      await b.join([a.address]);
      await world.clock.sleep(1000);
      const before = a.members();
      const codec = new PacketCodec({
        label: "x",
        keyring: ring(),
        maxClockSkewMs: 1000,
        wallTime: () => world.clock.wallTime(),
        onDrop: () => undefined,
      });
      const events: MembershipEvent[] = [];
      a.subscribe((event) => events.push(event));
      const random = seededRandom(11);
      const target: Address = { host: "a", port: 7946 };
      await new Promise<void>((resolve) => {
        world.process("stranger").start(async ({ network, clock }) => {
          const socket = await network.openDatagram({ host: "stranger", port: 0 }, () => undefined);
          for (let sent = 0; sent < 10_000; sent++) {
            socket.send(
              fuzzed(random, () => codec.encode(gossip)),
              target,
            );
            if (sent % 500 === 0) await clock.sleep(1);
          }
          for (let sent = 0; sent < 200; sent++) {
            const stream = await network.connect(target);
            stream.handle({ onData: () => undefined, onClose: () => undefined });
            const length = random.next() < 0.5 ? random.integer(0, 2 ** 24) : random.integer(0, 100);
            stream.write(Uint8Array.of(length & 255, (length >> 8) & 255, length >> 16, 0));
            stream.write(fuzzed(random, () => codec.encode(gossip)));
            stream.end();
          }
          resolve();
        });
      });
      await world.clock.sleep(2000);
      expect(a.members()).toEqual(before);
      expect(events).toEqual([]);
      const { dropped, localHealth } = a.metrics;
      const total = Object.values(dropped).reduce((sum, count) => sum + count);
      // Streams that ended before a whole length came had nothing to drop.
      expect(total).toBeGreaterThan(10_000);
      expect(total).toBeLessThanOrEqual(10_200);
      for (const reason of ["version", "label", "truncated", "oversized"] as const)
        expect(dropped[reason]).toBeGreaterThan(0);
      expect(dropped[ring() === undefined ? "checksum" : "forged"]).toBeGreaterThan(1000);
      expect(localHealth).toBe(0);
      expect(b.members().map(({ state }) => state)).toEqual(["alive", "alive"]);
    });
  });
});

describe("recorded packets", () => {
  it("are dropped when they come again, from the same wire or into a member's next life", async () => {
    await simulate({ seed: 3 }, async (world) => {
      const recorded: Uint8Array[] = [];
      const a = await start(world, "a", { keyring: keyring(1), maxClockSkewMs: 5000 });
      // Everything that "b" sends to "tap" is recorded, and passed on to "a".
      world.process("tap").start(async ({ network }) => {
        const socket = await network.openDatagram({ host: "tap", port: 7946 }, (bytes) => {
          recorded.push(bytes.slice());
          socket.send(bytes, a.address);
        });
      });
      const heard: string[] = [];
      a.subscribe((event) => {
        if (event.type === "user") heard.push(event.id);
      });
      const codec = new PacketCodec({
        label: "",
        keyring: keyring(1),
        maxClockSkewMs: 5000,
        wallTime: () => world.clock.wallTime(),
        onDrop: () => undefined,
      });
      await new Promise<void>((resolve) => {
        world.process("b").start(async ({ network, clock }) => {
          const socket = await network.openDatagram({ host: "b", port: 7946 }, () => undefined);
          await clock.sleep(10);
          for (let id = 0; id < 50; id++) {
            const user: Message = { type: "user", id: `b/${id}`, payload: new Uint8Array(3) };
            socket.send(codec.encode([user]), { host: "tap", port: 7946 });
          }
          await clock.sleep(100);
          resolve();
        });
      });
      expect(heard).toHaveLength(50);
      const replay = (): Promise<void> =>
        new Promise((resolve) => {
          world.process("tap").kill();
          world.process("tap").start(async ({ network, clock }) => {
            const socket = await network.openDatagram({ host: "tap", port: 7946 }, () => undefined);
            for (const bytes of recorded) socket.send(bytes, { host: "a", port: 7946 });
            await clock.sleep(100);
            resolve();
          });
        });
      await replay();
      expect(a.metrics.dropped.replayed).toBe(50);
      world.process("a").kill();
      await world.clock.sleep(6000);
      const next = await start(world, "a", { keyring: keyring(1), maxClockSkewMs: 5000 });
      await replay();
      expect(next.metrics.dropped.stale).toBe(50);
      expect(next.members()).toHaveLength(1);
    });
  });
});

describe("a process that is held up", () => {
  it("accuses nobody when it wakes, and is alive to all again", async () => {
    await simulate({ seed: 5 }, async (world) => {
      const names = ["a", "b", "c", "d", "e"];
      const members = await Promise.all(names.map((name) => start(world, name, { profile: "local" })));
      const [a, , , , held] = members as [Membership, Membership, Membership, Membership, Membership];
      await Promise.all(members.slice(1).map((member) => member.join([a.address])));
      const failures: string[] = [];
      const suspicionsByHeld: string[] = [];
      for (const member of members) {
        member.subscribe((event) => {
          if (event.type === "failed") failures.push(`${event.member.name} by ${member.name}`);
          if (event.type === "suspect" && member === held) suspicionsByHeld.push(event.member.name);
        });
      }
      for (let time = 0; time < 20; time++) {
        await world.clock.sleep(2000);
        world.process("e").pause();
        await world.clock.sleep(3000);
        world.process("e").resume();
      }
      await world.clock.sleep(5000);
      expect(world.faults["pause"]).toBe(20);
      // A hold-up in which nothing was due harms nobody, and goes unnoticed.
      expect(held.metrics.stalls).toBeGreaterThan(0);
      expect(held.metrics.longestStallMs).toBeGreaterThan(2000);
      expect(failures).toEqual([]);
      expect(suspicionsByHeld.filter((name) => name !== "e")).toEqual([]);
      for (const member of members) expect(member.members().map(({ state }) => state)).toEqual(Array(5).fill("alive"));
    });
  });

  it("reads what waited in its socket before it judges, on Node", async () => {
    const runtime = nodeRuntime();
    const options = { runtime, host: "127.0.0.1", timing: { probeIntervalMs: 100, probeTimeoutMs: 50 } };
    await using a = await createMembership({ ...options, name: "a" });
    await using b = await createMembership({ ...options, name: "b" });
    await b.join([a.address]);
    const accused: MembershipEvent[] = [];
    for (const each of [a, b]) {
      each.subscribe((event) => {
        if (event.type === "suspect" || event.type === "failed") accused.push(event);
      });
    }
    for (let time = 0; time < 10; time++) {
      await runtime.clock.sleep(60);
      // Longer than a probe may take, with the answers waiting unread.
      const end = performance.now() + 150;
      while (performance.now() < end);
    }
    await runtime.clock.sleep(100);
    expect(a.metrics.stalls + b.metrics.stalls).toBeGreaterThan(5);
    expect(accused).toEqual([]);
  });
});

describe("a partition", () => {
  it("is noticed by both sides, which agree within two push/pull periods after it heals", async () => {
    await simulate({ seed: 9 }, async (world) => {
      const names = ["a", "b", "c", "d", "e"];
      const timing = { pushPullIntervalMs: 5000, reconnectIntervalMs: 5000, gossipToTheDeadMs: 1000 };
      const members = await Promise.all(names.map((name) => start(world, name, { profile: "local", timing })));
      await Promise.all(members.slice(1).map((member) => member.join([members[0]!.address])));
      const live = (): number[] =>
        members.map((member) => member.members().filter(({ state }) => state === "alive").length);
      await world.clock.sleep(1000);
      world.network.partition(["a", "b", "c"], ["d", "e"]);
      await world.clock.sleep(40_000);
      expect(live()).toEqual([3, 3, 3, 2, 2]);
      world.network.heal();
      await world.clock.sleep(10_000);
      expect(live()).toEqual([5, 5, 5, 5, 5]);
      expect(world.faults["datagram-blocked"]).toBeGreaterThan(10);
    });
  });
});
