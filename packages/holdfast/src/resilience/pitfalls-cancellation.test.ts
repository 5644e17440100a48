import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import {
  bulkhead,
  circuitBreaker,
  constantBackoff,
  fallback,
  hedge,
  pipeline,
  rateLimiter,
  retry,
  timeout,
  type CallContext,
  type Policy,
  type TimeoutEvent,
} from "./index.ts";

/** Mistakes about giving up: of callers, of time limits, of signals and of what is left behind. */

const boom = new Error("boom");

/** An operation that ends only when it is told to. */
function obedient({ signal }: CallContext): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What the process says that nobody wants to hear, while `work` is done. */
async function complaints(event: "warning" | "unhandledRejection", work: () => Promise<void>): Promise<unknown[]> {
  const heard: unknown[] = [];
  const listener = (what: unknown): void => void heard.push(what);
  process.on(event, listener);
  try {
    await work();
    await nextTurn();
    await nextTurn();
  } finally {
    process.off(event, listener);
  }
  return heard;
}

describe("mistakes about giving up", () => {
  it("pitfall 6: an abort ends the wait between tries at once, and nothing is tried again", async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const controller = new AbortController();
    let endedAt: number | undefined;
    const result = retry({ clock, backoff: constantBackoff(400), jitter: "none" })
      .execute(() => Promise.reject(new Error(`try ${++calls}`)), { signal: controller.signal })
      .catch((error: unknown) => {
        endedAt = clock.now();
        return error;
      });
    await clock.advance(50);
    controller.abort(boom);
    await clock.advance(1_000);
    expect([await result, endedAt, calls, clock.pending]).toEqual([boom, 50, 1, 0]);
  });

  it("pitfall 7: a caller's abort is no timeout: not in the error, the events or the counts", async () => {
    const clock = new VirtualClock();
    const events: TimeoutEvent[] = [];
    const policy = timeout({ timeoutMs: 5_000, clock, onEvent: (event) => events.push(event) });
    for (const operation of [obedient, () => new Promise(() => undefined)]) {
      const controller = new AbortController();
      const result = policy.execute(operation, { signal: controller.signal });
      await clock.advance(20);
      controller.abort(boom);
      await expect(result).rejects.toBe(boom);
    }
    await clock.advance(10_000);
    expect([events, policy.metrics.timedOut]).toEqual([[], 0]);
    await Promise.all([
      expect(policy.execute(obedient)).rejects.toMatchObject({ code: "OPERATION_TIMED_OUT" }),
      clock.advance(6_000),
    ]);
    expect(events.filter(({ type }) => type === "timedOut")).toHaveLength(1);
  });

  it("pitfall 8: a hundred calls at once on one long-lived signal leave no listener and no timer, and raise no warning", async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const policy = pipeline(
      retry({ clock, maxAttempts: 2, backoff: constantBackoff(10) }),
      circuitBreaker({ clock, window: { kind: "count", size: 1_000 }, minimumCalls: 1_000 }),
      timeout({ clock, timeoutMs: 1_000 }),
      bulkhead({ clock, maxConcurrent: 10 }),
      hedge({ clock, delayMs: 5 }),
    );
    const heard = await complaints("warning", async () => {
      const calls = Array.from({ length: 100 }, (_, at) =>
        policy.execute(
          async (context) => {
            await clock.sleep(20, context);
            if (at % 3 === 0) throw boom;
            return at;
          },
          { signal },
        ),
      );
      const all = Promise.allSettled(calls);
      await clock.advance(60_000);
      expect((await all).filter(({ status }) => status === "fulfilled")).toHaveLength(66);
    });
    expect(heard).toEqual([]);
    expect([getEventListeners(signal, "abort"), clock.pending]).toEqual([[], 0]);
  });

  it("pitfall 9: the timeout of one call aborts its own operation and no other", async () => {
    const clock = new VirtualClock();
    const policy = pipeline(retry({ clock, maxAttempts: 1 }), timeout({ clock, timeoutMs: 50 }));
    const signals: AbortSignal[] = [];
    const slow = policy
      .execute(({ signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      })
      .catch((error: unknown) => error);
    await clock.advance(30);
    const other = policy.execute(async (context) => {
      signals.push(context.signal);
      await clock.sleep(40, context);
      return "mine";
    });
    await clock.advance(60);
    await slow;
    expect(await other).toBe("mine");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it("pitfall 13: what an abandoned or losing operation still throws is handled", async () => {
    const clock = new VirtualClock();
    let late = 0;
    const stubborn = async (ms: number): Promise<never> => {
      await clock.sleep(ms);
      late++;
      throw boom;
    };
    const heard = await complaints("unhandledRejection", async () => {
      const timed = timeout({ clock, timeoutMs: 10 }).execute(() => stubborn(100));
      const raced = hedge({ clock, delayMs: 5 }).execute(({ attempt }) => (attempt === 1 ? stubborn(100) : "second"));
      const controller = new AbortController();
      const left = circuitBreaker({ clock }).execute(() => stubborn(100), { signal: controller.signal });
      const all = Promise.allSettled([timed, raced, left]);
      await clock.advance(20);
      controller.abort(boom);
      expect((await all).map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
      await clock.advance(200);
    });
    expect([heard, late]).toEqual([[], 3]);
  });

  it("pitfall 13: a fallback answers once, also when the operation fails after its timeout", async () => {
    const clock = new VirtualClock();
    let answers = 0;
    const late = Promise.withResolvers<never>();
    const result = pipeline(
      fallback(() => ++answers),
      timeout({ clock, timeoutMs: 10 }),
    ).execute(() => late.promise);
    await clock.advance(20);
    late.reject(boom);
    await clock.advance(20);
    expect([await result, answers]).toEqual([1, 1]);
  });

  /** What each does with a call that is given up while it waits there. */
  const places: readonly [string, (clock: VirtualClock) => Promise<Policy>][] = [
    ["between tries", async (clock) => retry({ clock, backoff: constantBackoff(1_000), jitter: "none" })],
    ["under a timeout", async (clock) => timeout({ clock, timeoutMs: 1_000 })],
    ["under a cooperative timeout", async (clock) => timeout({ clock, timeoutMs: 1_000, mode: "cooperative" })],
    ["among hedges", async (clock) => hedge({ clock, delayMs: 1 })],
    ["in a breaker", async (clock) => circuitBreaker({ clock })],
    [
      "in a bulkhead's queue",
      async (clock) => {
        const policy = bulkhead({ clock, maxConcurrent: 1 });
        policy.tryAcquire();
        return policy;
      },
    ],
    [
      "in a rate limiter's queue",
      async (clock) => {
        const policy = rateLimiter({ clock, limits: { permits: 1, perMs: 10_000 }, maxWaitMs: 60_000 });
        policy.tryAcquire();
        return policy;
      },
    ],
  ];

  it.each(places)(
    "pitfall 30: whoever gives up %s gets the reason itself, whatever was thrown meanwhile",
    async (place, make) => {
      const clock = new VirtualClock();
      const policy = pipeline(await make(clock));
      // A reason is any value, and need be no error.
      for (const reason of [boom, "enough", { left: true }]) {
        const controller = new AbortController();
        const result = policy
          .execute(
            ({ signal }) => {
              if (place === "between tries") throw new Error("the last error");
              return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("my own"))));
            },
            { signal: controller.signal },
          )
          .then(
            () => "an answer",
            (error: unknown) => ({ error }),
          );
        await clock.advance(10);
        controller.abort(reason);
        expect(await result).toEqual({ error: reason });
      }
    },
  );
});
