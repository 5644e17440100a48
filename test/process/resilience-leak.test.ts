import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { bulkhead, circuitBreaker, pipeline, retry, timeout, type CallContext } from "holdfast/resilience";
import { VirtualClock } from "holdfast/testing";
import { expect, it } from "vitest";

/** Ten millions by hand: HOLDFAST_LEAK_CALLS=10000000. */
const calls = Number(process.env["HOLDFAST_LEAK_CALLS"] ?? 1_000_000);
const wave = 4_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

it(`${calls} calls under failures, aborts and timeouts leave nothing behind`, { timeout: calls / 10 }, async () => {
  const clock = new VirtualClock();
  const leaving: AbortController[] = [];
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", onUnhandled);
  const { signal } = new AbortController();
  const breaker = circuitBreaker({
    window: { kind: "count", size: 100_000 },
    minimumCalls: wave,
    failureRate: 1,
    clock,
  });
  const policy = pipeline(
    timeout({ timeoutMs: 1_000, clock }),
    retry({ maxAttempts: 2, maxDelayMs: 2, clock }),
    breaker,
    timeout({ timeoutMs: 20, clock }),
    bulkhead({ maxConcurrent: wave / 2, maxQueue: wave, clock }),
  );
  const outcomes = new Map<string, number>();
  let heapAfterWarmUp = 0;

  for (let made = 0; made < calls; made += wave) {
    const served = Promise.all(Array.from({ length: wave }, (_, at) => call(at)));
    await clock.advance(5);
    for (const controller of leaving.splice(0)) controller.abort("the caller left");
    await clock.advance(200);
    await served;
    if (made === wave * 20) heapAfterWarmUp = heapUsed();
  }

  expect(heapUsed() - heapAfterWarmUp).toBeLessThan(2_000_000);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  await clock.advance(2_000);
  expect(clock.pending).toBe(0);
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled).toEqual([]);
  expect(breaker.metrics.probing).toBe(0);
  // All kinds of fault have happened, and in their numbers.
  const each = calls / 100;
  expect(Object.fromEntries(outcomes)).toEqual({
    fulfilled: each * 94,
    failed: each * 2,
    OPERATION_TIMED_OUT: each * 2,
    "the caller left": each * 2,
  });

  async function call(at: number): Promise<void> {
    const kind = at % 100;
    const own = kind === 98 || kind === 99 ? new AbortController() : undefined;
    const result = policy.execute((context) => serve(kind, context, clock), { signal: own?.signal ?? signal });
    if (kind === 98) own?.abort("the caller left");
    if (kind === 99 && own !== undefined) leaving.push(own);
    const outcome = await result.then(
      () => "fulfilled",
      (error: unknown) => {
        if (typeof error === "string") return error;
        // The retry has given up: its cause is what the last attempt came to.
        const { code, cause } = error as { readonly code?: string; readonly cause?: { readonly code?: string } };
        return code === "RETRIES_EXHAUSTED" ? (cause?.code ?? "failed") : (code ?? "failed");
      },
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
});

/** A service with every way to answer. */
function serve(kind: number, { attempt, signal }: CallContext, clock: VirtualClock): unknown {
  if (kind < 80) return Promise.resolve(kind);
  if (kind < 85) return kind;
  if (kind < 94) return attempt === 1 ? Promise.reject(new Error("at first")) : kind;
  if (kind === 94) throw new Error("at once");
  if (kind === 95) return Promise.reject(new Error("always"));
  // One that pays no attention to its signal, and ends when nobody waits any more.
  if (kind === 96) return clock.sleep(100);
  // The others do, and none takes its listener away again.
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

function heapUsed(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
