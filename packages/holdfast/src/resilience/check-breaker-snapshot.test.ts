import { describe, expect, it } from "vitest";
import type { BreakerSnapshot } from "./breaker-state.ts";
import { checkBreakerSnapshot } from "./check-breaker-snapshot.ts";

const window = { kind: "count", outcomes: "" } as const;
const bucket = { ageMs: 0, calls: 2, failures: 1, slow: 2 } as const;
const good = { version: 1, state: "open", stateMs: 1, remainingOpenMs: 2, timesOpened: 3, window } as const;

function check(snapshot: unknown): void {
  checkBreakerSnapshot("x", snapshot as BreakerSnapshot);
}

describe("a breaker's snapshot from outside", () => {
  it.each([
    { kind: "consecutive", failures: 0 },
    { kind: "count", outcomes: "" },
    { kind: "count", outcomes: "01230123" },
    { kind: "time", buckets: [] },
    { kind: "time", buckets: [bucket, { ...bucket, ageMs: 5, failures: 0 }] },
    { kind: "period", agesMs: [] },
    { kind: "period", agesMs: [5, 0] },
  ])("is taken with the window %j", (window) => {
    expect(() => check({ ...good, window })).not.toThrow();
  });

  it.each(["closed", "open", "halfOpen", "rampUp", "forcedOpen", "disabled", "metricsOnly"])(
    "is taken when %s",
    (state) => {
      expect(() => check({ ...good, state })).not.toThrow();
    },
  );

  it.each<[string, unknown]>([
    ["x must be a state or a snapshot (got null)", null],
    ["x.version must be 1 (got 2)", { ...good, version: 2 }],
    ['x.state must be "closed" or', { ...good, state: "ajar" }],
    ["x.stateMs must be a number >= 0", { ...good, stateMs: -1 }],
    ["x.remainingOpenMs must be a number >= 0", { ...good, remainingOpenMs: Infinity }],
    ["x.timesOpened must be an integer >= 0", { ...good, timesOpened: 0.5 }],
    ["x.window must be an object (got null)", { ...good, window: null }],
    ["x.window must be an object (got 5)", { ...good, window: 5 }],
  ])("is refused: %s", (message, snapshot) => {
    expect(() => check(snapshot)).toThrow(message);
  });

  it.each<[string, object]>([
    ['kind must be "consecutive" or "count" or "time" or "period"', { kind: "ring" }],
    ["failures must be an integer >= 0 (got -1)", { kind: "consecutive", failures: -1 }],
    ["outcomes must be a string of the digits 0 to 3 (got 5)", { kind: "count", outcomes: 5 }],
    ["outcomes must be a string of the digits 0 to 3", { kind: "count", outcomes: "0124" }],
    ["outcomes must be a string of the digits 0 to 3", { kind: "count", outcomes: "x012" }],
    ["outcomes must be a string of the digits 0 to 3", { kind: "count", outcomes: "45" }],
    ["buckets must be an array (got 5)", { kind: "time", buckets: 5 }],
    ["buckets[1] must be an object (got null)", { kind: "time", buckets: [bucket, null] }],
    ["buckets[0] must be an object (got 5)", { kind: "time", buckets: [5] }],
    ["buckets[0].ageMs must be a number >= 0", { kind: "time", buckets: [{ ...bucket, ageMs: -1 }] }],
    ["buckets[0].calls must be an integer >= 1", { kind: "time", buckets: [{ ...bucket, calls: 0 }] }],
    ["buckets[0].failures must be an integer >= 0 and <= 2", { kind: "time", buckets: [{ ...bucket, failures: 3 }] }],
    ["buckets[0].slow must be an integer >= 0 and <= 2", { kind: "time", buckets: [{ ...bucket, slow: 3 }] }],
    ["agesMs must be an array (got an object)", { kind: "period", agesMs: {} }],
    ["agesMs[1] must be a number >= 0", { kind: "period", agesMs: [0, -1] }],
  ])("is refused: window.%s", (message, window) => {
    expect(() => check({ ...good, window })).toThrow(`x.window.${message}`);
  });
});
