import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { VirtualClock } from "../testing/index.ts";
import {
  circuitBreaker,
  constantBackoff,
  exponentialBackoff,
  fibonacciBackoff,
  hedge,
  linearBackoff,
  pipeline,
  retry,
  timeout,
  type RetryEvent,
  type RetryOptions,
} from "./index.ts";

/** Mistakes about when to try again, whether to, and which of several answers counts. */

const boom = new Error("boom");

/** Runs what always fails, and tells when it was called and which delays were announced. */
async function failing(options: RetryOptions, advanceMs: number, error: unknown = boom) {
  const clock = new VirtualClock();
  const calls: number[] = [];
  const delays: number[] = [];
  const onEvent = (event: RetryEvent): void => {
    if (event.type === "retry") delays.push(event.delayMs);
  };
  let endedAt: number | undefined;
  const result = retry({ clock, onEvent, ...options })
    .execute(() => {
      calls.push(clock.now());
      return Promise.reject(error);
    })
    .catch((failure: unknown) => {
      endedAt = clock.now();
      return failure;
    });
  await clock.advance(advanceMs);
  return { calls, delays, endedAt, result };
}

describe("mistakes about trying again", () => {
  it.each([
    ["exponential", exponentialBackoff({ baseMs: 100 })],
    ["linear", linearBackoff({ baseMs: 1e300 })],
    ["fibonacci", fibonacciBackoff({ baseMs: 100 })],
    ["not a number", () => Number.NaN],
    ["infinite", () => Infinity],
    ["beyond 2^31 ms", constantBackoff(2 ** 40)],
  ] as const)("pitfall 16: the 1 500th delay is none that is negative, NaN or over at once: %s", async (_, backoff) => {
    for (const jitter of ["none", "full", "equal", "decorrelated"] as const) {
      const settings = { backoff, jitter, random: seededRandom(7), maxAttempts: 1_500, maxDelayMs: 60_000 };
      const { delays, calls } = await failing(settings, 1_500 * 60_000);
      expect([calls.length, delays.length]).toEqual([1_500, 1_499]);
      expect(delays.filter((delay) => !(delay >= 0 && delay <= 60_000))).toEqual([]);
    }
  });

  it("pitfall 16: a wait beyond 2^31 ms waits, on the real clock too", async () => {
    let calls = 0;
    const controller = new AbortController();
    const result = retry({ backoff: constantBackoff(2 ** 33), jitter: "none", maxDelayMs: 2 ** 34 }).execute(
      () => Promise.reject(new Error(`try ${++calls}`)),
      { signal: controller.signal },
    );
    // A platform timer that overflows fires after a millisecond: a later timer tells that this one has not.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(calls).toBe(1);
    controller.abort(boom);
    await expect(result).rejects.toBe(boom);
    expect(calls).toBe(1);
  });

  it("pitfall 17: what the server asks for is capped, never cut by jitter, and fails fast when it goes beyond the deadline", async () => {
    const asks = (retryAfterMs: number): unknown => Object.assign(new Error("busy"), { retryAfterMs });
    for (const jitter of ["full", "equal", "decorrelated"] as const) {
      const random = seededRandom(3);
      const { calls } = await failing({ jitter, random, maxAttempts: 4 }, 60_000, asks(7_000));
      for (const [at, call] of calls.slice(1).entries())
        expect(call - (calls[at] as number)).toBeGreaterThanOrEqual(7_000);
      expect(calls).toHaveLength(4);
    }
    const capped = await failing({ jitter: "full", maxDelayMs: 500 }, 10_000, asks(3_600_000));
    expect(capped.calls).toEqual([0, 500, 1_000]);
    const hopeless = await failing({ maxElapsedMs: 5_000 }, 60_000, asks(7_000));
    expect([hopeless.calls, hopeless.endedAt]).toEqual([[0], 0]);
    expect(await hopeless.result).toMatchObject({ reason: "elapsed" });
  });

  it("pitfall 18: a wait that would end after the deadline is not begun, nor shortened for a last try", async () => {
    const { calls, endedAt, result } = await failing(
      { jitter: "none", backoff: constantBackoff(400), maxAttempts: 9, maxElapsedMs: 1_000 },
      60_000,
    );
    expect([calls, endedAt]).toEqual([[0, 400, 800], 800]);
    expect(await result).toMatchObject({ reason: "elapsed", attempts: 3 });
  });

  it("pitfall 19: a fast error does not win against a slower answer", async () => {
    const clock = new VirtualClock();
    const result = hedge({ clock, delayMs: 10 }).execute(async ({ attempt }) => {
      await clock.sleep(attempt === 1 ? 15 : 50);
      if (attempt === 1) throw boom;
      return "slow but good";
    });
    await clock.advance(100);
    expect(await result).toBe("slow but good");
  });

  it("pitfall 19: the winner does not wait for a loser that ignores its abort, whose result is disposed", async () => {
    const clock = new VirtualClock();
    let wonAt: number | undefined;
    const disposed: number[] = [];
    const result = hedge({ clock, delayMs: 10 })
      .execute(async ({ attempt }) => {
        await clock.sleep(attempt === 1 ? 5_000 : 20);
        return { attempt, [Symbol.dispose]: () => disposed.push(attempt) };
      })
      .then((winner) => {
        wonAt = clock.now();
        return winner.attempt;
      });
    await clock.advance(100);
    expect([await result, wonAt, disposed]).toEqual([2, 30, []]);
    await clock.advance(5_000);
    expect(disposed).toEqual([1]);
  });

  it("pitfall 28: what an open breaker turns away is not tried again, unless that is asked for", async () => {
    const clock = new VirtualClock();
    for (const [retryRejections, rejected] of [
      [false, 1],
      [true, 3],
    ] as const) {
      const breaker = circuitBreaker({ clock, initialState: "forcedOpen" });
      const policy = pipeline(
        retry({ clock, retryRejections, backoff: constantBackoff(10), jitter: "none" }),
        breaker,
        timeout({ clock }),
      );
      const result = policy.execute(() => 1).catch((error: { code: string }) => error.code);
      await clock.advance(1_000);
      expect(await result).toBe(retryRejections ? "RETRIES_EXHAUSTED" : "CIRCUIT_OPEN");
      expect(breaker.metrics.totals.rejected).toBe(rejected);
    }
  });

  it("pitfall 28: a rejection that is tried again is tried when the breaker lets calls through", async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ clock, window: { kind: "consecutive", failures: 1 }, openMs: 5_000 });
    await breaker.execute(() => Promise.reject(boom)).catch(() => undefined);
    const policy = pipeline(retry({ clock, retryRejections: true, maxAttempts: 2 }), breaker);
    const result = policy.execute(() => clock.now());
    await clock.advance(10_000);
    expect(await result).toBe(5_000);
  });
});
