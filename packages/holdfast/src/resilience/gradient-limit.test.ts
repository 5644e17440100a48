import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GradientLimit, type GradientSettings } from "./gradient-limit.ts";

const settings: GradientSettings = {
  initialLimit: 20,
  minLimit: 2,
  maxLimit: 200,
  tolerance: 1.5,
  smoothing: 0.2,
  dropFactor: 0.9,
  maxHealthyRttMs: Infinity,
};

/** A backend that serves so many at once in 10 ms each; more wait. Little's law gives the round trip. */
function rttAt(inFlight: number, capacity: number): number {
  return 10 * Math.max(1, inFlight / capacity);
}

function converge(limit: GradientLimit, capacity: number, windows: number): number[] {
  return Array.from({ length: windows }, () => {
    limit.update(rttAt(limit.limit, capacity), limit.limit, false);
    return limit.limit;
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

describe("a gradient limit", () => {
  it.each([5, 20, 80])("settles somewhat above what the backend does at once: %i", (capacity) => {
    const limits = converge(new GradientLimit(settings), capacity, 1_000).slice(200);
    // Below it only now and then, for two windows, to measure.
    expect(limits.filter((limit) => limit < capacity).length).toBeLessThan(limits.length / 20);
    expect(Math.max(...limits)).toBeLessThanOrEqual(capacity * 3);
  });

  it("follows a backend that becomes smaller, and one that grows again", () => {
    const limit = new GradientLimit(settings);
    converge(limit, 80, 300);
    expect(median(converge(limit, 10, 100).slice(40))).toBeLessThanOrEqual(30);
    expect(median(converge(limit, 80, 300).slice(100))).toBeGreaterThanOrEqual(80);
  });

  it("does not grow while there is little to do", () => {
    const limit = new GradientLimit(settings);
    for (let window = 0; window < 100; window++) limit.update(10, 9, false);
    expect(limit.limit).toBe(20);
  });

  it("shrinks with each window that had drops, down to the least", () => {
    const limit = new GradientLimit(settings);
    limit.update(10, 20, true);
    expect(limit.limit).toBe(18);
    for (let window = 0; window < 100; window++) limit.update(undefined, 20, true);
    expect(limit.limit).toBe(2);
  });

  it("takes no long incident for normal, given the slowest healthy round trip", () => {
    const outcome = (maxHealthyRttMs: number): number => {
      const limit = new GradientLimit({ ...settings, maxHealthyRttMs });
      for (let window = 0; window < 100; window++) limit.update(10, limit.limit, false);
      // Slow whatever the limit is, for a long time.
      for (let window = 0; window < 2_000; window++) limit.update(100, limit.limit, false);
      return limit.limit;
    };
    expect(outcome(Infinity)).toBe(200);
    expect(outcome(20)).toBeLessThanOrEqual(5);
  });

  it("stays within its bounds, whatever it is told", () => {
    const window = fc.tuple(
      fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined }),
      fc.integer({ min: 0, max: 1_000 }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(window, { maxLength: 100 }), (windows) => {
        const limit = new GradientLimit(settings);
        for (const [rtt, inFlight, dropped] of windows) {
          limit.update(rtt, inFlight, dropped);
          expect(limit.limit).toBeGreaterThanOrEqual(2);
          expect(limit.limit).toBeLessThanOrEqual(200);
        }
      }),
    );
  });

  /** A limit that has seen its first window, of 10 ms. */
  function measured(options: Partial<GradientSettings> = {}): GradientLimit {
    const limit = new GradientLimit({ ...settings, ...options });
    expect(limit.baselineMs).toBe(0);
    limit.update(10, 5, false);
    expect(limit.baselineMs).toBe(10);
    return limit;
  }

  it("measures its baseline anew when it has not seen it for long: one window to drain, one that counts", () => {
    const limit = measured();
    for (let window = 0; window < 4; window++) limit.update(11, 8, false);
    expect(limit.limit).toBe(20);
    limit.update(11, 8, false);
    expect(limit.limit).toBe(6);
    limit.update(50, 20, false);
    expect([limit.limit, limit.baselineMs]).toEqual([6, 10]);
    limit.update(12, 6, false);
    expect([limit.limit, limit.baselineMs]).toEqual([20, 12]);
    for (let window = 0; window < 59; window++) limit.update(13, 8, false);
    expect(limit.limit).toBe(20);
    limit.update(13, 8, false);
    expect(limit.limit).toBe(6);
  });

  it("does not measure anew what it sees all the time", () => {
    const limit = measured();
    for (let window = 0; window < 200; window++) {
      limit.update(10, 8, false);
      expect(limit.limit).toBe(20);
    }
  });

  it("takes over half of what is shorter than the baseline, and a tenth of what is longer while nothing can queue", () => {
    const limit = measured({ initialLimit: 30 });
    limit.update(6, 12, false);
    expect(limit.baselineMs).toBe(8);
    limit.update(18, 10, false);
    expect(limit.baselineMs).toBe(9);
    limit.update(19, 11, false);
    expect(limit.baselineMs).toBe(9);
  });

  it("grows when half of it or more is used", () => {
    const limit = measured();
    limit.update(10, 9, false);
    expect(limit.limit).toBe(20);
    for (let window = 0; window < 2; window++) limit.update(10, 10 + window, false);
    expect(limit.limit).toBe(21);
  });

  it("takes other bounds at once, for the limit and for the baseline", () => {
    const limit = measured();
    limit.change({ ...settings, maxHealthyRttMs: 100, minLimit: 25 });
    expect([limit.limit, limit.baselineMs]).toEqual([25, 10]);
    limit.change({ ...settings, maxHealthyRttMs: 4, maxLimit: 8 });
    expect([limit.limit, limit.baselineMs]).toEqual([8, 4]);
  });
});
