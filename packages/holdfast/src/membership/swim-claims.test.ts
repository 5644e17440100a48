import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import { maxIncarnation } from "./member.ts";
import type { AliveUpdate, Message } from "./message.ts";
import type { MembershipEvent } from "./swim-effects.ts";
import type { SwimOptions } from "./swim-options.ts";
import { step } from "./swim-step.ts";
import { createSwim, membersOf, type Swim } from "./swim.ts";

const host = "h";
const from = { host, port: 9 };

function member(options: Partial<SwimOptions> = {}): Swim {
  return createSwim({ name: "a", host, port: 1, random: seededRandom(1), sizeOf, probeIntervalMs: 1e6, ...options });
}

function alive(name: string, incarnation = 0, changes: Partial<AliveUpdate> = {}): AliveUpdate {
  return { type: "alive", name, host, port: 2, meta: new Uint8Array(0), incarnation, ...changes };
}

function hear(swim: Swim, ...messages: Message[]): MembershipEvent[] {
  return step(swim, { type: "receive", now: swim.now, from, messages }).events;
}

function typesOf(events: readonly MembershipEvent[]): string[] {
  return events.map(({ type }) => type);
}

/** Wakes the core on time up to `until`. */
function wakeTo(swim: Swim, until: number): MembershipEvent[] {
  const events: MembershipEvent[] = [];
  while (swim.wakeAt <= until) events.push(...step(swim, { type: "wake", now: swim.wakeAt }).events);
  return events;
}

function stateOf(swim: Swim, name: string): string | undefined {
  return swim.records.get(name)?.member.state;
}

describe("a member's story", () => {
  it("is told by events", () => {
    const swim = member();
    expect(typesOf(hear(swim, alive("b")))).toEqual(["join"]);
    expect(typesOf(hear(swim, alive("b")))).toEqual([]);
    expect(typesOf(hear(swim, { type: "suspect", name: "b", incarnation: 0, from: "c" }))).toEqual(["suspect"]);
    expect(typesOf(hear(swim, alive("b", 1)))).toEqual(["cleared"]);
    expect(typesOf(hear(swim, alive("b", 2, { meta: Uint8Array.of(1) })))).toEqual(["update"]);
    expect(typesOf(hear(swim, { type: "dead", name: "b", incarnation: 2, from: "c" }))).toEqual(["failed"]);
    expect(typesOf(hear(swim, alive("b", 2)))).toEqual([]);
    expect(typesOf(hear(swim, alive("b", 3, { meta: Uint8Array.of(1) })))).toEqual(["return"]);
    expect(typesOf(hear(swim, { type: "dead", name: "b", incarnation: 3, from: "b" }))).toEqual(["left"]);
    expect(typesOf(hear(swim, alive("b", 4)))).toEqual(["join"]);
    expect(swim.live).toBe(2);
  });

  it("has no part for members nobody has introduced", () => {
    const swim = member();
    const events = hear(
      swim,
      { type: "suspect", name: "x", incarnation: 0, from: "c" },
      { type: "dead", name: "x", incarnation: 0, from: "c" },
    );
    expect(events).toEqual([]);
    expect(swim.records.has("x")).toBe(false);
  });

  it("ends in death when a suspicion is not refuted in time", () => {
    const swim = member();
    hear(swim, alive("b"), { type: "suspect", name: "b", incarnation: 0, from: "c" });
    const deadline = swim.nextSuspicionAt;
    expect(typesOf(wakeTo(swim, deadline - 1))).toEqual([]);
    expect(wakeTo(swim, deadline)).toMatchObject([{ type: "failed", member: { name: "b" }, from: "a" }]);
  });

  it("ends sooner when others confirm the suspicion", () => {
    const swim = member({ probeIntervalMs: 1_000, indirectProbes: 0 });
    hear(swim, ...["b", "c", "d", "e"].map((name, at) => alive(name, 0, { port: 2 + at })));
    hear(swim, { type: "suspect", name: "b", incarnation: 0, from: "c" });
    expect(swim.nextSuspicionAt).toBeCloseTo(24_000, 0);
    hear(swim, { type: "suspect", name: "b", incarnation: 0, from: "d" });
    hear(swim, { type: "suspect", name: "b", incarnation: 0, from: "d" });
    expect(swim.nextSuspicionAt).toBeGreaterThan(10_000);
    hear(swim, { type: "suspect", name: "b", incarnation: 0, from: "e" });
    expect(swim.nextSuspicionAt).toBeCloseTo(4_000, 0);
  });

  it("is forgotten when it has long ended", () => {
    const swim = member({ forgetMs: 100_000 });
    hear(swim, alive("b"), alive("c", 0, { port: 3 }), { type: "dead", name: "b", incarnation: 0, from: "c" });
    expect(typesOf(wakeTo(swim, 99_000))).toEqual([]);
    expect(wakeTo(swim, 200_000)).toMatchObject([{ type: "forgotten", member: { name: "b" } }]);
    expect(membersOf(swim).map(({ name }) => name)).toEqual(["a", "c"]);
    expect(swim.order.size).toBe(1);
  });
});

describe("a name at another address", () => {
  it("is refused while its holder lives", () => {
    const swim = member();
    hear(swim, alive("b"));
    const events = hear(swim, alive("b", 5, { port: 3 }));
    expect(events).toEqual([{ type: "conflict", name: "b", known: { host, port: 2 }, other: { host, port: 3 } }]);
    expect(swim.records.get("b")?.member).toMatchObject({ port: 2, incarnation: 0 });
  });

  it("is accepted some time after its holder died", () => {
    const swim = member({ reclaimMs: 30_000 });
    hear(swim, alive("b"), { type: "dead", name: "b", incarnation: 0, from: "c" });
    wakeTo(swim, 29_000);
    expect(typesOf(hear(swim, alive("b", 1, { port: 3 })))).toEqual(["conflict"]);
    step(swim, { type: "wake", now: 30_001 });
    step(swim, { type: "wake", now: 30_001 });
    expect(typesOf(hear(swim, alive("b", 1, { port: 3 })))).toEqual(["return", "update"]);
    expect(swim.records.get("b")?.member.port).toBe(3);
  });

  it("is accepted at once after its holder left", () => {
    const swim = member();
    hear(swim, alive("b"), { type: "dead", name: "b", incarnation: 0, from: "b" });
    expect(typesOf(hear(swim, alive("b", 1, { port: 3 })))).toEqual(["join"]);
  });

  it("is reported when it is this member's own, without a fight", () => {
    const swim = member();
    expect(typesOf(hear(swim, alive("a", 3, { port: 7 })))).toEqual(["conflict"]);
    expect(swim.self.member.incarnation).toBe(0);
  });
});

describe("an accusation of this member", () => {
  it.each<[string, Message]>([
    ["suspicion", { type: "suspect", name: "a", incarnation: 6, from: "c" }],
    ["death", { type: "dead", name: "a", incarnation: 6, from: "c" }],
    ["farewell of an earlier run", { type: "dead", name: "a", incarnation: 6, from: "a" }],
  ])("by %s is overruled past its incarnation", (_, message) => {
    const swim = member();
    hear(swim, alive("b"));
    expect(hear(swim, message)).toEqual([{ type: "refuted", incarnation: 7 }]);
    expect(swim.self.member).toMatchObject({ state: "alive", incarnation: 7 });
    expect(swim.queue.has("member a")).toBe(true);
    expect(swim.health.score).toBe(1);
    expect(hear(swim, message)).toEqual([]);
  });

  it("by another incarnation of its own, from before a restart, is overruled too", () => {
    const swim = member();
    hear(swim, alive("a", 4, { port: 1 }));
    expect(swim.self.member.incarnation).toBe(5);
  });

  it("with an incarnation that leaves no room to object is refused", () => {
    const swim = member();
    hear(swim, alive("b"));
    hear(swim, { type: "dead", name: "a", incarnation: maxIncarnation, from: "c" });
    hear(swim, { type: "dead", name: "b", incarnation: Number.NaN, from: "c" });
    expect(swim.self.member.incarnation).toBe(0);
    expect(stateOf(swim, "b")).toBe("alive");
    expect(swim.counts.refusedIncarnations).toBe(2);
  });
});

describe("the bound on members", () => {
  it("refuses newcomers, or forgets whoever is dead for longest", () => {
    const swim = member({ maxMembers: 3 });
    hear(swim, alive("b"), alive("c", 0, { port: 3 }), alive("d", 0, { port: 4 }));
    expect(swim.records.has("d")).toBe(false);
    expect(swim.counts.refusedMembers).toBe(1);
    hear(swim, { type: "dead", name: "b", incarnation: 0, from: "c" });
    expect(typesOf(hear(swim, alive("d", 0, { port: 4 })))).toEqual(["forgotten", "join"]);
    expect([...swim.records.keys()]).toEqual(["a", "c", "d"]);
  });
});

describe("leaving", () => {
  it("tells others before all other news, and ends when it is told", () => {
    const swim = member();
    hear(swim, alive("b"), alive("c", 0, { port: 3 }));
    const { packets } = step(swim, { type: "leave", now: swim.now });
    expect(packets.length).toBeGreaterThan(0);
    for (const { messages } of packets) {
      expect(messages[0]).toEqual({ type: "dead", name: "a", incarnation: 0, from: "a" });
    }
    expect(typesOf(wakeTo(swim, 10_000))).toEqual(["departed"]);
    expect(swim.wakeAt).toBe(Number.POSITIVE_INFINITY);
  });

  it("alone ends at once", () => {
    const swim = member();
    expect(typesOf(step(swim, { type: "leave", now: 0 }).events)).toEqual(["departed"]);
  });

  it("is not taken back by an accusation", () => {
    const swim = member();
    hear(swim, alive("b"));
    step(swim, { type: "leave", now: swim.now });
    expect(hear(swim, { type: "suspect", name: "a", incarnation: 3, from: "b" })).toEqual([]);
    expect(swim.self.member).toMatchObject({ state: "left", incarnation: 0 });
  });
});

describe("broadcasts and meta", () => {
  it("leaves news that fits in no packet of this member's to comparisons", () => {
    const swim = member({ maxPacketBytes: 100 });
    expect(typesOf(hear(swim, alive("b", 0, { meta: new Uint8Array(200) })))).toEqual(["join"]);
    expect(swim.queue.size).toBe(0);
    expect(swim.counts.oversizedNews).toBe(1);
  });

  it("delivers a broadcast once, and passes it on", () => {
    const swim = member();
    const user: Message = { type: "user", id: "b/1", payload: Uint8Array.of(7) };
    expect(hear(swim, user, user)).toEqual([{ type: "user", id: "b/1", payload: Uint8Array.of(7) }]);
    expect(swim.queue.has("user b/1")).toBe(true);
  });

  it("names a member's own broadcasts apart, also from those of an earlier run", () => {
    const ids = [1, 2].flatMap((seed) => {
      const swim = member({ random: seededRandom(seed) });
      return [1, 2].flatMap(() => step(swim, { type: "broadcast", now: 0, payload: new Uint8Array(1) }).events);
    });
    expect(new Set(ids.map((event) => event.type === "user" && event.id)).size).toBe(4);
  });

  it("refuses a broadcast that fits in no packet, and a meta that is too long", () => {
    const swim = member();
    expect(() => step(swim, { type: "broadcast", now: 0, payload: new Uint8Array(1_400) })).toThrow(
      "payload must fit in a packet of 1400 bytes (got 1400)",
    );
    expect(() => step(swim, { type: "updateMeta", now: 0, meta: new Uint8Array(513) })).toThrow(
      "swim.meta must have at most 512 bytes (got 513)",
    );
  });

  it("tells others of a new meta with a new incarnation", () => {
    const swim = member();
    step(swim, { type: "updateMeta", now: 0, meta: Uint8Array.of(1) });
    expect(swim.self.member).toMatchObject({ meta: Uint8Array.of(1), incarnation: 1 });
    expect(swim.queue.has("member a")).toBe(true);
  });
});

describe("options", () => {
  it.each<[Partial<SwimOptions>, string]>([
    [{ name: "" }, "swim.name must be a string of 1 to 128 bytes"],
    [{ port: 0 }, "swim.port must be an integer >= 1 (got 0)"],
    [{ probeTimeoutMs: 1e6 }, "swim.probeTimeoutMs must be < probeIntervalMs (1000000) (got 1000000)"],
    [{ gossipIntervalMs: 0 }, "swim.gossipIntervalMs must be a number > 0 (got 0)"],
    [{ suspicionMaxMult: 0.5 }, "swim.suspicionMaxMult must be >= 1 (got 0.5)"],
    [{ profile: "moon" as "lan" }, 'swim.profile must be "lan", "wan" or "local" (got "moon")'],
    [{ colour: 1 } as Partial<SwimOptions>, "swim.colour is no option (got 1)"],
  ])("%o are refused", (options, message) => {
    expect(() => member(options)).toThrow(message);
  });
});
