import { describe, expect, it } from "vitest";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { circuitBreaker } from "./circuit-breaker.ts";

describe("options of a circuit breaker", () => {
  it.each<[string, unknown]>([
    [
      "circuitBreaker.window.size must be an integer >= 1 and <= 1000000 (got 0)",
      { window: { kind: "count", size: 0 } },
    ],
    ['circuitBreaker.window.kind must be "consecutive"', { window: { kind: "ring" } }],
    ["circuitBreaker.window must be an object (got 5)", { window: 5 }],
    ["circuitBreaker.window.size is no option", { window: { kind: "consecutive", failures: 2, size: 3 } }],
    [
      "circuitBreaker.failureRate must be a number above 0, at most 1 (got 0)",
      { window: { kind: "count", size: 5 }, failureRate: 0 },
    ],
    ["circuitBreaker.failureRate needs a window of kind", { failureRate: 0.5 }],
    [
      "circuitBreaker.minimumCalls must be an integer >= 1 and <= 5 (got 6)",
      { window: { kind: "count", size: 5 }, minimumCalls: 6 },
    ],
    ["circuitBreaker.slowCall.rate needs a window of kind", { slowCall: { ms: 5, rate: 0.5 } }],
    ["circuitBreaker.slowCall.inFlight must be true or false", { slowCall: { ms: 5, inFlight: 1 } }],
    ["circuitBreaker.halfOpen.probes must be an integer >= 1 (got 0)", { halfOpen: { probes: 0 } }],
    ["circuitBreaker.openMs must be a number >= 0 and <= 3600000 (got 3600001)", { openMs: 3_600_001 }],
    ["circuitBreaker.threshold is no option", { threshold: 5 }],
    ['circuitBreaker.initialState must be "closed"', { initialState: "half" }],
    ["circuitBreaker.initialState.version must be 1 (got 2)", { initialState: { version: 2 } }],
    [
      "circuitBreaker.initialState.window.buckets[0].failures must be an integer >= 0 and <= 1 (got 2)",
      {
        initialState: {
          version: 1,
          state: "closed",
          stateMs: 0,
          remainingOpenMs: 0,
          timesOpened: 0,
          window: { kind: "time", buckets: [{ ageMs: 1, calls: 1, failures: 2, slow: 0 }] },
        },
      },
    ],
  ])("refuses: %s", (message, options) => {
    expect(() => circuitBreaker(options as CircuitBreakerOptions)).toThrow(message);
  });
});
