import { describe, expect, it } from "vitest";
import { runLocks, type LockRunResult } from "./locks/lock-world.ts";

const minute = 60_000;
const first = { seed: 1, virtualMs: 3 * minute };
let firstResult: LockRunResult | undefined;

describe("locks over a cluster of three, while processes are killed, paused and cut off", () => {
  it("have one holder at a time, no late write passes a guard, and whoever waits gets its turn", async () => {
    const faults = new Set<string>();
    const sums = { grants: 0, waits: 0, timeouts: 0, lost: 0, lostSessions: 0, fencedOut: 0, admitted: 0, stale: 0 };
    for (const seed of [1, 2]) {
      const result = await runLocks({ ...first, seed });
      if (seed === first.seed) firstResult = result;
      const { violation, tally, faults: happened } = result;
      expect(violation, `seed ${seed}`).toBeUndefined();
      for (const kind of Object.keys(happened)) faults.add(kind);
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += tally[name];
    }
    const { violation, tally } = await runLocks({ seed: 4, virtualMs: 20 * minute, pace: 10 });
    expect(violation, "seed 4").toBeUndefined();
    expect(tally.grants).toBeGreaterThan(100);
    expect([...faults]).toEqual(
      expect.arrayContaining(["kill", "crash", "pause", "isolate", "partition", "slow-links"]),
    );
    expect(sums.grants).toBeGreaterThan(300);
    for (const [name, sum] of Object.entries(sums)) expect(sum, name).toBeGreaterThan(0);
  });

  it.each([
    ["clock-misses-pauses", /^two holders of /],
    ["lost-wake-up", /^lost wake-up: nobody got /],
  ] as const)("are found out when %s is planted", async (plant, message) => {
    const found = [];
    for (let seed = 1; seed <= 3 && found.length === 0; seed++) {
      const { violation } = await runLocks({ seed, virtualMs: 10 * minute, plant });
      if (violation !== undefined) found.push(violation);
    }
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  it("happen the same way again with the same seed", async () => {
    const again = await runLocks(first);
    expect(again.traceHash).toBe(firstResult?.traceHash);
    expect(again.tally).toEqual(firstResult?.tally);
  });
});
