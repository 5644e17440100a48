import type { HealingBug } from "holdfast/recovery";
import { describe, expect, it } from "vitest";
import { healMembers } from "./healing/heal-members.ts";
import { runHealing, type HealingRun } from "./healing/run-healing.ts";

/** The first of some seeds whose cluster shows a bug. */
function find(plant: HealingBug): HealingRun | undefined {
  for (let seed = 1; seed <= 20; seed++) {
    const run = runHealing(seed, 20, plant);
    if (run.violation !== undefined) return run;
  }
  return undefined;
}

describe("a cluster that heals itself", () => {
  it("becomes whole after everything that is not for good, and is never endangered by it", () => {
    const faults = new Set<string>();
    const actions = new Set<string>();
    const withheld = new Set<string>();
    let restored = 0;
    for (let seed = 100; seed < 104; seed++) {
      const run = runHealing(seed, 30);
      expect(run.violation, `seed ${seed}`).toBeUndefined();
      for (const kind of Object.keys(run.faults)) faults.add(kind);
      for (const kind of Object.keys(run.actions)) actions.add(kind);
      for (const guard of Object.keys(run.withheld)) withheld.add(guard);
      restored += run.restoredAfterMs.length;
    }
    expect([...faults].toSorted()).toEqual([
      "cutOne",
      "cutSome",
      "destroy",
      "fillDisk",
      "kill",
      "killAll",
      "slow",
      "stop",
    ]);
    expect([...actions].toSorted()).toEqual(["addLearner", "promote", "remove", "restart", "transferLeadership"]);
    expect([...withheld]).toEqual(expect.arrayContaining(["partition", "oneAtATime", "coolDown", "limit"]));
    expect(restored).toBeGreaterThan(300);
  });

  it.each<[HealingBug, string]>([
    ["remove-before-add", "another is there before one goes"],
    ["ignore-partition", "who is cut off together is left alone"],
    ["two-at-once", "one is replaced after the other"],
    ["no-quorum-check", "healing never takes the quorum"],
  ])("is found out when %s is planted", (plant, invariant) => {
    const found = find(plant);
    expect(found?.violation?.invariant).toBe(invariant);
    expect(runHealing(found!.seed, 20).violation).toBeUndefined();
  });

  it("does the same again with the same seed", () => {
    const [one, other] = [runHealing(7, 20), runHealing(7, 20)];
    expect(other.trace).toBe(one.trace);
    expect(one.trace).not.toBe(runHealing(8, 20).trace);
  });

  it("heals real members, with the leader's own judgement, and keeps every promise of Raft meanwhile", async () => {
    const sums: Record<string, number> = {};
    for (const seed of [2, 5, 6]) {
      const { violation, done, faults } = await healMembers(seed, 8 * 60_000);
      expect(violation, `seed ${seed}`).toBeUndefined();
      for (const [kind, count] of Object.entries({ ...faults, ...done })) sums[kind] = (sums[kind] ?? 0) + count;
    }
    for (const kind of ["kill", "burn", "stop", "restart", "addLearner", "promote", "remove"]) {
      expect(sums[kind], kind).toBeGreaterThan(0);
    }
  });
});
