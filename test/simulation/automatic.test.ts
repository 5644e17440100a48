import { describe, expect, it } from "vitest";
import type { PatientTally } from "./automatic/patients.ts";
import { runRecoveries, type RecoveryRunResult } from "./automatic/recovery-world.ts";

const minute = 60_000;
const first = { seed: 2, virtualMs: 2 * minute };
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
    expect([...faults]).toEqual(expect.arrayContaining(["kill", "crash", "pause", "isolate", "partition"]));
    for (const name of ["again", "takeovers", "personsWanted"] as const)
      expect(sums.get(name), name).toBeGreaterThan(0);
    for (const name of ["broken", "repaired"] as const) expect(sums.get(name), name).toBeGreaterThan(50);
  });

  it("is found out when it acts before its record is there", async () => {
    const found = [];
    for (let seed = 1; seed <= 6 && found.length === 0; seed++) {
      const { violation, tally } = await runRecoveries({ seed, virtualMs: 2 * minute, plant: "acts-too-early" });
      if (violation === undefined) continue;
      expect(tally!.broken).toBeGreaterThan(10);
      found.push(violation);
    }
    expect(found).toEqual([expect.stringMatching(/was begun, and is not recorded/)]);
  });

  it("happens the same way again with the same seed", async () => {
    const again = await runRecoveries(first);
    expect(again.traceHash).toBe(firstResult?.traceHash);
    expect(again.tally).toEqual(firstResult?.tally);
  });
});
