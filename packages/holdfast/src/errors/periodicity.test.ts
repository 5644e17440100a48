import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { createErrorHistory, type ErrorHistoryOptions } from "./error-patterns.ts";
import { findPeriod, nextDue, type Period } from "./periodicity.ts";

describe("findPeriod", () => {
  it("finds a period that is nearly kept, with the times at which it did not come", () => {
    const random = seededRandom(1);
    const times = Array.from({ length: 20 }, (_, i) => 500 + 60_000 * i + 2_000 * random.next()).filter(
      (_, i) => i % 7 !== 3,
    );
    const period = findPeriod(times);
    expect(period?.periodMs).toBeGreaterThan(59_000);
    expect(period?.periodMs).toBeLessThan(61_000);
    expect(period?.strength).toBeGreaterThan(0.9);
    const due = nextDue(period as Period, 1_200_000);
    expect(Math.abs(due - 1_201_500)).toBeLessThan(3_000);
  });

  it("finds none in what comes by chance, more often than it says", () => {
    const random = seededRandom(2);
    let found = 0;
    for (let run = 0; run < 400; run++) {
      let at = 0;
      const times = Array.from({ length: 20 }, () => (at -= 60_000 * Math.log(1 - random.next())));
      if (findPeriod(times) !== undefined) found++;
    }
    expect(found).toBeLessThanOrEqual(8);
  });

  it("says nothing of fewer than five, or of what came all at once", () => {
    expect(findPeriod([0, 10, 20, 30])).toBeUndefined();
    expect(findPeriod([0, 0, 0, 0, 0, 0])).toBeUndefined();
    expect(findPeriod([])).toBeUndefined();
  });
});

describe("an error history", () => {
  it("finds no pattern in fewer than three errors of a kind", () => {
    const history = createErrorHistory();
    history.record({ at: 0, kind: "timeout" });
    history.record({ at: 10, kind: "timeout" });
    history.record({ at: 20, kind: "network" });
    expect(history.patterns()).toEqual([]);
    history.record({ at: 30, kind: "timeout" });
    expect(history.patterns()).toMatchObject([{ kind: "timeout", severity: "medium", count: 3, bursts: 1 }]);
  });

  it("tells rate, intervals between bursts, period and the commonest context", () => {
    const history = createErrorHistory();
    for (let burst = 0; burst < 8; burst++) {
      for (let i = 0; i < 5; i++) {
        history.record({ at: 30_000 * burst + 100 * i, kind: "resource", context: { host: i < 4 ? "a" : "b" } });
      }
    }
    const [pattern] = history.patterns();
    expect(pattern).toMatchObject({ count: 40, bursts: 8, meanIntervalMs: 30_000, variation: 0 });
    expect(pattern?.period?.periodMs).toBeCloseTo(30_000, 0);
    expect(pattern?.ratePerSecond).toBeCloseTo(40 / 210.4, 6);
    expect(pattern?.commonest).toEqual([{ field: "host", value: "a", count: 32, share: 0.8 }]);
  });

  it("remembers the last errors only, and takes a time that goes back for the last", () => {
    const history = createErrorHistory({ maxRecords: 4 });
    for (const at of [0, 1, 2]) history.record({ at, kind: "network" });
    for (const at of [5_000, 4_000, 9_000]) history.record({ at, kind: "system" });
    expect(history.size).toBe(4);
    expect(history.patterns()).toMatchObject([{ kind: "system", count: 3, bursts: 2, meanIntervalMs: 4_000 }]);
  });

  it("does not divide by nothing when all came at once", () => {
    const history = createErrorHistory();
    for (let i = 0; i < 3; i++) history.record({ at: 7, kind: "system" });
    expect(history.patterns()).toMatchObject([{ ratePerSecond: 0, meanIntervalMs: undefined, variation: undefined }]);
  });

  it.each([
    [{ maxRecords: 2 }, "errorHistory.maxRecords must be an integer >= 3 and <= 100000 (got 2)"],
    [{ burstGapMs: -1 }, "errorHistory.burstGapMs must be a number >= 0 (got -1)"],
    [{ gap: 1 }, "errorHistory.gap is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => createErrorHistory(options as ErrorHistoryOptions)).toThrow(message);
    expect(() => createErrorHistory().record({ at: Number.NaN, kind: "system" })).toThrow("errorHistory.at");
  });
});
