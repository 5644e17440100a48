import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { arrivals, rateAt, wholeRun, type ArrivalSpacing, type RateStage } from "./arrivals.ts";

function times(stages: readonly RateStage[], spacing: ArrivalSpacing = "constant", seed: number = 1): number[] {
  const due = arrivals(stages, { spacing, random: seededRandom(seed) });
  const all: number[] = [];
  for (let at = due.next(); at < Infinity; at = due.next()) all.push(at);
  return all;
}

const rate = fc.integer({ min: 0, max: 2_000 });
const forMs = fc.integer({ min: 1, max: 3_000 });
const stages: fc.Arbitrary<RateStage[]> = fc.array(
  fc.oneof(fc.record({ ratePerSecond: rate, forMs }), fc.record({ fromPerSecond: rate, toPerSecond: rate, forMs })),
  { minLength: 1, maxLength: 4 },
);

/** The integral of the rate up to a moment, stage by stage. */
function expected(all: readonly RateStage[], untilMs: number): number {
  let leftMs = untilMs;
  let sum = 0;
  for (const stage of all) {
    const lengthMs = Math.min(stage.forMs, leftMs);
    sum += ((rateAt([stage], 0) + rateAt([stage], lengthMs)) / 2) * (lengthMs / 1000);
    leftMs -= lengthMs;
  }
  return sum;
}

describe("arrivals at a constant spacing", () => {
  it("are even at one rate", () => {
    expect(times([{ ratePerSecond: 4, forMs: 1_000 }])).toEqual([0, 250, 500, 750]);
  });

  it("go on at the next rate where the one before ends", () => {
    const steps = [
      { ratePerSecond: 2, forMs: 1_000 },
      { ratePerSecond: 0, forMs: 1_000 },
      { ratePerSecond: 4, forMs: 500 },
    ];
    expect(times(steps)).toEqual([0, 500, 2_000, 2_250]);
  });

  it("come denser and denser on a ramp", () => {
    const ramp = times([{ fromPerSecond: 0, toPerSecond: 100, forMs: 10_000 }]);
    expect(ramp).toHaveLength(500);
    for (const [nth, at] of ramp.entries()) expect(at).toBeCloseTo(Math.sqrt(nth / 500) * 10_000, 6);
  });

  it("are as many, and ascend as the rate says, whatever the stages", () => {
    fc.assert(
      fc.property(stages, (all) => {
        const due = times(all);
        const lengthMs = all.reduce((sum, stage) => sum + stage.forMs, 0);
        expect(Math.abs(due.length - expected(all, lengthMs))).toBeLessThan(1.01);
        const middle = due.filter((at) => at < lengthMs / 2).length;
        expect(Math.abs(middle - expected(all, lengthMs / 2))).toBeLessThan(1.01);
        expect(due).toEqual(due.toSorted((a, b) => a - b));
        expect(due.filter((at) => !(at >= 0 && at <= lengthMs))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("arrivals of a Poisson process", () => {
  it("have exponential gaps, by chi-square over ten equal classes", () => {
    const due = times([{ ratePerSecond: 1_000, forMs: 50_000 }], "poisson", 7);
    const classes = Array.from({ length: 10 }, () => 0);
    for (const [nth, at] of due.entries()) {
      const gapMs = at - (due[nth - 1] ?? 0);
      classes[Math.min(9, Math.floor((1 - Math.exp(-gapMs)) * 10))]!++;
    }
    const even = due.length / 10;
    const chiSquare = classes.reduce((sum, count) => sum + (count - even) ** 2 / even, 0);
    // The 99.9 % quantile with 9 degrees of freedom.
    expect(chiSquare).toBeLessThan(27.88);
    expect(Math.abs(due.length - 50_000)).toBeLessThan(4 * Math.sqrt(50_000));
  });

  it("follow a ramp", () => {
    const due = times([{ fromPerSecond: 0, toPerSecond: 2_000, forMs: 20_000 }], "poisson", 3);
    for (const [fromMs, share] of [
      [0, 1 / 16],
      [5_000, 3 / 16],
      [10_000, 5 / 16],
      [15_000, 7 / 16],
    ] as const) {
      const count = due.filter((at) => at >= fromMs && at < fromMs + 5_000).length;
      expect(Math.abs(count - 20_000 * share)).toBeLessThan(4 * Math.sqrt(20_000 * share));
    }
  });

  it("are the same from the same seed", () => {
    const stage = [{ ratePerSecond: 100, forMs: 1_000 }];
    expect(times(stage, "poisson", 5)).toEqual(times(stage, "poisson", 5));
    expect(times(stage, "poisson", 5)).not.toEqual(times(stage, "poisson", 6));
  });
});

describe("the whole of a run", () => {
  const ramp: RateStage = { fromPerSecond: 10, toPerSecond: 20, forMs: 1_000 };
  it.each<[string, { readonly warmUpMs: number; readonly durationMs: number }, RateStage[]]>([
    ["as given", { warmUpMs: 0, durationMs: 1_000 }, [ramp]],
    ["warmed up at the first rate", { warmUpMs: 50, durationMs: 1_000 }, [{ ratePerSecond: 10, forMs: 50 }, ramp]],
    ["goes on at the last rate", { warmUpMs: 0, durationMs: 1_500 }, [ramp, { ratePerSecond: 20, forMs: 500 }]],
    ["cut short", { warmUpMs: 0, durationMs: 500 }, [{ fromPerSecond: 10, toPerSecond: 15, forMs: 500 }]],
  ])("%s", (_, lengths, whole) => {
    expect(wholeRun([ramp], lengths)).toEqual(whole);
  });
});
