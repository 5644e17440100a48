import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { studentTWithin } from "./student-t.ts";
import { minTrendPoints, trendOf } from "./trend.ts";

describe("studentTWithin", () => {
  // From the tables of Student's t: two-sided.
  it.each([
    [12.706, 1, 0.95],
    [4.303, 2, 0.95],
    [2.571, 5, 0.95],
    [2.228, 10, 0.95],
    [2.0, 60, 0.95],
    [2.66, 60, 0.99],
    [0.7, 10, 0.5],
    [1.96, 1e6, 0.95],
  ])("|T| < %d with %d degrees has probability %d", (t, degrees, expected) => {
    expect(studentTWithin(t, degrees)).toBeCloseTo(expected, 3);
    expect(studentTWithin(-t, degrees)).toBeCloseTo(expected, 3);
  });

  it("knows its ends", () => {
    expect([studentTWithin(0, 5), studentTWithin(Infinity, 5)]).toEqual([0, 1]);
  });
});

describe("trendOf", () => {
  it("knows a line exactly, in events per second per second", () => {
    expect(trendOf([0, 2, 4, 6, 8, 10], 500)).toEqual({ direction: "rising", slope: 8, confidence: 1, points: 6 });
    expect(trendOf([5, 4, 3, 2, 1], 1000)).toMatchObject({ direction: "falling", slope: -1, confidence: 1 });
    expect(trendOf([3, 3, 3, 3, 3], 1000)).toEqual({ direction: "steady", slope: 0, confidence: 0, points: 5 });
  });

  it("says nothing of fewer points", () => {
    expect(trendOf(Array(minTrendPoints - 1).fill(9), 1000).direction).toBe("unknown");
    expect(trendOf([], 1000)).toEqual({ direction: "unknown", slope: 0, confidence: 0, points: 0 });
  });

  it("is wrong about noise as often as its confidence says, and right about a rise", () => {
    const random = seededRandom(4);
    let wrong = 0;
    let found = 0;
    for (let run = 0; run < 1000; run++) {
      const noise = Array.from({ length: 30 }, () => random.integer(0, 20));
      if (trendOf(noise, 1000).direction !== "steady") wrong++;
      if (
        trendOf(
          noise.map((count, at) => count + at),
          1000,
        ).direction === "rising"
      )
        found++;
    }
    expect(wrong / 1000).toBeGreaterThan(0.02);
    expect(wrong / 1000).toBeLessThan(0.08);
    expect(found).toBeGreaterThan(990);
  });
});
