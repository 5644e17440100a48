import { describe, expect, it } from "vitest";
import { createAdvisor, type Advisor, type AdvisorOptions } from "./advisor.ts";
import type { CallRecord } from "./operation-metrics.ts";

function told(records: readonly CallRecord[], options: AdvisorOptions = {}): Advisor {
  const advisor = createAdvisor(options);
  for (const record of records) advisor.record("prices", record);
  return advisor;
}

const many = (record: (i: number) => CallRecord, count = 100): CallRecord[] =>
  Array.from({ length: count }, (_, i) => record(i));

const actions = (records: readonly CallRecord[]): string[] =>
  told(records)
    .advice()
    .map(({ action }) => action);

describe("an advisor", () => {
  it.each([
    ["fast and well", many(() => ({ durationMs: 20, ok: true, key: "a", inFlight: 5 })), []],
    ["slow", many((i) => ({ durationMs: 2_000, ok: true, key: `${i}` })), ["timeout"]],
    ["slow, the same again", many((i) => ({ durationMs: 2_000, ok: true, key: `${i % 5}` })), ["cache", "timeout"]],
    ["retried", many((i) => ({ durationMs: 20, ok: true, attempts: i % 2 === 0 ? 2 : 1 })), ["circuitBreaker"]],
    ["transient", many((i) => ({ durationMs: 20, ok: i % 4 > 0, transient: true })), ["retry"]],
    [
      "retried already",
      many((i) => ({ durationMs: 20, ok: i % 4 > 0, transient: true, attempts: 3 })),
      ["circuitBreaker"],
    ],
    ["missing again", many((i) => ({ durationMs: 20, ok: i % 4 > 0, key: `${i % 4}` })), ["negativeCache"]],
    ["a long tail", many((i) => ({ durationMs: i < 95 ? 10 : 500, ok: true })), ["hedge"]],
    ["crowded", many(() => ({ durationMs: 1_500, ok: true, inFlight: 200 })), ["timeout", "bulkhead"]],
    ["turned away", many((i) => ({ durationMs: 5, ok: i % 9 > 0, attempts: i % 9 > 0 ? 1 : 0 })), ["capacity"]],
  ] as const)("says of what is %s: %#", (_name, records, expected) => {
    expect(actions(records)).toEqual(expected);
  });

  it("gives the numbers that say so", () => {
    const [advice] = told(many((i) => ({ durationMs: 20, ok: true, attempts: i % 2 === 0 ? 2 : 1 }))).advice("prices");
    expect(advice).toMatchObject({
      operation: "prices",
      action: "circuitBreaker",
      evidence: [{ metric: "retryRatio", value: 0.5, threshold: 0.2 }],
      calls: 100,
    });
    for (const records of [many(() => ({ durationMs: 9_000, ok: false, transient: true, key: "a", inFlight: 500 }))]) {
      for (const { evidence } of told(records).advice()) {
        for (const { value, threshold } of evidence) expect(value).toBeGreaterThanOrEqual(threshold);
      }
    }
  });

  it("says nothing of few calls, of what it does not know, or of what is long over", () => {
    const slow = (): CallRecord => ({ durationMs: 5_000, ok: true });
    expect(told(many(slow, 49)).advice()).toEqual([]);
    expect(told(many(slow, 50)).advice()).toHaveLength(1);
    expect(told(many(slow, 50)).advice("other")).toEqual([]);
    expect(createAdvisor().metrics("other")).toBeUndefined();
    const better = told([...many(slow, 100), ...many(() => ({ durationMs: 5, ok: true }), 100)], { window: 100 });
    expect(better.advice()).toEqual([]);
    expect(better.metrics("prices")).toMatchObject({ calls: 100, failureShare: 0 });
  });

  it("watches a bounded number of operations, and orders all advice by urgency", () => {
    const advisor = createAdvisor({ maxOperations: 2, minCalls: 1 });
    advisor.record("old", { durationMs: 1, ok: true });
    advisor.record("slow", { durationMs: 5_000, ok: true });
    advisor.record("retried", { durationMs: 1, ok: true, attempts: 4 });
    expect(advisor.metrics("old")).toBeUndefined();
    expect(advisor.advice().map(({ operation }) => operation)).toEqual(["retried", "slow"]);
  });

  it("takes thresholds", () => {
    const records = many(() => ({ durationMs: 300, ok: true }));
    expect(told(records, { thresholds: { slowMs: 250 } }).advice()[0]).toMatchObject({ action: "timeout" });
  });

  it.each([
    [{ window: 5 }, "advisor.window must be an integer >= 10 and <= 100000 (got 5)"],
    [{ minCalls: 0 }, "advisor.minCalls must be an integer >= 1 (got 0)"],
    [{ thresholds: { slowMs: 0 } }, "advisor.thresholds.slowMs must be a number"],
    [{ thresholds: { slow: 1 } }, "advisor.thresholds.slow is no option"],
    [{ slow: 1 }, "advisor.slow is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => createAdvisor(options as AdvisorOptions)).toThrow(message);
  });

  it("refuses calls that cannot have been", () => {
    const advisor = createAdvisor();
    expect(() => advisor.record("", { durationMs: 1, ok: true })).toThrow("must be the operation's name");
    expect(() => advisor.record("a", { durationMs: Number.NaN, ok: true })).toThrow("advisor.record.durationMs");
    expect(() => advisor.record("a", { durationMs: 1, ok: true, attempts: -1 })).toThrow("advisor.record.attempts");
  });
});
