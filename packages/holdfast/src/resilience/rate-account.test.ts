import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { RateAccount, type RateWaiter } from "./rate-account.ts";
import { slidingWindow, tokenBucket, type RateWindow } from "./rate-window.ts";

function setup(...windows: readonly RateWindow[]) {
  const clock = new VirtualClock();
  const account = new RateAccount(clock, windows);
  const log: string[] = [];
  const enter = (name: string, permits: number, deadline = Infinity): RateWaiter => {
    const waiter: RateWaiter = {
      permits,
      deadline,
      grant: () => log.push(`${name} granted at ${clock.now()}`),
      expire: (retryAfterMs) => log.push(`${name} expired at ${clock.now()}, again in ${retryAfterMs}`),
    };
    account.enter(waiter);
    return waiter;
  };
  return { clock, account, log, enter };
}

describe("a rate account", () => {
  it("is idle when nobody waits and every window is free again", async () => {
    const { clock, account, enter } = setup(tokenBucket(10, 100, 10), tokenBucket(10, 10_000, 10));
    expect(account.isIdle(clock.now())).toBe(true);
    expect(account.take(clock.now(), 1)).toBe(0);
    expect(account.isIdle(clock.now())).toBe(false);
    await clock.advance(500);
    expect(account.isIdle(clock.now())).toBe(false);
    await clock.advance(500);
    expect(account.isIdle(clock.now())).toBe(true);
    enter("whole", 10);
    const next = enter("next", 10);
    expect(account.isIdle(clock.now())).toBe(false);
    account.leave(next);
    await clock.advance(10_000);
    expect(account.isIdle(clock.now())).toBe(true);
  });

  it("who leaves lets those behind go at once when there is room for them, and is gone for good", async () => {
    const { clock, account, log, enter } = setup(tokenBucket(10, 1_000, 10));
    account.take(0, 5);
    const large = enter("large", 10);
    enter("small", 1);
    expect(log).toEqual([]);
    expect(clock.pending).toBe(1);
    account.leave(large);
    expect(log).toEqual(["small granted at 0"]);
    expect([account.waiting, clock.pending]).toEqual([0, 0]);
    account.leave(large);
    expect(account.take(0, 4)).toBe(0);
    await clock.advance(10_000);
    expect(log).toHaveLength(1);
  });

  it("counts nobody any more who was served", async () => {
    const { clock, account, log, enter } = setup(tokenBucket(10, 1_000, 1));
    account.take(0, 1);
    enter("a", 1);
    enter("b", 1);
    expect(account.take(0, 1)).toBe(300);
    await clock.advance(200);
    expect(log).toEqual(["a granted at 100", "b granted at 200"]);
    expect(account.take(200, 1)).toBe(100);
    await clock.advance(100);
    expect(account.take(300, 1)).toBe(0);
  });

  it("lets go whose time is over, at that time, wherever the clock began", async () => {
    const { clock, account, log, enter } = setup(tokenBucket(1, 10_000, 1));
    await clock.advance(1_000);
    account.take(1_000, 1);
    enter("late", 1, 1_250);
    await clock.advance(2_000);
    expect(log).toEqual(["late expired at 1250, again in 9750"]);
  });

  it("carries over to other windows what is taken of the fullest", async () => {
    const { account } = setup(slidingWindow(10, 100), tokenBucket(100, 1_000, 100));
    account.take(0, 3);
    account.replace([slidingWindow(5, 1_000), slidingWindow(100, 1_000)]);
    expect(account.take(0, 2)).toBe(0);
    expect(account.take(0, 1)).toBeGreaterThan(0);
    account.replace([tokenBucket(1, 1_000, 1)]);
    expect(account.take(0, 1)).toBe(1_000);
    const apart = setup(tokenBucket(10, 10, 10), tokenBucket(10, 1e9, 10));
    apart.account.take(0, 8);
    await apart.clock.advance(100);
    apart.account.replace([slidingWindow(10, 1_000)]);
    expect(apart.account.take(100, 3)).toBeGreaterThan(0);
    expect(apart.account.take(100, 2)).toBe(0);
  });
});
