import { describe, expect, it } from "vitest";
import { chaosPlan } from "./chaos-plan.ts";
import type { ChaosOptions } from "./chaos-options.ts";
import { readRate } from "./chaos-rate.ts";

const busy: ChaosOptions = {
  seed: 1,
  lengthMs: 3_600_000,
  parts: ["n1", "n2", "n3", "n4", "n5"],
  rates: { kill: "2/min", latency: "1/min", partition: "30/h", resource: "30/h", clock: "720/day" },
  durationsMs: {
    kill: [1_000, 20_000],
    latency: [1_000, 20_000],
    partition: [5_000, 5_000],
    resource: [1_000, 20_000],
    clock: [1_000, 20_000],
  },
  maxTargets: 2,
};

/** How many parts are struck at the beginning of each fault: only then can there be more than before. */
function mostAtOnce(plan: ReturnType<typeof chaosPlan>): number {
  const counts = plan.faults.map(({ afterMs: now }) => {
    const going = plan.faults.filter(({ afterMs, forMs = 0 }) => afterMs <= now && afterMs + forMs > now);
    const struck = going.flatMap(({ targets }) => targets);
    expect(new Set(struck).size).toBe(struck.length);
    return struck.length;
  });
  return Math.max(...counts);
}

describe("a plan of chaos", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(chaosPlan(busy)).toEqual(chaosPlan(busy));
    expect(chaosPlan({ ...busy, seed: 2 }).faults).not.toEqual(chaosPlan(busy).faults);
  });

  it.each([1, 2, 3])("never strikes more than %i at once, whatever the seed", (maxTargets) => {
    let most = 0;
    for (let seed = 0; seed < 20; seed++) {
      const plan = chaosPlan({ ...busy, seed, maxTargets, quorum: 0 });
      most = Math.max(most, mostAtOnce(plan));
      for (const { afterMs, forMs = 0 } of plan.faults) expect(afterMs + forMs).toBeLessThanOrEqual(busy.lengthMs + 1);
    }
    expect(most).toBe(maxTargets);
  });

  it("leaves a majority alone, whatever is allowed at once", () => {
    const plan = chaosPlan({ ...busy, maxTargets: 5 });
    expect(mostAtOnce(plan)).toBe(2);
    expect(plan.withheld.some(({ why }) => why === "quorum")).toBe(true);
    expect(chaosPlan({ ...busy, parts: ["only"] }).faults).toEqual([]);
  });

  it("keeps to its windows", () => {
    const windowsMs = [
      [60_000, 120_000],
      [600_000, 900_000],
    ] as const;
    const { faults, withheld } = chaosPlan({ ...busy, windowsMs });
    expect(faults.length).toBeGreaterThan(5);
    expect(faults.every(({ afterMs }) => windowsMs.some(([from, to]) => afterMs >= from && afterMs < to))).toBe(true);
    expect(withheld.some(({ why }) => why === "window")).toBe(true);
  });

  it("comes as often as its rates say, of each kind", () => {
    const tally: Record<string, number> = {};
    const hours = 40;
    for (let seed = 0; seed < hours; seed++) {
      const { faults, withheld } = chaosPlan({ ...busy, seed });
      for (const { id } of faults) tally[id.split("-")[0]!] = (tally[id.split("-")[0]!] ?? 0) + 1;
      for (const { kind } of withheld) tally[kind] = (tally[kind] ?? 0) + 1;
    }
    for (const [kind, perHour] of Object.entries({ kill: 120, latency: 60, partition: 30, resource: 30, clock: 30 })) {
      // Five standard deviations of a Poisson count.
      const mean = perHour * hours;
      expect(Math.abs((tally[kind] ?? 0) - mean)).toBeLessThan(5 * Math.sqrt(mean));
    }
  });

  it("with the rates that are usual, seldom does anything within a minute", () => {
    const all = Array.from({ length: 200 }, (_, seed) => chaosPlan({ seed, lengthMs: 60_000, parts: ["a", "b", "c"] }));
    const struck = all.filter(({ faults }) => faults.length > 0).length;
    expect(struck).toBeGreaterThan(4);
    expect(struck).toBeLessThan(50);
  });

  it.each([
    [
      { rates: { kill: "often" } },
      'chaos.rates.kill must be a rate of at most 10/s, like 2/min, 0.05/h or 1/day (got "often")',
    ],
    [{ rates: { murder: "1/h" } }, "chaos.rates.murder is no option"],
    [{ parts: [] }, "chaos.parts must be a list of at least one name, each once (got an array of 0)"],
    [{ parts: ["a", "a"] }, "chaos.parts must be a list of at least one name, each once"],
    [{ windowsMs: [[5, 1]] }, "chaos.windowsMs[0] must be two numbers of at least 0"],
    [{ durationsMs: { kill: [0, 1] } }, "chaos.durationsMs.kill must be two numbers of at least 1"],
    [{ maxTargets: 0 }, "chaos.maxTargets must be an integer >= 1 (got 0)"],
    [{ quorum: 6 }, "chaos.quorum must be an integer >= 0 and <= 5 (got 6)"],
  ])("refuses %j", (wrong, message) => {
    expect(() => chaosPlan({ ...busy, ...(wrong as object) })).toThrow(message);
  });
});

it.each([
  ["2/min", 2 / 60_000],
  ["0.05/h", 0.05 / 3_600_000],
  ["1/day", 1 / 86_400_000],
  ["10/s", 0.01],
  ["0/s", 0],
  [0, 0],
])("%s is %s a millisecond", (text, perMs) => {
  expect(readRate("rate", text)).toBeCloseTo(perMs, 15);
});

it.each(["11/s", "2", "/min", "-1/min", "2/minute", 5])("%s is no rate", (text) => {
  expect(() => readRate("rate", text)).toThrow("rate must be a rate");
});
