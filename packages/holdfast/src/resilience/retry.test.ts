import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "../errors/index.ts";
import { systemClock } from "../runtime/system.ts";
import { VirtualClock } from "../testing/index.ts";
import { constantBackoff, exponentialBackoff } from "./backoff.ts";
import { CircuitOpenError } from "./circuit-open-error.ts";
import { explain } from "./explain.ts";
import type { CallContext } from "./policy.ts";
import { pipeline } from "./pipeline.ts";
import { retry } from "./retry.ts";
import { retryBudget } from "./retry-budget.ts";
import { RetriesExhaustedError } from "./retry-error.ts";
import type { RetryEvent, RetryOptions } from "./retry-options.ts";
import { sequence, upToElapsed, upToRetries, type ScheduleLike } from "./schedule.ts";
import { timeout } from "./timeout.ts";

/** Fails so often, then answers; keeps when it was called. */
function flaky(clock: VirtualClock, failures: number, fail: (n: number) => unknown = (n) => new Error(`no ${n}`)) {
  const calls: number[] = [];
  const operation = async (): Promise<string> => {
    calls.push(clock.now());
    if (calls.length <= failures) throw fail(calls.length);
    return "done";
  };
  return { calls, operation };
}

/** What became of a promise, without ever leaving a rejection unhandled. */
function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => value,
    (error: unknown) => error,
  );
}

async function run(options: RetryOptions, failures: number, fail?: (n: number) => unknown) {
  const clock = new VirtualClock();
  const { calls, operation } = flaky(clock, failures, fail);
  const policy = retry({ jitter: "none", clock, ...options });
  const result = outcome(policy.execute(operation));
  await clock.advance(3_600_000);
  expect(clock.pending).toBe(0);
  return { calls, result: await result, policy };
}

describe("retry", () => {
  it("calls once what succeeds, and sets no timer", async () => {
    const { calls, result, policy } = await run({}, 0);
    expect([calls, result]).toEqual([[0], "done"]);
    expect(policy.metrics).toEqual({ retries: 0, recovered: 0, exhausted: 0 });
  });

  it("tries three times in all by default, after 100 ms and 200 ms", async () => {
    const { calls, result, policy } = await run({}, 2);
    expect([calls, result]).toEqual([[0, 100, 300], "done"]);
    expect(policy.metrics).toEqual({ retries: 2, recovered: 1, exhausted: 0 });
  });

  it("gives the errors of all tries when none is left", async () => {
    const { calls, result, policy } = await run({ name: "quotes" }, 9);
    expect(calls).toHaveLength(3);
    expect(RetriesExhaustedError.is(result)).toBe(true);
    const error = result as RetriesExhaustedError;
    expect(error.code).toBe("RETRIES_EXHAUSTED");
    expect(error.message).toBe("quotes: no success after 3 attempts (limit: attempts): no 3");
    expect(error.errors.map(String)).toEqual(["Error: no 1", "Error: no 2", "Error: no 3"]);
    expect([error.cause, error.attempts, error.reason]).toEqual([error.errors[2], 3, "attempts"]);
    expect(error.retryable).toBe(false);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ attempts: 3, reason: "attempts", errors: { length: 3 } });
    expect(policy.metrics).toEqual({ retries: 2, recovered: 0, exhausted: 1 });
  });

  it("keeps the last 32 errors of a long execution", async () => {
    const { result } = await run({ maxAttempts: 40 }, 99);
    const { errors, attempts } = result as RetriesExhaustedError;
    expect([attempts, errors.length, String(errors[0]), String(errors[31])]).toEqual([
      40,
      32,
      "Error: no 9",
      "Error: no 40",
    ]);
  });

  it.each<[string, unknown]>([
    ["says that it is not retryable", new HoldfastError("no", { code: "MALFORMED", kind: "business" })],
    ["is somebody's abort", new DOMException("stopped", "AbortError")],
  ])("passes on an error as it is that %s", async (_, error) => {
    const { calls, result } = await run({}, 9, () => error);
    expect(calls).toHaveLength(1);
    expect(result).toBe(error);
  });

  it("passes on an error that is not retryable from a later try too", async () => {
    const fatal = new Error("fatal");
    const retryOn = (error: unknown): boolean => error !== fatal;
    const { calls, result } = await run({ retryOn }, 9, (n) => (n === 2 ? fatal : new Error("no")));
    expect([calls.length, result]).toEqual([2, fatal]);
  });

  it.each([undefined, null, "text", 0, new HoldfastError("busy", { code: "BUSY", kind: "resource", retryable: true })])(
    "tries again after %s",
    async (thrown) => {
      const { calls, result } = await run({}, 1, () => thrown);
      expect([calls.length, result]).toEqual([2, "done"]);
    },
  );

  it("does not multiply inside another retry", async () => {
    const clock = new VirtualClock();
    const { calls, operation } = flaky(clock, 99);
    const result = outcome(pipeline(retry({ clock }), retry({ clock })).execute(operation));
    await clock.advance(60_000);
    expect(calls).toHaveLength(3);
    expect(RetriesExhaustedError.is(await result)).toBe(true);
  });

  it("tells the operation which try it is, and the predicate too", async () => {
    const clock = new VirtualClock();
    const attempts: number[] = [];
    const asked: number[] = [];
    const retryOn = (_: unknown, attempt: number): boolean => asked.push(attempt) > 0;
    const result = outcome(
      retry({ clock, retryOn }).execute(({ attempt }) => {
        attempts.push(attempt);
        throw new Error("no");
      }),
    );
    await clock.advance(60_000);
    await result;
    expect([attempts, asked]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it("tells what it does", async () => {
    const events: RetryEvent[] = [];
    const onEvent = (event: RetryEvent): void => void events.push(event);
    await run({ onEvent, name: "a" }, 1);
    await run({ onEvent, name: "b", maxAttempts: 1 }, 9);
    expect(events).toMatchObject([
      { type: "retry", policy: "a", attempt: 1, delayMs: 100, error: { message: "no 1" } },
      { type: "recovered", policy: "a", attempts: 2 },
      { type: "retriesExhausted", policy: "b", attempts: 1, reason: "attempts", error: { message: "no 1" } },
    ]);
  });

  it("pitfall 25: a listener that throws changes nothing", async () => {
    const onEvent = (): void => {
      throw new Error("broken listener");
    };
    const { calls, result } = await run({ onEvent }, 1);
    expect([calls.length, result]).toEqual([2, "done"]);
  });
});

describe("the waits of retry", () => {
  it.each<[string, RetryOptions, number[]]>([
    ["an iterable that ends", { maxAttempts: 9, backoff: [5, 10] }, [0, 5, 15]],
    ["a function", { backoff: ({ attempt, error }) => attempt * String(error).length }, [0, 11, 33]],
    [
      "a combination",
      { maxAttempts: 9, backoff: sequence(upToRetries(constantBackoff(1), 2), upToElapsed(constantBackoff(50), 120)) },
      [0, 1, 2, 52, 102],
    ],
    ["a cap", { maxAttempts: 4, maxDelayMs: 150 }, [0, 100, 250, 400]],
  ])("follow %s", async (_, options, at) => {
    expect((await run(options, 99)).calls).toEqual(at);
  });

  it("names the schedule when it ends the tries", async () => {
    expect((await run({ backoff: [] }, 9)).result).toMatchObject({ reason: "schedule", attempts: 1 });
  });

  it("are drawn from the generator given", async () => {
    const random = { next: () => 0.25, integer: () => 0, bytes: () => new Uint8Array(), fork: () => random };
    expect((await run({ jitter: "full", random }, 2)).calls).toEqual([0, 25, 75]);
  });

  it.each<[string, ScheduleLike, number]>([
    ["2^31 ms", constantBackoff(2 ** 31), 30_000],
    ["no number", () => Number.NaN, 30_000],
    ["infinity", [Infinity], 30_000],
    ["less than nothing", [-5], 0],
  ])("pitfall 16: a delay of %s is waited for as the cap says", async (_, backoff, at) => {
    const { calls, result } = await run({ backoff }, 1);
    expect([calls, result]).toEqual([[0, at], "done"]);
  });

  it("pitfall 17: what the other side asks for is never cut by jitter, only by the cap", async () => {
    const busy = (retryAfterMs: number) => () => Object.assign(new Error("busy"), { retryAfterMs });
    const random = { next: () => 0, integer: () => 0, bytes: () => new Uint8Array(), fork: () => random };
    expect((await run({ jitter: "full", random }, 1, busy(5_000))).calls).toEqual([0, 5_000]);
    expect((await run({ maxDelayMs: 2_000 }, 1, busy(5_000))).calls).toEqual([0, 2_000]);
    expect((await run({}, 1, busy(5))).calls).toEqual([0, 100]);
    const hurried = await run({ maxElapsedMs: 4_000 }, 1, busy(5_000));
    expect([hurried.calls, (hurried.result as RetriesExhaustedError).reason]).toEqual([[0], "elapsed"]);
  });

  it("takes the other side's word from delayFrom when it is given", async () => {
    const delayFrom = (failure: unknown): number => (failure as Error).message.length * 1_000;
    expect((await run({ delayFrom }, 1)).calls).toEqual([0, 4_000]);
  });

  it("pitfall 18: fails at once when the next try would begin too late", async () => {
    const clock = new VirtualClock();
    await clock.advance(5_000);
    const { calls, operation } = flaky(clock, 99);
    const backoff = exponentialBackoff({ baseMs: 100 });
    const result = outcome(
      retry({ clock, jitter: "none", backoff, maxAttempts: Infinity, maxElapsedMs: 700 }).execute(operation),
    );
    await clock.advance(300);
    expect(await result).toMatchObject({ reason: "elapsed", attempts: 3 });
    expect(calls).toEqual([5_000, 5_100, 5_300]);
    expect(clock.pending).toBe(0);
  });

  it("takes no timer for a wait of no length, and lets others run", async () => {
    const clock = new VirtualClock();
    const { calls, operation } = flaky(clock, 4);
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns++;
      if (running) systemClock.defer(turn);
    };
    systemClock.defer(turn);
    expect(await retry({ clock, maxAttempts: 5, backoff: constantBackoff(0) }).execute(operation)).toBe("done");
    running = false;
    expect([calls.length, clock.now()]).toEqual([5, 0]);
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  it("pitfall 23: do not follow the wall clock", async () => {
    const clock = new VirtualClock();
    const { calls, operation } = flaky(clock, 1);
    const result = retry({ clock, jitter: "none", maxElapsedMs: 500 }).execute(operation);
    await clock.advance(50);
    clock.jumpWallTime(-86_400_000);
    await clock.advance(50);
    expect([await result, calls]).toEqual(["done", [0, 100]]);
  });
});

describe("abort of a retry", () => {
  it("pitfall 6: ends the wait at once, and calls nothing any more", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const { calls, operation } = flaky(clock, 99);
    const policy = retry({ clock, backoff: constantBackoff(400), jitter: "none" });
    const result = outcome(policy.execute(operation, { signal: controller.signal }));
    await clock.advance(50);
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await result).toBe(reason);
    expect(clock.pending).toBe(0);
    await clock.advance(10_000);
    expect(calls).toHaveLength(1);
    expect(policy.metrics).toEqual({ retries: 1, recovered: 0, exhausted: 0 });
  });

  it("ends a wait of no length", async () => {
    const controller = new AbortController();
    let calls = 0;
    const result = retry({ backoff: constantBackoff(0), maxAttempts: 99 }).execute(
      () => {
        if (++calls === 3) controller.abort("enough");
        throw new Error("no");
      },
      { signal: controller.signal },
    );
    await expect(result).rejects.toBe("enough");
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(3);
  });

  it("pitfall 30: gives the signal's reason, also when the operation throws something else about it", async () => {
    const controller = new AbortController();
    const result = retry().execute(
      ({ signal }: CallContext) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("my own words")), { once: true });
        }),
      { signal: controller.signal },
    );
    controller.abort("enough");
    await expect(result).rejects.toBe("enough");
  });

  it.each(["fails", "succeeds", "never ends"])(
    "does nothing more when a try %s after the caller has left",
    async (how) => {
      const clock = new VirtualClock();
      const controller = new AbortController();
      const late = Promise.withResolvers<string>();
      let calls = 0;
      const policy = retry({ clock });
      const result = policy.execute(() => (calls++, late.promise), { signal: controller.signal });
      controller.abort("enough");
      await expect(result).rejects.toBe("enough");
      if (how === "fails") late.reject(new Error("late"));
      if (how === "succeeds") late.resolve("late");
      await clock.advance(60_000);
      expect([calls, clock.pending, getEventListeners(controller.signal, "abort").length]).toEqual([1, 0, 0]);
      expect(policy.metrics).toEqual({ retries: 0, recovered: 0, exhausted: 0 });
    },
  );

  it("lets go of a refused result", async () => {
    const controller = new AbortController();
    let disposed = 0;
    const result = outcome(
      retry({ retryOnResult: () => true }).execute(
        async () => {
          controller.abort("enough");
          return { [Symbol.dispose]: () => disposed++ };
        },
        { signal: controller.signal },
      ),
    );
    expect(await result).toBe("enough");
    await new Promise((resolve) => setImmediate(resolve));
    expect(disposed).toBe(1);
  });

  it("pitfall 8: leaves no listener on a signal that lives on, and no timer", async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    for (const failures of [0, 1, 99]) {
      const { operation } = flaky(clock, failures);
      const policy = pipeline(retry({ clock }), timeout({ clock, timeoutMs: 1_000 }));
      const result = outcome(policy.execute((context) => (context.signal, operation()), { signal }));
      await clock.advance(60_000);
      await result;
    }
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("pitfall 20: does not abort the signal of a result that was given", async () => {
    const clock = new VirtualClock();
    const signals: AbortSignal[] = [];
    const policy = pipeline(retry({ clock }), timeout({ clock, timeoutMs: 1_000 }));
    const result = policy.execute(({ signal, attempt }) => {
      signals.push(signal);
      if (attempt === 1) throw new Error("no");
      return "stream";
    });
    await clock.advance(60_000);
    expect(await result).toBe("stream");
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
  });
});

describe("limits of a retry", () => {
  it("limits each try by a timeout inside, longer each time if wanted", async () => {
    const clock = new VirtualClock();
    const aborted: number[] = [];
    const limit = timeout({ clock, timeoutMs: ({ attempt }) => attempt * 1_000 });
    const policy = pipeline(retry({ clock, jitter: "none" }), limit);
    const result = policy.execute(
      ({ signal, attempt }) =>
        new Promise((resolve) => {
          if (attempt === 3) resolve("done");
          signal.addEventListener("abort", () => aborted.push(clock.now()), { once: true });
        }),
    );
    await clock.advance(10_000);
    expect(await result).toBe("done");
    expect(aborted).toHaveLength(2);
    const [first = 0, second = 0] = aborted;
    expect(first).toBeGreaterThanOrEqual(1_000);
    expect(first).toBeLessThan(1_050);
    expect(second).toBeGreaterThanOrEqual(3_100);
    expect(second).toBeLessThan(3_200);
  });

  it("pitfall 28: does not retry what a policy turned away, unless asked", async () => {
    const open = new CircuitOpenError("db", "open", 250);
    const turnedAway = await run({ retryOn: () => true }, 1, () => open);
    expect([turnedAway.calls.length, turnedAway.result]).toEqual([1, open]);
    const asked = await run({ retryRejections: true }, 1, () => open);
    // The breaker says how long.
    expect([asked.calls, asked.result]).toEqual([[0, 250], "done"]);
  });

  it("pitfall 29: knows its own errors from another copy by their brand and code", async () => {
    const brand = { [Symbol.for("holdfast.error")]: true, code: "CIRCUIT_OPEN", retryable: true };
    const error = Object.assign(new Error("circuit breaker is open"), brand);
    expect((await run({}, 1, () => error)).calls).toHaveLength(1);
  });

  it("takes further tries from the budget, which others share", async () => {
    const clock = new VirtualClock();
    const budget = retryBudget({ ratio: 0.5, minPerSecond: 0, clock });
    const events: RetryEvent[] = [];
    const onEvent = (event: RetryEvent): void => void events.push(event);
    const [one, other] = [retry({ clock, budget, onEvent }), retry({ clock, budget, onEvent })];
    await one.execute(() => 1);
    const { calls, operation } = flaky(clock, 99);
    // Two calls have paid for one further try.
    const result = outcome(other.execute(operation));
    await clock.advance(60_000);
    expect(await result).toMatchObject({ reason: "budget", attempts: 2 });
    expect(calls).toHaveLength(2);
    expect(events.map(({ type }) => type)).toEqual(["retry", "retriesExhausted"]);
  });

  it("changes options for later calls alone, all of them or none", async () => {
    const clock = new VirtualClock();
    const policy = retry({ clock, jitter: "none", maxAttempts: 2 });
    const before = flaky(clock, 99);
    const underWay = outcome(policy.execute(before.operation));
    policy.update({ maxAttempts: 4 });
    expect(() => policy.update(5 as never)).toThrow("retry options must be an object (got 5)");
    expect(() => policy.update({ maxDelayMs: 1, maxAttempts: 0 })).toThrow("retry.maxAttempts must be an integer >= 1");
    const after = flaky(clock, 99);
    const later = outcome(policy.execute(after.operation));
    await clock.advance(60_000);
    await Promise.all([underWay, later]);
    expect([before.calls, after.calls]).toEqual([
      [0, 100],
      [0, 100, 300, 700],
    ]);
  });

  it("shows its metrics, and describes itself as it is now", () => {
    const policy = retry({ name: "db", jitter: "none", maxDelayMs: 5_000 });
    expect(Object.keys(policy)).toEqual(["execute", "wrap", "metrics", "update"]);
    const options = "jitter: none, maxDelayMs: 5000, maxElapsedMs: Infinity, retryRejections: false";
    expect(String(explain(policy))).toContain(`retry "db" (maxAttempts: 3, ${options})`);
    policy.update({ maxAttempts: 5 });
    expect(String(explain(policy))).toContain(`retry "db" (maxAttempts: 5, ${options})`);
    expect(String(explain(retry()))).toMatch(/^retry \(maxAttempts: 3, jitter: full, /);
  });

  it("refuses an update with an option that it does not know", () => {
    expect(() => retry().update({ attempts: 3 } as never)).toThrow("retry.attempts is no option");
  });

  it("takes an option that is undefined as left out", async () => {
    const undefinedOptions = { maxAttempts: undefined, clock: undefined, backoff: undefined, budget: undefined };
    expect(await retry(undefinedOptions as unknown as RetryOptions).execute(() => 1)).toBe(1);
  });

  it.each<[object, string]>([
    [{ maxAttempts: -2 }, "retry.maxAttempts must be an integer >= 1 (got -2)"],
    [{ maxAttempts: Infinity }, "retry.maxAttempts must be finite unless maxElapsedMs is (got Infinity)"],
    [{ attempts: 3 }, "retry.attempts is no option"],
    [{ jitter: true }, 'retry.jitter must be "none" or "full" or "equal" or "decorrelated" (got true)'],
    [{ maxDelayMs: Infinity }, "retry.maxDelayMs must be a number >= 0 (got Infinity)"],
    [{ maxElapsedMs: Number.NaN }, "retry.maxElapsedMs must be a number >= 0 (got NaN)"],
    [{ retryOn: 3 }, "retry.retryOn must be a function (got 3)"],
    [{ retryOnResult: "x" }, 'retry.retryOnResult must be a function (got "x")'],
    [{ delayFrom: 3 }, "retry.delayFrom must be a function (got 3)"],
    [{ onEvent: 3 }, "retry.onEvent must be a function (got 3)"],
    [{ budget: {} }, "retry.budget must be a retryBudget() (got an object)"],
    [{ retryRejections: 1 }, "retry.retryRejections must be true or false (got 1)"],
    [{ backoff: 100 }, "retry.backoff must be a schedule, an iterable of delays or a function (got 100)"],
  ])("refuses %j", (options, message) => {
    expect(() => retry(options as RetryOptions)).toThrow(message);
  });
});
