import type { Observation } from "holdfast/errors";
import { circuitBreaker } from "holdfast/resilience";
import { seededRandom } from "holdfast/runtime";
import { VirtualClock } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import { CallRecord } from "./predictor-calls.ts";
import { drawSchedule, drillFaultKinds } from "./predictor-drill-faults.ts";
import { drillStepMs, withoutGaps } from "./predictor-drill.ts";
import { recordHistory, signals, stepMs } from "./predictor-history.ts";

describe("CallRecord", () => {
  it("counts errors by kind since the beginning, and latencies and calls since it was last asked", async () => {
    const clock = new VirtualClock();
    const record = new CallRecord(clock);
    const make = (ms: number, error?: Error): void =>
      void record.make("call", async () => {
        await clock.sleep(ms);
        if (error !== undefined) throw error;
      });
    for (const ms of [10, 20, 30, 40]) make(ms);
    make(50, Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
    make(5_000, Object.assign(new Error("slow"), { name: "TimeoutError" }));
    await clock.advance(2_000);
    expect(record.observe(2_000, { memoryShare: 0.5 })).toEqual({
      at: 2_000,
      totals: { timeout: 0, network: 1, resource: 0 },
      signals: { p50Ms: 30, p99Ms: 50, callsPerSecond: 3, inFlight: 1, memoryShare: 0.5 },
    });
    await clock.advance(4_000);
    expect(record.observe(4_000, {})).toEqual({
      at: 6_000,
      totals: { timeout: 1, network: 1, resource: 0 },
      signals: { p50Ms: 5_000, p99Ms: 5_000, callsPerSecond: 0, inFlight: 0 },
    });
    expect(record.calls).toBe(6);
  });

  it("what a breaker turns away counts as a call and an error, and says nothing of how long calls take", async () => {
    const clock = new VirtualClock();
    const record = new CallRecord(clock);
    const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 }, clock });
    const call = record.make("call", () => breaker.execute(() => clock.sleep(40)));
    await clock.advance(40);
    await call;
    breaker.forceOpen();
    for (let turnedAway = 0; turnedAway < 9; turnedAway++) {
      await record.make("call", () => breaker.execute(async () => undefined));
    }
    const { totals, signals } = record.observe(1_000, {});
    expect([totals, signals]).toMatchObject([
      { timeout: 0, network: 0, resource: 9 },
      { p50Ms: 40, p99Ms: 40, callsPerSecond: 10, inFlight: 0 },
    ]);
  });
});

describe("drawSchedule", () => {
  const members = ["a", "b", "c"];
  const draw = (seed: number) => drawSchedule(seededRandom(seed), members, 50_000);

  it("is the seed's, and fills the run", () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 50; seed++) {
      const schedule = draw(seed);
      expect(draw(seed)).toEqual(schedule);
      const lengths = schedule.map(({ afterMs, risingMs, awayMs }) => afterMs + risingMs + awayMs);
      const whole = lengths.reduce((sum, ms) => sum + ms, 0);
      expect(whole).toBeGreaterThanOrEqual(50_000);
      expect(whole - (lengths.at(-1) ?? 0)).toBeLessThan(50_000);
      for (const { kind, member, afterMs, risingMs, awayMs } of schedule) {
        seen.add(`${kind} ${member}`);
        expect(afterMs).toBeGreaterThanOrEqual(2_000);
        expect(awayMs).toBeGreaterThanOrEqual(800);
        expect(awayMs).toBeLessThanOrEqual(2_000);
        if (kind === "slowing") expect(risingMs).toBeGreaterThanOrEqual(3_000);
        else expect(risingMs).toBe(0);
      }
    }
    expect(seen.size).toBe(drillFaultKinds.length * members.length);
    expect(draw(1)).not.toEqual(draw(2));
  });
});

describe("withoutGaps", () => {
  it("cuts where a step came more than half a step late", () => {
    const observations = [500, 1_000, 1_750, 2_501, 3_000, 9_000].map((at): Observation => ({
      at,
      totals: {},
      signals: {},
    }));
    const pieces = withoutGaps({ seed: 1, observations, calls: 0, faults: new Map() });
    expect(drillStepMs).toBe(500);
    expect(pieces.map((piece) => piece.observations.map(({ at }) => at))).toEqual([
      [500, 1_000, 1_750],
      [2_501, 3_000],
      [9_000],
    ]);
    expect(withoutGaps({ seed: 1, observations: [], calls: 0, faults: new Map() })).toEqual([]);
  });
});

describe("recordHistory", () => {
  it("is the same for the same seed: a step after the other, totals that only grow, all signals", async () => {
    const history = await recordHistory(3, 300_000);
    const { observations, calls, faults } = history;
    expect(await recordHistory(3, 300_000)).toEqual(history);
    expect(observations).toHaveLength(60);
    expect(observations.every(({ at }, step) => step === 0 || at - (observations[step - 1]?.at ?? 0) === stepMs)).toBe(
      true,
    );
    let before: Observation["totals"] = {};
    for (const { totals, signals: seen } of observations) {
      for (const kind of ["timeout", "network", "resource"] as const) {
        expect(totals[kind]).toBeGreaterThanOrEqual(before[kind] ?? 0);
      }
      before = totals;
      expect(Object.keys(seen ?? {}).toSorted()).toEqual(signals.toSorted());
      expect(Object.values(seen ?? {}).every(Number.isFinite)).toBe(true);
    }
    expect(calls).toBeGreaterThan(1_000);
    expect(Object.values(before).reduce((sum, count) => sum + count)).toBeGreaterThan(0);
    expect([...faults.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  });
});
