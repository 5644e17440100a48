import { describe, expect, it } from "vitest";
import { describeSimulation, tallySimulation, tallyVitest } from "./tally.ts";

const vitest = (passed: number, failed: number, files: readonly object[] = []): string =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults: files });

const loaded = { status: "failed", assertionResults: [{}] };
const broken = { status: "failed", assertionResults: [] };

const simulation = (violatingSeeds: readonly number[]): string =>
  JSON.stringify({
    seeds: 10,
    violations: violatingSeeds.map((seed) => ({ seed, invariant: "log matching", command: `simulate --seed ${seed}` })),
    faults: { crash: 3 },
  });

describe("tallyVitest", () => {
  it.each([
    ["all passed", vitest(7, 0), true, 7, 0],
    ["failed tests", vitest(7, 2, [loaded]), false, 7, 2],
    ["a file that did not load", vitest(7, 0, [broken]), false, 7, 1],
    ["both", vitest(7, 2, [loaded, broken]), false, 7, 3],
    ["an unhandled error", vitest(7, 0), false, 7, 1],
    ["no report", undefined, false, 0, 1],
    ["a broken report", "{", true, 0, 1],
  ] as const)("counts %s", (_, report, exitedWell, passed, failed) => {
    expect(tallyVitest(report, exitedWell)).toEqual({ passed, failed });
  });
});

describe("tallySimulation", () => {
  it.each([
    ["no violation", simulation([]), true, 10, 0],
    ["a seed that broke two invariants once", simulation([3, 3, 5]), false, 8, 2],
    ["a failure that names no seed", simulation([]), false, 10, 1],
    ["no document", "", false, 0, 1],
  ] as const)("counts %s", (_, document, exitedWell, passed, failed) => {
    expect(tallySimulation(document, exitedWell)).toEqual({ passed, failed });
  });

  it("describes faults and how to repeat a violation", () => {
    expect(describeSimulation(simulation([3]))).toBe(
      "10 seeds, 1 violations\nfaults: crash 3\nseed 3: log matching; repeat: simulate --seed 3",
    );
    expect(describeSimulation("oops")).toBe("the simulation printed no result");
  });
});
