import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slidingWindow, tokenBucket, type RateWindow } from "./rate-window.ts";

/** Takes whatever the window gives to attempts at these gaps; the times of what it gave. */
function taken(window: RateWindow, gaps: readonly number[]): number[] {
  const times: number[] = [];
  let now = 0;
  for (const gap of gaps) {
    now += gap;
    if (window.waitMs(now, 1) > 0) continue;
    window.take(now, 1);
    times.push(now);
  }
  return times;
}

/** The most within any half-open span of this length. */
function mostWithin(times: readonly number[], spanMs: number): number {
  return Math.max(0, ...times.map((from) => times.filter((time) => time >= from && time < from + spanMs).length));
}

const gaps = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 30, noNaN: true })), { maxLength: 200 });
const permits = fc.integer({ min: 1, max: 20 });

describe("a sliding window", () => {
  it("pitfall 27: never gives more than the limit in any span, at no edge", () => {
    fc.assert(
      fc.property(permits, gaps, (limit, gaps) => {
        expect(mostWithin(taken(slidingWindow(limit, 100), gaps), 100)).toBeLessThanOrEqual(limit);
      }),
    );
    // The burst at the edge that a fixed window lets through.
    const window = slidingWindow(10, 1_000);
    expect(
      taken(window, [990, ...Array.from({ length: 9 }, () => 0), 20, ...Array.from({ length: 9 }, () => 0)]),
    ).toHaveLength(10);
  });

  it("gives again what it took, at most a tenth of the window late", () => {
    fc.assert(
      fc.property(permits, fc.double({ min: 0, max: 1_000, noNaN: true }), (limit, start) => {
        const window = slidingWindow(limit, 100);
        for (let count = 0; count < limit; count++) window.take(start, 1);
        const wait = window.waitMs(start, 1);
        expect(wait).toBeGreaterThan(100 - 1e-6);
        expect(wait).toBeLessThanOrEqual(110 + 1e-6);
        expect(window.waitMs(start + 110 + 1e-6, limit)).toBe(0);
        expect(window.used(start + 1e6)).toBe(0);
      }),
    );
  });

  it("tells when what is missing will be free, slice by slice", () => {
    const window = slidingWindow(10, 100);
    window.take(0, 1);
    window.take(5, 3);
    window.take(55, 6);
    expect([0, 1, 4, 5, 10, 14, 20].map((wanted) => window.waitMs(60, wanted))).toEqual([
      0, 50, 50, 100, 100, 160, 210,
    ]);
    expect(window.used(60)).toBe(10);
    expect(window.used(109)).toBe(10);
    expect(window.used(110)).toBe(6);
    expect(window.used(160)).toBe(0);
  });

  it("counts on through clocks below zero, and tells how long it takes for more than it holds", () => {
    const window = slidingWindow(2, 100);
    window.take(-250, 2);
    expect(window.waitMs(-250, 1)).toBe(110);
    expect(window.waitMs(-140, 2)).toBe(0);
    window.take(0, 2);
    expect(window.waitMs(0, 4)).toBe(220);
  });
});

describe("a token bucket", () => {
  it("gives burst + span × rate at most, in any span", () => {
    fc.assert(
      fc.property(permits, permits, fc.integer({ min: 1, max: 300 }), gaps, (limit, burst, span, gaps) => {
        const most = mostWithin(taken(tokenBucket(limit, 100, burst), gaps), span);
        expect(most).toBeLessThanOrEqual(burst + (span / 100) * limit + 1e-6);
      }),
    );
  });

  it("spaces calls evenly with a burst of one", () => {
    const window = tokenBucket(10, 1_000, 1);
    expect(window.waitMs(0, 1)).toBe(0);
    window.take(0, 1);
    expect(window.waitMs(0, 1)).toBe(100);
    expect(window.waitMs(60, 3)).toBeCloseTo(240);
    expect(window.used(50)).toBeCloseTo(0.5);
    expect(window.waitMs(100, 1)).toBe(0);
    expect(tokenBucket(10, 1_000, 5).waitMs(0, 1)).toBe(0);
  });
});
