import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "../history.ts";
import { checkBank, type BankCheckOptions } from "./check-bank.ts";

function historyOf(...reads: readonly unknown[]): HistoryEvent[] {
  const transfer = { process: 0, f: "transfer", value: ["a", "b", 3] } as const;
  return [
    { ...transfer, type: "invoke", timeNs: 0 },
    { ...transfer, type: "ok", timeNs: 1 },
    ...reads.flatMap((value, index): HistoryEvent[] => [
      { process: 1, type: "invoke", f: "read", value: null, timeNs: 2 + 2 * index },
      { process: 1, type: "ok", f: "read", value, timeNs: 3 + 2 * index },
    ]),
  ];
}

describe("checkBank", () => {
  it("is content with reads that sum up", () => {
    expect(checkBank(historyOf({ a: 10, b: 0 }, { a: 7, b: 3 }), { total: 10 })).toMatchObject({
      verdict: "ok",
      reads: 2,
    });
  });

  it("has seen nothing without reads", () => {
    expect(checkBank(historyOf(), { total: 10 }).verdict).toBe("unknown");
  });

  it("names the reads that do not, and what they show", () => {
    const { verdict, violations, explanation } = checkBank(historyOf({ a: 7, b: 0 }, { a: 7, b: 3 }), { total: 10 });
    expect(verdict).toBe("violation");
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ line: 3, total: 7, negative: [] });
    expect(explanation).toBe("1 of 2 reads show what cannot be, first line 3: 7 in all instead of 10");
  });

  it("takes balances below zero only where they are allowed", () => {
    const history = historyOf({ a: 12, b: -2 });
    expect(checkBank(history, { total: 10 }).violations[0]?.negative).toEqual(["b"]);
    expect(checkBank(history, { total: 10, allowNegative: true }).verdict).toBe("ok");
  });

  it("misses accounts, and wonders at others", () => {
    const { violations } = checkBank(historyOf({ a: 5, c: 5 }), { total: 10, accounts: ["a", "b"] });
    expect(violations[0]).toMatchObject({ missing: ["b"], unknown: ["c"] });
  });

  it("refuses what are no balances", () => {
    expect(() => checkBank(historyOf([1]), { total: 1 })).toThrow(
      "history line 3: read gives balances by account (got [1])",
    );
    expect(() => checkBank(historyOf({ a: 0.5 }), { total: 1 })).toThrow(
      "the balance of a must be an integer (got 0.5)",
    );
    expect(() => checkBank([], { total: 0.5 })).toThrow("checkBank.total must be an integer");
    expect(() => checkBank([], { total: 1, sum: 1 } as BankCheckOptions)).toThrow("checkBank.sum is no option");
  });
});
