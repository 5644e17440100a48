import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { CoordinateLearner, estimateRoundTripMs, origin } from "./coordinate.ts";

/** Learners at points of a plane, and how far apart they really are. */
function learn(
  size: number,
  rounds: number,
): { learners: CoordinateLearner[]; truth: (a: number, b: number) => number } {
  const random = seededRandom(7);
  const learners = Array.from({ length: size }, (_, at) => new CoordinateLearner(random.fork(`member ${at}`)));
  const points = learners.map(() => [random.next() * 100, random.next() * 100] as const);
  const access = learners.map(() => 1 + random.next() * 4);
  const truth = (a: number, b: number): number =>
    Math.hypot(points[a]![0] - points[b]![0], points[a]![1] - points[b]![1]) + access[a]! + access[b]!;
  for (let round = 0; round < rounds; round++) {
    for (let a = 0; a < size; a++) {
      const b = (a + random.integer(1, size - 1)) % size;
      learners[a]!.observe(learners[b]!.coordinate, truth(a, b));
    }
  }
  return { learners, truth };
}

describe("network coordinates", () => {
  it("learn to predict round trips that were never measured", () => {
    const { learners, truth } = learn(24, 400);
    const errors: number[] = [];
    for (let a = 0; a < 24; a++) {
      for (let b = 0; b < a; b++) {
        const estimate = estimateRoundTripMs(learners[a]!.coordinate, learners[b]!.coordinate);
        errors.push(Math.abs(estimate - truth(a, b)) / truth(a, b));
      }
    }
    const median = errors.toSorted((a, b) => a - b)[errors.length >> 1]!;
    expect(median).toBeLessThan(0.1);
    for (const { coordinate } of learners) expect(coordinate.error).toBeLessThan(0.5);
  });

  it("part members that start in one place", () => {
    const learner = new CoordinateLearner(seededRandom(1));
    expect(learner.observe(origin(), 20)).toBe(true);
    expect(Math.hypot(...learner.coordinate.vector)).toBeGreaterThan(0);
  });

  it.each([
    ["a round trip of a stall", origin(), 60_000],
    ["a negative round trip", origin(), -1],
    ["no number", origin(), Number.NaN],
    ["too few dimensions", { ...origin(), vector: [1, 2] }, 10],
    ["a coordinate of no numbers", { ...origin(), vector: origin().vector.map(() => Number.NaN) }, 10],
    ["a negative height", { ...origin(), height: -1 }, 10],
  ])("ignore %s", (_, other, roundTripMs) => {
    const learner = new CoordinateLearner(seededRandom(1));
    const before = learner.coordinate;
    expect(learner.observe(other, roundTripMs)).toBe(false);
    expect(learner.coordinate).toBe(before);
  });
});
