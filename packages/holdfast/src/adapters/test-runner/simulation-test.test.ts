import { describe, expect, it } from "vitest";
import type { PropertyOptions } from "../../simulation/index.ts";
import { simulationTest, type SimulationEnvironment } from "./simulation-test.ts";

/** Fails in every seed but the first, and needs one of its crashes for that. */
const options: Omit<PropertyOptions, "name"> = {
  seeds: 10,
  faultLengthMs: 1_000,
  faults: [{ type: "crash", targets: "one", probability: 0.3, perMs: 100, durationMs: 20 }],
  async run(_, context) {
    let starts = 0;
    context.service("store", () => void starts++);
    await context.injectFaults().finished;
    context.check("it starts once", starts === 1 || context.seed === 1, `${starts} starts`);
  },
};

/** Runs the one test that is declared; gives what failed. */
async function declared(environment: SimulationEnvironment, own: Partial<PropertyOptions> = {}): Promise<unknown> {
  const tests: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  simulationTest((name, run) => tests.push({ name, run }), "starts", { ...options, ...own }, environment);
  expect(tests.map(({ name }) => name)).toEqual(["starts"]);
  return tests[0]!.run().catch((error: unknown) => error);
}

describe("simulationTest", () => {
  simulationTest(it, "declares a test of this runner", { ...options, seeds: [1] });

  it("fails with the seed, the schedule and what repeats it, which it does", async () => {
    const { message } = (await declared({})) as Error;
    const [, seed, keep] = /repeat it with HOLDFAST_SEED=(\d+) HOLDFAST_KEEP='(\d+)'/.exec(message) ?? [];
    expect(message).toContain(`starts: does not hold with seed ${seed}: it starts once`);
    expect(message).toMatch(/the shortest schedule has 1 of \d+ faults/);
    expect(await declared({ HOLDFAST_SEED: seed, HOLDFAST_KEEP: keep })).toMatchObject({
      message: expect.stringContaining("the shortest schedule has 1 of 1 faults"),
    });
    expect(await declared({ HOLDFAST_SEED: seed, HOLDFAST_KEEP: "none" })).toBeUndefined();
  });

  it("runs as many seeds as the environment says", async () => {
    const seeds: number[] = [];
    const run: PropertyOptions["run"] = (_, { seed }) => void seeds.push(seed);
    expect(await declared({ HOLDFAST_SEEDS: "3" }, { run, faults: [], checkDeterminism: false })).toBeUndefined();
    expect(seeds).toEqual([1, 2, 3]);
  });

  it.each([
    [{ HOLDFAST_SEED: "x" }, 'HOLDFAST_SEED must be an integer (got "x")'],
    [{ HOLDFAST_SEEDS: "" }, 'HOLDFAST_SEEDS must be an integer (got "")'],
    [{ HOLDFAST_KEEP: "1" }, 'HOLDFAST_KEEP needs HOLDFAST_SEED (got "1")'],
  ])("refuses %j", async (environment, message) => {
    expect(await declared(environment)).toMatchObject({ message });
  });
});
