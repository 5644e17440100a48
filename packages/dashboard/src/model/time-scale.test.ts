import { describe, expect, it } from "vitest";
import { collapsedScale, evenScale } from "./time-scale.ts";

describe("a scale of time", () => {
  it("without idle times is even", () => {
    const times = Array.from({ length: 101 }, (_, at) => 1_000 + at * 10);
    const scale = collapsedScale(times, 1_000, 2_000);
    expect(scale.breaks).toEqual([]);
    expect([scale.share(1_000), scale.share(1_250), scale.at(0.5)]).toEqual([0, 0.25, 1_500]);
    expect(evenScale(5, 5).share(5)).toBe(0);
  });

  it("leaves out what is idle, keeps the order, and finds every moment again", () => {
    const times = [0, 10, 20, 100_000, 100_010, 500_000, 500_030];
    const scale = collapsedScale(times, 0, 500_030);
    expect(scale.breaks).toHaveLength(2);
    const shares = times.map((time) => scale.share(time));
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares[0]).toBe(0);
    expect(shares.at(-1)).toBeCloseTo(1, 9);
    // Two bursts lie far apart on an even scale; here the idle time between them is as wide as its mark.
    expect(shares[3]! - shares[2]!).toBeLessThan(0.7);
    for (const time of [...times, 50_000, 300_000]) expect(scale.at(scale.share(time))).toBeCloseTo(time, 3);
    const leftOut = scale.breaks.reduce((sum, { leftOutMs }) => sum + leftOutMs, 0);
    expect(leftOut).toBeGreaterThan(400_000);
  });

  it("has few breaks, of the longest idle times", () => {
    const times = Array.from({ length: 15 }, (_, at) => at * 1_000);
    expect(collapsedScale(times, 0, 14_000).breaks.length).toBeLessThanOrEqual(12);
    expect(collapsedScale([], 0, 1_000).breaks).toHaveLength(1);
  });
});
