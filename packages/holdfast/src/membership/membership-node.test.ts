import { describe, expect, it } from "vitest";
import { nodeCipher, nodeRuntime, simulate, type Runtime, type World } from "../runtime/index.ts";
import { createKeyring, type Keyring } from "./keyring.ts";
import { createMembership, type Membership, type MembershipOptions } from "./membership-node.ts";
import type { MembershipEvent } from "./swim-effects.ts";

const keyring = (...fills: number[]): Keyring =>
  createKeyring({ cipher: nodeCipher(), keys: fills.map((fill) => new Uint8Array(32).fill(fill)) });

/** Where the members of a test live. */
interface Place {
  readonly sleep: (ms: number) => Promise<void>;
  start(name: string, options?: Partial<MembershipOptions>): Promise<Membership>;
}

const quick = { probeIntervalMs: 200, probeTimeoutMs: 100, gossipIntervalMs: 20, reconnectIntervalMs: 500 };

async function onNode(test: (place: Place) => Promise<void>): Promise<void> {
  const runtime = nodeRuntime();
  await using members = new AsyncDisposableStack();
  await test({
    sleep: (ms) => runtime.clock.sleep(ms),
    start: async (name, options) =>
      members.use(await createMembership({ runtime, name, host: "127.0.0.1", timing: quick, ...options })),
  });
}

async function inSimulation(test: (place: Place, world: World) => Promise<void>): Promise<void> {
  await simulate({ seed: 7 }, async (world) => {
    await test(
      {
        sleep: (ms) => world.clock.sleep(ms),
        start: (name, options) =>
          new Promise((resolve) => {
            const process = world.process(name);
            process.kill();
            process.start(async (runtime: Runtime) => {
              resolve(await createMembership({ runtime, name, host: name, port: 7946, timing: quick, ...options }));
            });
          }),
      },
      world,
    );
  });
}

const states = (membership: Membership): string[] =>
  membership
    .members()
    .map(({ name, state }) => `${name} ${state}`)
    .toSorted();

async function until({ sleep }: Place, condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn === 500) throw new Error(`not in time: ${condition.toString()}`);
    await sleep(10);
  }
}

describe.each([
  ["on Node", onNode],
  ["in simulation", inSimulation],
])("members %s", (_where, run) => {
  it.each([
    ["plainly", (): Partial<MembershipOptions> => ({})],
    ["sealed and labelled", (): Partial<MembershipOptions> => ({ keyring: keyring(1), label: "blue" })],
  ])("join through one, hear broadcasts, and tell a farewell from a failure: %s", async (_, options) => {
    await run(async (place) => {
      const events: MembershipEvent[] = [];
      const a = await place.start("a", { ...options(), onEvent: (event) => events.push(event) });
      const b = await place.start("b", { ...options(), seeds: [a.address] });
      const c = await place.start("c", { ...options(), meta: Uint8Array.of(7) });
      expect(await c.join([a.address])).toBe(1);
      await until(place, () => [a, b, c].every((each) => states(each).join() === "a alive,b alive,c alive"));
      expect(a.members().find(({ name }) => name === "c")?.meta).toEqual(Uint8Array.of(7));

      const heard: string[] = [];
      for (const each of [a, b, c]) {
        each.subscribe((event) => {
          if (event.type === "user") heard.push(`${each.name} ${new TextDecoder().decode(event.payload)}`);
        });
      }
      b.broadcast(new TextEncoder().encode("hello"));
      await until(place, () => heard.length === 3);
      expect(heard.toSorted()).toEqual(["a hello", "b hello", "c hello"]);
      c.updateMeta(Uint8Array.of(8));
      await until(place, () => a.members().some(({ name, meta }) => name === "c" && meta[0] === 8));

      await b.leave();
      await b.close();
      await until(place, () => states(a).includes("b left") && states(c).includes("b left"));
      await c.close();
      await c.close();
      await until(place, () => states(a).includes("c dead"));
      expect(events.filter(({ type }) => type === "failed" || type === "left").map(({ type }) => type)).toEqual([
        "left",
        "failed",
      ]);
      const { dropped, packetsReceived } = a.metrics;
      expect(Object.values(dropped).reduce((sum, count) => sum + count)).toBe(0);
      expect(packetsReceived).toBeGreaterThan(3);
      await a.close();
    });
  });

  it("know how long ago each was heard", async () => {
    await run(async (place) => {
      const a = await place.start("a");
      const b = await place.start("b", { seeds: [a.address] });
      await until(place, () => states(a).join() === "a alive,b alive" && a.metrics.probes > 2);
      const heard = a.heardMsAgo("b") ?? Infinity;
      expect(heard).toBeLessThan(3 * quick.probeIntervalMs + 1_000);
      await b.close();
      await until(place, () => states(a).includes("b dead"));
      expect(a.heardMsAgo("b")).toBeGreaterThan(heard);
      expect(a.heardMsAgo("a")).toBe(0);
      expect(a.heardMsAgo("c")).toBeUndefined();
      await a.close();
    });
  });

  it("of another label or key do not meet, and each side counts why", async () => {
    await run(async (place) => {
      const blue = await place.start("blue", { label: "blue", keyring: keyring(1) });
      const green = await place.start("green", { label: "green", keyring: keyring(1) });
      const stranger = await place.start("stranger", { label: "blue", keyring: keyring(2) });
      for (const other of [green, stranger]) {
        await expect(other.join([blue.address])).rejects.toMatchObject({
          code: "JOIN_FAILED",
          message: `no member answered at ${blue.address.host}:${blue.address.port}`,
        });
        expect(states(other)).toHaveLength(1);
      }
      expect(states(blue)).toEqual(["blue alive"]);
      // Each asks again at its own pace.
      const { label, forged, ...others } = blue.metrics.dropped;
      expect(Math.min(label, forged)).toBeGreaterThan(0);
      expect(new Set(Object.values(others))).toEqual(new Set([0]));
      for (const each of [blue, green, stranger]) await each.close();
    });
  });

  it("change their key without losing sight of each other", async () => {
    await run(async (place) => {
      const rings = [keyring(1), keyring(1), keyring(1)];
      const [a, b, c] = await Promise.all(
        ["a", "b", "c"].map((name, at) => place.start(name, { keyring: rings[at]! })),
      );
      await Promise.all([b!.join([a!.address]), c!.join([a!.address])]);
      const accused: MembershipEvent[] = [];
      for (const each of [a!, b!, c!]) {
        each.subscribe((event) => {
          if (event.type === "suspect" || event.type === "failed") accused.push(event);
        });
      }
      const old = rings[0]!.primary;
      const next = keyring(2).primary;
      const steps: ((ring: Keyring) => unknown)[] = [
        (ring) => ring.install(new Uint8Array(32).fill(2)),
        (ring) => ring.use(next),
        (ring) => ring.remove(old),
      ];
      for (const step of steps) {
        for (const ring of rings) {
          step(ring);
          await place.sleep(100);
        }
      }
      const before = a!.metrics.packetsReceived;
      await until(place, () => a!.metrics.packetsReceived > before + 3);
      expect(accused).toEqual([]);
      expect([a!, b!, c!].map(({ metrics }) => metrics.dropped.forged)).toEqual([0, 0, 0]);
      expect(rings.map(({ ids }) => ids)).toEqual([[next], [next], [next]]);
      for (const each of [a!, b!, c!]) await each.close();
    });
  });

  it("say clearly when nobody is there, and stop waiting when told", async () => {
    await run(async (place) => {
      const a = await place.start("a", { timing: { ...quick, streamTimeoutMs: 300 } });
      const nobody = { host: a.address.host, port: 1 };
      await expect(a.join([nobody])).rejects.toMatchObject({ code: "JOIN_FAILED", retryable: true });
      await expect(a.join([])).rejects.toThrow("membership.join addresses must not be empty");
      const controller = new AbortController();
      const joining = a.join([nobody], { signal: controller.signal });
      controller.abort(new Error("enough"));
      await expect(joining).rejects.toThrow("enough");
      const last = a.join([nobody]);
      const closed = a.close();
      await expect(last).rejects.toMatchObject({ code: "JOIN_FAILED" });
      await closed;
      await a.leave();
      expect(() => a.broadcast(new Uint8Array(1))).toThrow("broadcast: member a has left or is closed");
    });
  });

  it("find a seed that starts later, and may be their own seed", async () => {
    await run(async (place) => {
      const before = await place.start("b");
      const { address } = before;
      await before.close();
      const a = await place.start("a", { seeds: [address] });
      await until(place, () => a.metrics.streamsFailed > 0);
      const b = await place.start("b", { port: address.port, seeds: [address] });
      await until(place, () => states(a).join() === "a alive,b alive" && states(b).length === 2);
      expect(b.metrics.streamsOpened).toBe(0);
      for (const each of [a, b]) await each.close();
    });
  });

  it("survive a listener that throws or calls back", async () => {
    await run(async (place) => {
      const a = await place.start("a", {
        onEvent(event) {
          if (event.type === "join") throw new Error("a listener's own affair");
        },
      });
      const b = await place.start("b");
      const answered: Uint8Array[] = [];
      a.subscribe((event) => {
        if (event.type === "join") a.broadcast(new TextEncoder().encode(event.member.name));
        if (event.type === "user") answered.push(event.payload);
      });
      await b.join([a.address]);
      await until(place, () => answered.length === 1);
      expect(a.metrics.listenerFailures).toBe(1);
      for (const each of [a, b]) await each.close();
    });
  });
});

describe("createMembership", () => {
  it.each([
    ["plain", (): Partial<MembershipOptions> => ({})],
    ["sealed", (): Partial<MembershipOptions> => ({ keyring: keyring(1) })],
  ])("repeats a simulated run of one seed to the byte: %s", async (_, options) => {
    const run = (seed: number): Promise<{ readonly traceHash: string }> =>
      simulate({ seed, network: { loss: 0.1, latencyMs: 3 } }, async (world) => {
        const start = (name: string, seeds: string[]): void =>
          world.process(name).start(async (runtime) => {
            const addresses = seeds.map((host) => ({ host, port: 7946 }));
            await createMembership({ runtime, name, host: name, port: 7946, seeds: addresses, ...options() });
          });
        for (const name of ["a", "b", "c", "d"]) start(name, ["a"]);
        await world.clock.sleep(5000);
        world.process("c").kill();
        await world.clock.sleep(30_000);
      });
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again.traceHash).toBe(first.traceHash);
    expect(other.traceHash).not.toBe(first.traceHash);
  });

  it.each<[string, Partial<MembershipOptions>]>([
    ['membership.name must be 1 to 128 bytes of UTF-8 (got "")', { name: "" }],
    ["membership.port must be an integer from 0 to 65535 (got 70000)", { port: 70_000 }],
    ["membership.label must be 0 to 64 bytes of UTF-8", { label: "x".repeat(65) }],
    ["membership.packetBytes must be an integer from 512 to 8192 (got 100)", { packetBytes: 100 }],
    ['membership.profile must be lan, wan, local (got "fast")', { profile: "fast" as "lan" }],
    ["membership.seeds[0].port must be an integer from 1 to 65535 (got 0)", { seeds: [{ host: "a", port: 0 }] }],
    ["membership.timing.probeMs is no option", { timing: { probeMs: 1 } as object }],
    ["probeTimeoutMs must be < probeIntervalMs (1000) (got 2000)", { timing: { probeTimeoutMs: 2000 } }],
    ["membership.meta length must be at most 512 bytes (got 513)", { meta: new Uint8Array(513) }],
    ["membership.maxClockSkewMs must be a number > 0 (got 0)", { maxClockSkewMs: 0 }],
    ["membership.keyRing is no option; there are runtime, name", { keyRing: undefined } as object],
  ])("says %s", async (message, options) => {
    const all = { runtime: nodeRuntime(), name: "a", host: "127.0.0.1", ...options };
    await expect(createMembership(all)).rejects.toThrow(message);
  });

  it("refuses a broadcast that fits in no packet, and sends the largest that does", async () => {
    await onNode(async (place) => {
      const [a, b] = [await place.start("a"), await place.start("b")];
      await b.join([a.address]);
      const received: number[] = [];
      b.subscribe((event) => {
        if (event.type === "user") received.push(event.payload.length);
      });
      let largest = 1400;
      for (; largest > 0; largest--) {
        try {
          a.broadcast(new Uint8Array(largest));
          break;
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
        }
      }
      expect(largest).toBeGreaterThan(1300);
      await until(place, () => received.length === 1);
      expect(received).toEqual([largest]);
    });
  });
});
