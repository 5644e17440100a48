import { plantedBugs } from "holdfast/consensus";
import { describe, expect, it } from "vitest";
import { runSimulation, type RunResult } from "./run.ts";
import { runSeeds } from "./seed-workers.ts";
import { shrink } from "./shrink.ts";

const seeds = Array.from({ length: 300 }, (_, at) => at + 1);

describe("the simulator", () => {
  it.each(plantedBugs)("finds within 300 seeds a cluster in which %s", async (plant) => {
    const found: RunResult[] = [];
    await runSeeds(seeds, { plant }, 2, (result) => {
      if (result.violation !== undefined) found.push(result);
      return found.length > 0 ? "stop" : "go on";
    });
    expect(found).not.toEqual([]);
    const { seed } = found[0]!;
    // It is the bug that was found, not the cluster: without it the same seed is clean.
    expect((await runSimulation({ seed })).violation).toBeUndefined();
  });

  it("shortens the schedule of what it found, and finds it again with that", async () => {
    const plant = "acknowledge-before-sync";
    let found: RunResult | undefined;
    await runSeeds(seeds, { plant }, 2, (result) => {
      if (result.violation !== undefined) found ??= result;
      return found === undefined ? "go on" : "stop";
    });
    const { seed, schedule, violation } = found!;
    const { keep } = await shrink({ seed, plant }, found!);
    expect(keep.length).toBeLessThan(schedule.faults.length);
    const again = await runSimulation({ seed, plant, keep });
    expect(again.violation?.invariant).toBe(violation?.invariant);
  });
});
