import { describe, expect, it } from "vitest";
import type { PatientTally } from "./automatic/patients.ts";
import { runRecoveries, type RecoveryBug, type RecoveryRunResult } from "./automatic/recovery-world.ts";

const minute = 60_000;
const first = { seed: 2, virtualMs: 3 * minute };
let firstResult: RecoveryRunResult | undefined;

describe("automatic recovery under faults", () => {
  it("repairs what breaks, tries no more often than it may, and calls for a person where that was not enough", async () => {
    const sums = new Map<keyof PatientTally, number>();
    const faults = new Set<string>();
    for (const seed of [2, 5, 11]) {
      const result = await runRecoveries({ ...first, seed });
      if (seed === first.seed) firstResult = result;
      expect(result.violation, `seed ${seed}`).toBeUndefined();
      for (const kind of Object.keys(result.faults)) faults.add(kind);
      for (const [name, count] of Object.entries(result.tally!) as [keyof PatientTally, number][]) {
        sums.set(name, (sums.get(name) ?? 0) + count);
      }
    }
    console.log(Object.fromEntries(sums), [...faults]);
    expect([...faults]).toEqual(expect.arrayContaining(["kill", "crash", "pause", "isolate", "partition"]));
    for (const name of ["again", "takeovers", "personsWanted"] as const) expect(sums.get(name), name).toBeGreaterThan(0);
    for (const name of ["broken", "repaired"] as const) expect(sums.get(name), name).toBeGreaterThan(50);
  });

  it.each<[RecoveryBug, RegExp]>([
    ["unfenced", /./],
    ["acts-too-early", /./],
  ])("is found out when %s is planted", async (plant, message) => {
    const found = [];
    for (let seed = 1; seed <= 5 && found.length === 0; seed++) {
      const { violation, tally } = await runRecoveries({ seed, virtualMs: 3 * minute, plant });
      if (violation === undefined) continue;
      expect(tally!.broken).toBeGreaterThan(10);
      found.push(violation);
    }
    console.log(plant, found);
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  it("happens the same way again with the same seed", async () => {
    const again = await runRecoveries(first);
    expect(again.traceHash).toBe(firstResult?.traceHash);
    expect(again.tally).toEqual(firstResult?.tally);
  });
});
