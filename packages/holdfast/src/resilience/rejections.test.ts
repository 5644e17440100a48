import { describe, expect, it } from "vitest";
import { HoldfastError } from "../errors/index.ts";
import { BulkheadClosedError, BulkheadFullError, BulkheadWaitTimeoutError } from "./bulkhead-error.ts";
import { CircuitOpenError } from "./circuit-open-error.ts";
import { ConcurrencyLimitedError } from "./concurrency-limiter.ts";
import { HedgeLostError } from "./hedge-error.ts";
import { RateLimitedError } from "./rate-limited-error.ts";
import { RetriesExhaustedError } from "./retry-error.ts";
import { RetryQueueFullError } from "./retry-later.ts";
import { isRejection } from "./retryable.ts";
import { ThrottledError } from "./throttle.ts";
import { TimeoutError } from "./timeout-error.ts";

const cause = new TimeoutError("", 5);

describe("rejections", () => {
  it.each<[HoldfastError, object]>([
    [
      new BulkheadFullError("", 1, 2),
      { code: "BULKHEAD_FULL", message: "bulkhead is full: 1 calls running, 2 waiting", maxConcurrent: 1, maxQueue: 2 },
    ],
    [new BulkheadFullError("db", 1, 2), { message: "db is full: 1 calls running, 2 waiting" }],
    [
      new BulkheadWaitTimeoutError("", 3),
      { code: "BULKHEAD_WAIT_TIMEOUT", message: "bulkhead had no place within 3 ms", maxWaitMs: 3 },
    ],
    [new BulkheadWaitTimeoutError("db", 3), { message: "db had no place within 3 ms" }],
    [new BulkheadClosedError(""), { code: "BULKHEAD_CLOSED", message: "bulkhead is closed", retryable: false }],
    [new BulkheadClosedError("db"), { message: "db is closed", retryable: false }],
    [
      new CircuitOpenError("", "open", 4),
      { code: "CIRCUIT_OPEN", message: "circuit breaker is open", state: "open", remainingOpenMs: 4, retryAfterMs: 4 },
    ],
    [
      new CircuitOpenError("db", "halfOpen", 0),
      { message: "circuit breaker db is halfOpen", remainingOpenMs: 0, retryAfterMs: undefined },
    ],
    [
      new ConcurrencyLimitedError("", 5),
      { code: "CONCURRENCY_LIMITED", message: "concurrencyLimiter is at its present limit of 5 calls", limit: 5 },
    ],
    [new ConcurrencyLimitedError("db", 5), { message: "db is at its present limit of 5 calls" }],
    [
      new RateLimitedError(6.1, undefined),
      { code: "RATE_LIMITED", message: "the rate is used up; try again in 7 ms", retryAfterMs: 6.1, key: undefined },
    ],
    [new RateLimitedError(6, "k"), { message: 'the rate of "k" is used up; try again in 6 ms', key: "k" }],
    [
      new RetryQueueFullError("db", 7, cause),
      { code: "RETRY_QUEUE_FULL", message: "the retry queue of db is full: 7 calls waiting", cause },
    ],
    [
      new ThrottledError("", 0.256),
      { code: "THROTTLED", message: "throttle holds back 26 % of the calls", rejectProbability: 0.256 },
    ],
    [new ThrottledError("db", 0.5), { message: "db holds back 50 % of the calls" }],
  ])("%s", (error, expected) => {
    expect(error).toMatchObject({ name: error.constructor.name, kind: "resource", retryable: true, ...expected });
    expect(error.message).toBe((expected as { readonly message: string }).message);
    expect(isRejection(error)).toBe(true);
    expect(HoldfastError.is(error)).toBe(true);
  });

  it("what else policies say", () => {
    expect(new TimeoutError("", 5, "cause")).toMatchObject({
      name: "TimeoutError",
      code: "OPERATION_TIMED_OUT",
      kind: "timeout",
      retryable: true,
      timeoutMs: 5,
      message: "the operation timed out after 5 ms",
      cause: "cause",
    });
    expect(new TimeoutError("db", 5).message).toBe("db timed out after 5 ms");
    expect(new HedgeLostError()).toMatchObject({
      name: "HedgeLostError",
      code: "HEDGE_LOST",
      kind: "business",
      retryable: false,
      message: "another attempt was faster",
    });
    const exhausted = new RetriesExhaustedError("db", 2, "budget", [1, new RangeError("far")]);
    expect(exhausted).toMatchObject({
      name: "RetriesExhaustedError",
      code: "RETRIES_EXHAUSTED",
      kind: "system",
      retryable: false,
      message: "db: no success after 2 attempts (limit: budget): far",
      cause: new RangeError("far"),
    });
    expect(exhausted.toJSON()).toMatchObject({ attempts: 2, reason: "budget", errors: ["1", "RangeError: far"] });
    const { message, kind } = new RetriesExhaustedError("", 1, "attempts", [cause]);
    expect([message, kind]).toEqual([
      "no success after 1 attempt (limit: attempts): the operation timed out after 5 ms",
      "timeout",
    ]);
    expect(new RetriesExhaustedError("", 3, "schedule", []).message).toBe(
      "no success after 3 attempts (limit: schedule)",
    );
    expect(new CircuitOpenError("db", "open", 4).toJSON()).toMatchObject({ state: "open", retryAfterMs: 4 });
    expect(new CircuitOpenError("db", "forcedOpen", Infinity).toJSON()).not.toHaveProperty("retryAfterMs");
  });
});
