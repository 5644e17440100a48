import { expect, it } from "vitest";
import { retryDelayMs } from "./backoff.ts";

it("waits longer each time, up to a bound, and no two clients alike", () => {
  expect([1, 2, 3, 4, 5, 6, 1_000].map((attempt) => retryDelayMs(attempt, 1))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 5_000, 5_000,
  ]);
  expect(retryDelayMs(1, 0)).toBe(125);
});

it("waits as long as the server asks for, within reason, and then spreads over as long again", () => {
  expect([0, 0.5, 1].map((random) => retryDelayMs(1, random, 5_000))).toEqual([5_125, 7_688, 10_250]);
  expect(retryDelayMs(1, 0, 1e9)).toBe(60_125);
});
