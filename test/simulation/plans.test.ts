import { describe, expect, it } from "vitest";
import type { PlanTally } from "./plans/plan-ledger.ts";
import { runPlans, type PlanBug, type PlanRunResult } from "./plans/plan-world.ts";

const minute = 60_000;
const first = { seed: 3, virtualMs: 5 * minute };
let firstResult: PlanRunResult | undefined;

describe("recovery plans under faults", () => {
  it("end as they should, do nothing again that was recorded, and undo exactly what completed", async () => {
    const sums = new Map<keyof PlanTally, number>();
    const faults = new Set<string>();
    for (const seed of [3, 8, 17]) {
      const result = await runPlans({ ...first, seed });
      if (seed === first.seed) firstResult = result;
      expect(result.violation, `seed ${seed}`).toBeUndefined();
      for (const kind of Object.keys(result.faults)) faults.add(kind);
      for (const [name, count] of Object.entries(result.tally!) as [keyof PlanTally, number][]) {
        sums.set(name, (sums.get(name) ?? 0) + count);
      }
    }
    expect([...faults]).toEqual(expect.arrayContaining(["kill", "crash", "pause", "isolate", "partition"]));
    for (const name of ["stale", "repeated", "takeovers"] as const) expect(sums.get(name), name).toBeGreaterThan(0);
    for (const name of ["completed", "failed", "cancelled"] as const) expect(sums.get(name), name).toBeGreaterThan(50);
    expect(sums.get("undone")).toBeGreaterThan(300);
  });

  it.each<[PlanBug, RegExp]>([
    ["unfenced", /does not end: .*"status":"running"/],
    ["acts-too-early", /is recorded twice|is recorded and was not done|again, after it was recorded/],
  ])("are found out when %s is planted", async (plant, message) => {
    const found = [];
    for (let seed = 1; seed <= 5 && found.length === 0; seed++) {
      const { violation, tally } = await runPlans({ seed, virtualMs: 5 * minute, plant });
      if (violation === undefined) continue;
      expect(tally!.effects).toBeGreaterThan(10);
      found.push(violation);
    }
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  it("happen the same way again with the same seed", async () => {
    const again = await runPlans(first);
    expect(again.traceHash).toBe(firstResult?.traceHash);
    expect(again.tally).toEqual(firstResult?.tally);
  });
});
