import { describe, expect, it } from "vitest";
import { describeSimulation, tallySimulation, tallyVitest } from "./tally.ts";

const vitest = (passed: number, failed: number, files: readonly object[] = []): string =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults: files });

const well = { status: "passed", fullName: "counts" };
const wrong = { status: "failed", fullName: "counts all", failureMessages: ["expected 2 to be 3\n    at x.test.ts"] };
const loaded = { name: "x.test.ts", status: "failed", assertionResults: [well, wrong] };
const broken = { name: "y.test.ts", status: "failed", message: "Cannot find module z\n", assertionResults: [] };
const whyLoaded = "x.test.ts: counts all: expected 2 to be 3";
const whyBroken = "y.test.ts: Cannot find module z";

const simulation = (violatingSeeds: readonly number[]): string =>
  JSON.stringify({
    seeds: 10,
    violations: violatingSeeds.map((seed) => ({ seed, invariant: "log matching", command: `simulate --seed ${seed}` })),
    faults: { crash: 3 },
  });

describe("tallyVitest", () => {
  it.each([
    ["all passed", vitest(7, 0), true, 7, 0, undefined],
    ["failed tests", vitest(7, 1, [loaded]), false, 7, 1, [whyLoaded]],
    ["a file that did not load", vitest(7, 0, [broken]), false, 7, 1, [whyBroken]],
    ["both", vitest(7, 1, [loaded, broken]), false, 7, 2, [whyLoaded, whyBroken]],
    ["an unhandled error", vitest(7, 0), false, 7, 1, undefined],
    ["no report", undefined, false, 0, 1, undefined],
    ["a broken report", "{", true, 0, 1, undefined],
  ] as const)("counts %s", (_, report, exitedWell, passed, failed, failures) => {
    expect(tallyVitest(report, exitedWell)).toEqual({ passed, failed, ...(failures && { failures }) });
  });
});

describe("tallySimulation", () => {
  it.each([
    ["no violation", simulation([]), true, 10, 0],
    ["a seed that broke two invariants once", simulation([3, 3, 5]), false, 8, 2],
    ["a failure that names no seed", simulation([]), false, 10, 1],
    ["no document", "", false, 0, 1],
  ] as const)("counts %s", (_, document, exitedWell, passed, failed) => {
    expect(tallySimulation(document, exitedWell)).toMatchObject({ passed, failed });
  });

  it("names what was violated, and how to see it again", () => {
    expect(tallySimulation(simulation([3]), false).failures).toEqual(["seed 3: log matching: simulate --seed 3"]);
  });

  it("describes faults and how to repeat a violation", () => {
    expect(describeSimulation(simulation([3]))).toBe(
      "10 seeds, 1 violations\nfaults: crash 3\nseed 3: log matching; repeat: simulate --seed 3",
    );
    expect(describeSimulation("oops")).toBe("the simulation printed no result");
  });
});
