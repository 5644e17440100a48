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
    ["circuitBreaker.window must be an object (got null)", { window: null }],
    ["circuitBreaker.window.failures must be an integer >= 1", { window: { kind: "consecutive", failures: 0 } }],
    ["circuitBreaker.window.ms must be a number >= 1", { window: { kind: "time", ms: 0 } }],
    ["circuitBreaker.window.buckets must be an integer >= 1", { window: { kind: "time", ms: 5, buckets: 0 } }],
    ["circuitBreaker.window.buckets must be an integer >= 1", { window: { kind: "time", ms: 5, buckets: 1001 } }],
    ["circuitBreaker.window.ms must be a number >= 1", { window: { kind: "period", ms: 0, failures: 1 } }],
    [
      "circuitBreaker.window.failures must be an integer >= 1",
      { window: { kind: "period", ms: 5, failures: 100_001 } },
    ],
    ["circuitBreaker.window.buckets is no option", { window: { kind: "period", ms: 5, failures: 1, buckets: 2 } }],
    [
      "circuitBreaker.minimumCalls needs a window of kind",
      { window: { kind: "period", ms: 5, failures: 2 }, minimumCalls: 1 },
    ],
    ["circuitBreaker.failureRate must be a number above 0", { window: { kind: "count", size: 5 }, failureRate: "1" }],
    ["circuitBreaker.failureRate must be a number above 0", { window: { kind: "time", ms: 5 }, failureRate: 1.01 }],
    ["circuitBreaker.slowCall.ms must be a number >= 0", { slowCall: {} }],
    ["circuitBreaker.slowCall.rates is no option", { slowCall: { ms: 1, rates: 1 } }],
    [
      "circuitBreaker.slowCall.rate must be a number above 0",
      { window: { kind: "count", size: 5 }, slowCall: { ms: 5, rate: 2 } },
    ],
    ["circuitBreaker.halfOpen.probe is no option", { halfOpen: { probe: 1 } }],
    ["circuitBreaker.halfOpen.successRate must be a number above 0", { halfOpen: { successRate: 0 } }],
    ["circuitBreaker.halfOpen.maxMs must be a number >= 1", { halfOpen: { maxMs: 0 } }],
    ['circuitBreaker.halfOpen.afterMaxMs must be "open" or "closed"', { halfOpen: { afterMaxMs: "ajar" } }],
    ["circuitBreaker.rampUp.share is no option", { rampUp: { ms: 5, share: 1 } }],
    ["circuitBreaker.rampUp.ms must be a number >= 1", { rampUp: { ms: 0 } }],
    ["circuitBreaker.rampUp.startShare must be a number above 0", { rampUp: { ms: 5, startShare: 0 } }],
    ["circuitBreaker.maxOpenMs must be a number >= 0", { maxOpenMs: -1 }],
    ["circuitBreaker.jitter must be a number >= 0 and <= 1", { jitter: 2 }],
    ["circuitBreaker.onEvent must be a function", { onEvent: 5 }],
    ["circuitBreaker.isFailure must be a function", { isFailure: 5 }],
    ["circuitBreaker.isFailureResult must be a function", { isFailureResult: 5 }],
    ["circuitBreaker.ignore must be a function", { ignore: 5 }],
    ["circuitBreaker.openOn must be a function", { openOn: 5 }],
    ["circuitBreaker.initialState must be a state or a snapshot", { initialState: null }],
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

  it.each<CircuitBreakerOptions>([
    {},
    { window: { kind: "consecutive", failures: 1 }, halfOpen: {}, rampUp: { ms: 1 }, slowCall: { ms: 0 } },
    {
      window: { kind: "count", size: 1_000_000 },
      failureRate: 1,
      minimumCalls: 1_000_000,
      slowCall: { ms: 0, rate: 1 },
    },
    { window: { kind: "time", ms: 1 }, minimumCalls: 50, slowCall: { ms: 5, inFlight: false } },
    { window: { kind: "time", ms: 5, buckets: 1000 } },
    { window: { kind: "period", ms: 1, failures: 100_000 }, slowCall: { ms: 5, inFlight: true } },
    {
      halfOpen: { probes: 1, successRate: 1, maxMs: Infinity, afterMaxMs: "closed" },
      rampUp: { ms: 1, startShare: 1 },
    },
    { openMs: 0, maxOpenMs: 0, jitter: 1, name: "a", initialState: "closed" },
    {
      openMs: () => 1,
      isFailure: () => true,
      isFailureResult: () => true,
      ignore: () => true,
      openOn: () => undefined,
    },
  ])("takes %j", (options) => {
    expect(() => circuitBreaker(options)).not.toThrow();
  });

  it("refuses to change what cannot be changed, by name", () => {
    expect(() => circuitBreaker().update({ name: "b" } as never)).toThrow(
      "circuitBreaker.name is no option; there are",
    );
  });
});
