import { describe, expect, it } from "vitest";
import { adaptiveTimeout } from "./adaptive-timeout.ts";
import { bulkhead } from "./bulkhead.ts";
import { cache } from "./cache.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { concurrencyLimiter } from "./concurrency-limiter.ts";
import { fallback, fallbackChain } from "./fallback.ts";
import { hedge } from "./hedge.ts";
import { retry } from "./retry.ts";
import { throttle } from "./throttle.ts";
import { timeout } from "./timeout.ts";
import { doubtfulOrders } from "./doubtful-orders.ts";
import { explain } from "./explain.ts";
import { pipeline } from "./pipeline.ts";
import type { PolicyDescription } from "./policy-description.ts";
import type { Policy } from "./policy.ts";
import { policyOf } from "./stage.ts";

function policy(kind: string, options: PolicyDescription["options"] = {}, name = ""): Policy {
  return policyOf<never>({ run: (call, next) => next(call) }, { kind, name, options });
}

function doubtsOf(...kinds: (string | Policy)[]): string[] {
  const policies = kinds.map((kind) => (typeof kind === "string" ? policy(kind) : kind));
  return explain(pipeline(...policies)).doubts.map(({ outer, inner }) => `${inner} inside ${outer}`);
}

describe("explain", () => {
  it("draws the policies outermost first, with names and options", () => {
    const payments = pipeline(
      policy("fallback"),
      policy("retry", { maxAttempts: 3, onEvent: undefined, retryIf: () => true }),
      pipeline(policy("circuitBreaker", { failures: 5 }, "payments"), policy("timeout", { timeoutMs: 500 })),
    );
    expect(String(explain(payments))).toBe(`\
fallback
└─ retry (maxAttempts: 3, retryIf: a function)
   └─ circuitBreaker "payments" (failures: 5)
      └─ timeout (timeoutMs: 500)
         └─ the operation`);
  });

  it("draws a policy alone, and one of another make", () => {
    expect(String(explain(policy("retry")))).toBe("retry\n└─ the operation");
    const foreign: Policy = {
      execute: async (operation) => operation(undefined as never),
      wrap:
        (fn) =>
        async (...args) =>
          fn(...args),
    };
    expect(String(explain(foreign))).toBe("policy\n└─ the operation");
  });

  it.each<[string, Policy<unknown>]>([
    ["bulkhead", bulkhead()],
    ["cache", cache()],
    ["circuitBreaker", circuitBreaker()],
    ["concurrencyLimiter", concurrencyLimiter()],
    ["fallback", fallback(0)],
    ["fallbackChain", fallbackChain([0])],
    ["hedge", hedge()],
    ["retry", retry()],
    ["throttle", throttle()],
    ["timeout", timeout()],
    ["adaptiveTimeout", adaptiveTimeout()],
  ])("knows %s", (kind, known) => {
    expect(explain(known).policies.map(({ kind }) => kind)).toEqual([kind]);
  });

  it("shows options as they are now", () => {
    let timeoutMs = 100;
    const changing = policyOf<never>(
      { run: (call, next) => next(call) },
      {
        kind: "timeout",
        get options() {
          return { timeoutMs };
        },
      },
    );
    timeoutMs = 200;
    expect(String(explain(changing))).toContain("timeoutMs: 200");
  });

  it("names doubts below the drawing, with the reason", () => {
    const text = String(explain(pipeline(policy("bulkhead", {}, "db"), policy("retry"))));
    expect(text.split("\n").at(-1)).toMatch(/^doubtful: retry inside bulkhead "db": a permit is held while/);
  });

  it.each([undefined, null, {}, "retry"])("refuses %j", (value) => {
    expect(() => explain(value as never)).toThrow(/^explain\.policy must be a policy \(got /);
  });
});

describe("doubts", () => {
  const shorter = policy("timeout", { timeoutMs: 100 });
  const longer = policy("timeout", { timeoutMs: 1_000 });

  it.each<[string, (string | Policy)[], string[]]>([
    ["a common order", ["fallback", longer, "retry", "circuitBreaker", shorter, "bulkhead"], []],
    ["retry inside a bulkhead", ["bulkhead", "retry"], ["retry inside bulkhead"]],
    ["pitfall 10: a timeout inside a bulkhead", ["bulkhead", "timeout"], ["timeout inside bulkhead"]],
    ["but not if the permit is held", [policy("bulkhead", { holdUntilSettled: true }), "timeout"], []],
    ["nor if the timeout waits", ["bulkhead", policy("timeout", { mode: "cooperative" })], []],
    ["also with something between", ["bulkhead", "circuitBreaker", "retry"], ["retry inside bulkhead"]],
    ["a timeout around all attempts alone", ["timeout", "retry"], ["retry inside timeout"]],
    ["but not with one for each attempt", [longer, "retry", shorter], []],
    ["an inner timeout that never passes", [shorter, longer], ["timeout inside timeout"]],
    ["retry inside retry", ["retry", "retry"], ["retry inside retry"]],
    ["retry inside a hedge", ["hedge", "retry"], ["retry inside hedge"]],
    ["a fallback inside a breaker", ["circuitBreaker", "fallback"], ["fallback inside circuitBreaker"]],
    ["a fallback inside a retry", ["retry", "fallback"], ["fallback inside retry"]],
    ["a fallback inside a timeout", ["timeout", "fallback"], ["fallback inside timeout"]],
    ["a cache inside a breaker", ["circuitBreaker", "cache"], ["cache inside circuitBreaker"]],
    ["a retry inside a rate limiter", ["rateLimiter", "retry"], ["retry inside rateLimiter"]],
    ["a breaker outside a retry is a choice", ["circuitBreaker", "retry"], []],
  ])("%s", (_, order, expected) => {
    expect(doubtsOf(...order)).toEqual(expected);
  });

  it("each have a reason that says what to do", () => {
    for (const { reason } of doubtfulOrders) expect(reason).toMatch(/; (put|make|retry in one place)/);
  });
});
