import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import type { Message } from "./message.ts";
import type { Effects } from "./swim-effects.ts";
import type { SwimOptions } from "./swim-options.ts";
import { step } from "./swim-step.ts";
import { createSwim, type Swim } from "./swim.ts";

const host = "h";
const from = { host, port: 2 };

/** A member that knows b and has just pinged it. */
function probing(options: Partial<SwimOptions> = {}): Swim {
  const swim = createSwim({ name: "a", host, port: 1, random: seededRandom(1), sizeOf, ...options });
  hear(swim, { type: "alive", name: "b", host, port: 2, meta: new Uint8Array(0), incarnation: 0 });
  while (swim.probe === undefined) step(swim, { type: "wake", now: swim.wakeAt });
  return swim;
}

function hear(swim: Swim, ...messages: Message[]): Effects {
  return step(swim, { type: "receive", now: swim.now, from, messages });
}

function wake(swim: Swim, lateMs = 0): Effects {
  return step(swim, { type: "wake", now: swim.wakeAt + lateMs });
}

/** Wakes on time until the probe that runs is in its last stage and its end is what comes next. */
function toTheEndOfProbe(swim: Swim): void {
  while (swim.probe?.stage !== "indirect" || swim.wakeAt < swim.probe.deadline) wake(swim);
}

describe("a wake-up that comes late", () => {
  it("fails no probe whose ack may wait unread: the driver reads first", () => {
    const swim = probing();
    const { seq } = swim.probe!;
    toTheEndOfProbe(swim);
    const effects = wake(swim, 2_000);
    expect(effects.drain).toBe(true);
    expect(effects.packets).toEqual([]);
    expect(effects.events).toMatchObject([{ type: "stalled", lagMs: expect.closeTo(2_000, 6) as number }]);
    hear(swim, { type: "ack", seq });
    wake(swim);
    expect(swim.counts.failedProbes).toBe(0);
    expect(swim.records.get("b")?.member.state).toBe("alive");
  });

  it("fails the probe after all when nothing was waiting, by as much later", () => {
    const swim = probing();
    toTheEndOfProbe(swim);
    const { deadline } = swim.probe!;
    wake(swim, 2_000);
    while (swim.counts.failedProbes === 0) wake(swim);
    expect(swim.now).toBeGreaterThanOrEqual(deadline + 2_000);
    expect(swim.now).toBeLessThan(deadline + 4_000);
  });

  it("declares no suspect dead for the time in which its objection could not be read", () => {
    const swim = probing({ probeIntervalMs: 1_000 });
    hear(swim, { type: "suspect", name: "b", incarnation: 0, from: "c" });
    const deadline = swim.nextSuspicionAt;
    while (swim.wakeAt < deadline) wake(swim);
    expect(wake(swim, 60_000).drain).toBe(true);
    const { events } = wake(swim);
    expect(events).toEqual([]);
    hear(swim, { type: "alive", name: "b", host, port: 2, meta: new Uint8Array(0), incarnation: 1 });
    expect(swim.records.get("b")?.member.state).toBe("alive");
  });

  it("lowers this member's trust in itself, and makes it ask what it missed", () => {
    const swim = probing();
    wake(swim, 3_500);
    expect(swim.health.score).toBe(4);
    expect(swim.counts.stalls).toBe(1);
    const { streams } = wake(swim);
    expect(streams.map(({ messages }) => messages[0]?.type)).toContain("pushPull");
  });

  it("again and again still lets this member work, if slower", () => {
    const swim = probing();
    hear(swim, { type: "ack", seq: swim.probe!.seq });
    hear(swim, { type: "suspect", name: "b", incarnation: 0, from: "c" });
    const startedAt = swim.now;
    for (let at = 0; at < 400 && swim.now < startedAt + 30_000; at++) {
      wake(swim, 200);
      if (swim.probe !== undefined) hear(swim, { type: "ack", seq: swim.probe.seq });
    }
    expect(swim.counts.probes).toBeGreaterThan(2);
    expect(swim.counts.failedProbes).toBe(0);
    expect(swim.records.get("b")?.member.state).toBe("dead");
  });

  it("by a few milliseconds is nothing", () => {
    const swim = probing();
    expect(wake(swim, 25).drain).toBe(false);
    expect(swim.health.score).toBe(0);
  });

  it("is noticed from input that comes first, too", () => {
    const swim = probing();
    toTheEndOfProbe(swim);
    const { deadline } = swim.probe!;
    step(swim, { type: "receive", now: deadline + 5_000, from, messages: [] });
    expect(swim.counts.stalls).toBe(1);
    expect(swim.probe!.deadline).toBeGreaterThan(deadline + 5_000);
    expect(wake(swim).drain).toBe(true);
    expect(wake(swim).drain).toBe(false);
  });

  it("teaches no distance", () => {
    const swim = probing();
    const { seq } = swim.probe!;
    wake(swim, 1_000);
    hear(swim, { type: "ack", seq, coordinate: swim.coordinates.coordinate });
    expect(swim.records.get("b")?.roundTrips).toBeUndefined();
  });

  it("is not noticed when that is switched off", () => {
    const swim = probing({ stallAware: false });
    toTheEndOfProbe(swim);
    expect(wake(swim, 2_000).drain).toBe(false);
    expect(swim.counts.failedProbes).toBe(1);
  });
});
