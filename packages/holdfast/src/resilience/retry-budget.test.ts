import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { retryBudget } from "./retry-budget.ts";

function withdrawals(budget: ReturnType<typeof retryBudget>): number {
  let count = 0;
  while (count < 1_000 && budget.tryWithdraw()) count++;
  return count;
}

describe("retry budget", () => {
  it("gives a share of the calls", () => {
    const budget = retryBudget({ ratio: 0.1, minPerSecond: 0, clock: new VirtualClock() });
    expect(budget.tryWithdraw()).toBe(false);
    for (let call = 0; call < 50; call++) budget.deposit();
    expect(budget.balance).toBe(5);
    expect(withdrawals(budget)).toBe(5);
    expect(budget.balance).toBe(0);
  });

  it("keeps no more than maxTokens for later", () => {
    const budget = retryBudget({ ratio: 1, minPerSecond: 0, maxTokens: 3, clock: new VirtualClock() });
    for (let call = 0; call < 50; call++) budget.deposit();
    expect(withdrawals(budget)).toBe(3);
  });

  it("allows a minimum per second without any calls, and saves up one second of it", async () => {
    const clock = new VirtualClock();
    const budget = retryBudget({ ratio: 0, minPerSecond: 2, clock });
    expect(withdrawals(budget)).toBe(2);
    await clock.advance(500);
    expect(withdrawals(budget)).toBe(1);
    await clock.advance(3_600_000);
    expect(withdrawals(budget)).toBe(2);
  });

  it("adds up to a whole try also below one per second", async () => {
    const clock = new VirtualClock();
    const budget = retryBudget({ ratio: 0, minPerSecond: 0.1, clock });
    expect(withdrawals(budget)).toBe(1);
    await clock.advance(9_999);
    expect(withdrawals(budget)).toBe(0);
    await clock.advance(1);
    expect(withdrawals(budget)).toBe(1);
  });

  it("pitfall 23: is not concerned by the wall clock", () => {
    const clock = new VirtualClock();
    const budget = retryBudget({ ratio: 0, minPerSecond: 1, clock });
    expect(withdrawals(budget)).toBe(1);
    clock.jumpWallTime(3_600_000);
    expect(withdrawals(budget)).toBe(0);
  });

  it.each<[object, string]>([
    [{ ratio: -1 }, "retryBudget.ratio must be a number >= 0 (got -1)"],
    [{ minPerSecond: Infinity }, "retryBudget.minPerSecond must be a number >= 0 (got Infinity)"],
    [{ maxTokens: "9" }, 'retryBudget.maxTokens must be a number >= 0 (got "9")'],
    [{ max: 1 }, "retryBudget.max is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => retryBudget(options)).toThrow(message);
  });

  it("tells what both buckets hold now, to whole tries", async () => {
    const clock = new VirtualClock();
    const budget = retryBudget({ ratio: 0.5, minPerSecond: 2, clock });
    expect(budget.balance).toBe(2);
    for (let call = 0; call < 7; call++) budget.deposit();
    expect(budget.balance).toBe(5);
    expect(withdrawals(budget)).toBe(5);
    await clock.advance(499);
    expect(budget.balance).toBe(0);
    await clock.advance(1);
    expect(budget.balance).toBe(1);
  });
});
