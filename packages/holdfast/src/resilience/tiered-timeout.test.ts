import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { descriptionOf, type Staged } from "./stage.ts";
import { tieredTimeout, type TieredTimeoutEvent, type TieredTimeoutOptions } from "./tiered-timeout.ts";
import type { TierFallback } from "./timeout-tier.ts";

function setup<Answer = never>(options: TieredTimeoutOptions<Answer> = {}) {
  const clock = new VirtualClock();
  const events: TieredTimeoutEvent[] = [];
  const tiers = tieredTimeout<Answer>({ clock, onEvent: (event) => events.push(event), ...options });
  return { clock, events, tiers };
}

/** One tier, `job`: 100 ms and one retry of twice that. */
function job<Answer = never>(fallback: TierFallback<Answer>) {
  return setup<Answer>({ tiers: { job: { timeoutMs: 100, retries: 1, multiplier: 2, fallback } } });
}

function watch(promise: Promise<unknown>): { value?: unknown; error?: unknown } {
  const seen: { value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return seen;
}

const forever = (): Promise<never> => new Promise(() => {});

describe("tieredTimeout", () => {
  it.each([
    { type: "database", limits: [5_000, 10_000, 20_000] },
    { type: "externalApi", limits: [10_000, 15_000, 22_500, 33_750] },
    { type: "cache", limits: [100, 100] },
    { type: "never heard of", limits: [10_000] },
  ])("$type: limits of $limits ms, then the error", async ({ type, limits }) => {
    const { clock, events, tiers } = setup();
    const attempts: number[] = [];
    const seen = watch(tiers.execute(type, ({ attempt }) => (attempts.push(attempt), forever())));
    await clock.advance(limits.reduce((sum, limit) => sum + limit + limit / 64 + 2, 0));
    expect(events.filter((event) => event.type === "tierTimedOut").map((event) => event.timeoutMs)).toEqual(limits);
    expect(events.at(-1)).toMatchObject({ type: "tierExhausted", strategy: "immediateError" });
    expect(attempts).toEqual(limits.map((_, at) => at + 1));
    expect(seen.error).toMatchObject({ code: "OPERATION_TIMED_OUT", timeoutMs: limits.at(-1) });
  });

  it("does not retry what failed for another reason", async () => {
    const { tiers } = setup();
    let calls = 0;
    const result = tiers.execute("database", () => {
      calls++;
      throw new Error("syntax error");
    });
    await expect(result).rejects.toThrow("syntax error");
    expect(calls).toBe(1);
  });

  it("does not try again for a caller who has left, whether the operation ends or not", async () => {
    const { clock, events, tiers } = job({ strategy: "bestEffort" });
    const operations = [forever, ({ signal }: { readonly signal: AbortSignal }) => clock.sleep(1_000, { signal })];
    for (const operation of operations) {
      let calls = 0;
      const controller = new AbortController();
      const result = tiers.execute("job", (context) => (calls++, operation(context)), { signal: controller.signal });
      controller.abort("enough");
      await expect(result).rejects.toBe("enough");
      await clock.advance(2_000);
      expect([calls, events]).toEqual([1, []]);
    }
    expect(tiers.metrics["job"]).toEqual({ timedOut: 0, exhausted: 0, queued: 0 });
  });

  it("a try after a timeout may succeed", async () => {
    const { clock, tiers } = setup();
    const seen = watch(
      tiers.execute("cache", async ({ attempt }) => (await clock.sleep(attempt === 1 ? 500 : 10), attempt)),
    );
    await clock.advance(115);
    expect(seen).toEqual({ value: 2 });
  });

  it("bestEffort tries once more with a longer limit", async () => {
    const { clock, tiers } = job({ strategy: "bestEffort", timeoutMs: 1_000 });
    const work = async ({ attempt }: { attempt: number }) => (await clock.sleep(900), attempt);
    const seen = watch(tiers.execute("job", work));
    const never = watch(tiers.execute("job", forever));
    await clock.advance(100 + 200 + 900 + 10);
    expect(seen).toEqual({ value: 3 });
    await clock.advance(200);
    expect(never.error).toMatchObject({ timeoutMs: 1_000 });
  });

  it("bestEffort takes three times the tier's limit when it is told none", async () => {
    const { clock, tiers } = job({ strategy: "bestEffort" });
    const seen = watch(tiers.execute("job", forever));
    await clock.advance(100 + 200 + 310);
    expect(seen.error).toMatchObject({ timeoutMs: 300 });
  });

  it("disposes what comes too late, and nothing else", async () => {
    const { clock, tiers } = setup();
    let disposed = 0;
    const result = { [Symbol.dispose]: () => disposed++ };
    const seen = watch(
      tiers.execute("cache", async ({ attempt }) => {
        await clock.sleep(attempt === 1 ? 150 : 20);
        return result;
      }),
    );
    await clock.advance(1_000);
    expect(seen.value).toBe(result);
    expect(disposed).toBe(1);
  });

  it("tells under its name, and describes each tier", async () => {
    const { clock, events, tiers } = setup({ name: "limits" });
    watch(tiers.execute("cache", forever));
    await clock.advance(250);
    const told = { policy: "limits", tier: "cache", strategy: "immediateError", timeoutMs: 100 };
    expect(events).toMatchObject([
      { type: "tierTimedOut", ...told, attempt: 1 },
      { type: "tierTimedOut", ...told, attempt: 2 },
      { type: "tierExhausted", ...told, attempt: 2 },
    ]);
    expect((tiers.policy("cache") as unknown as Staged)[descriptionOf]).toEqual({
      kind: "tieredTimeout",
      name: "cache",
      options: { timeoutMs: 100, retries: 1, multiplier: 1 },
    });
    const plain = setup();
    watch(plain.tiers.execute("cache", forever));
    await plain.clock.advance(250);
    expect(plain.events[0]).toMatchObject({ policy: "" });
  });

  it("queueAndRetry: goes on counting the tries", async () => {
    const { clock, tiers } = job({ strategy: "queueAndRetry", delayMs: 10, maxAttempts: 2 });
    const attempts: number[] = [];
    watch(tiers.execute("job", ({ attempt }) => (attempts.push(attempt), forever())));
    await clock.advance(10_000);
    expect(attempts).toEqual([1, 2, 3, 4]);
  });

  it("gracefulDegradation answers something lesser", async () => {
    const { clock, tiers } = job<string>({
      strategy: "gracefulDegradation",
      degraded: (error) => `popular items after ${error.timeoutMs} ms`,
    });
    const seen = watch(tiers.execute("job", forever));
    await clock.advance(310);
    expect(seen).toEqual({ value: "popular items after 200 ms" });
    expect(tiers.metrics["job"]).toEqual({ timedOut: 2, exhausted: 1, queued: 0 });
  });

  it("queueAndRetry: calls wait until the dependency is back, and then run in order, one at a time", async () => {
    const { clock, tiers } = job({ strategy: "queueAndRetry", delayMs: 1_000, maxAttempts: 5 });
    let healthy = false;
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const seen = [1, 2, 3].map((id) =>
      watch(
        tiers.execute("job", async ({ signal }) => {
          if (!healthy) return forever();
          most = Math.max(most, ++running);
          await clock.sleep(10, { signal });
          running--;
          order.push(id);
          return id;
        }),
      ),
    );
    await clock.advance(320);
    expect(tiers.metrics["job"]?.queued).toBe(3);
    // The first retry runs out of time as well; the next comes after twice the delay.
    await clock.advance(1_500);
    expect(seen).toEqual([{}, {}, {}]);
    healthy = true;
    await clock.advance(2_100);
    expect(seen).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }]);
    expect(order).toEqual([1, 2, 3]);
    expect(most).toBe(1);
    expect(tiers.metrics["job"]?.queued).toBe(0);
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });

  it("queueAndRetry: gives up after maxAttempts, and the next is tried", async () => {
    const { clock, tiers } = job({ strategy: "queueAndRetry", delayMs: 1_000, maxAttempts: 2 });
    const bad = watch(tiers.execute("job", forever));
    let calls = 0;
    const good = watch(tiers.execute("job", () => (++calls < 3 ? forever() : "at last")));
    await clock.advance(20_000);
    expect(bad.error).toMatchObject({ code: "OPERATION_TIMED_OUT", timeoutMs: 200 });
    expect(good).toEqual({ value: "at last" });
  });

  it("queueAndRetry: turns away when the queue is full, with the timeout as the cause", async () => {
    const { clock, tiers } = job({ strategy: "queueAndRetry", maxQueue: 1 });
    watch(tiers.execute("job", forever));
    const second = watch(tiers.execute("job", forever));
    await clock.advance(320);
    expect(second.error).toMatchObject({ code: "RETRY_QUEUE_FULL", cause: { code: "OPERATION_TIMED_OUT" } });
  });

  it("queueAndRetry: an abort leaves the queue at once, also while it is tried, and holds nobody up", async () => {
    const { clock, tiers } = job({ strategy: "queueAndRetry", delayMs: 1_000 });
    const controller = new AbortController();
    const first = watch(tiers.execute("job", forever, { signal: controller.signal }));
    let calls = 0;
    const second = watch(tiers.execute("job", () => (++calls < 3 ? forever() : "second")));
    await clock.advance(1_400);
    controller.abort("enough");
    await clock.advance(0);
    expect(first).toEqual({ error: "enough" });
    expect(tiers.metrics["job"]?.queued).toBe(1);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await clock.advance(2_000);
    expect(second).toEqual({ value: "second" });
  });

  it("close gives those who wait their timeout", async () => {
    const { clock, tiers } = job({ strategy: "queueAndRetry" });
    const first = watch(tiers.execute("job", forever));
    await clock.advance(320);
    tiers.close();
    await clock.advance(0);
    expect(first.error).toMatchObject({ code: "OPERATION_TIMED_OUT" });
    await clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });

  it.each<{ tier: object; message: string }>([
    {
      tier: { timeoutMs: -1, retries: 0, multiplier: 1 },
      message: "tieredTimeout.tiers.x.timeoutMs must be a number >= 0 (got -1)",
    },
    {
      tier: { timeoutMs: 1, retries: 0.5, multiplier: 1 },
      message: "tieredTimeout.tiers.x.retries must be an integer",
    },
    {
      tier: { timeoutMs: 1, retries: 0, multiplier: 0 },
      message: "tieredTimeout.tiers.x.multiplier must be a number >= 1",
    },
    {
      tier: { timeoutMs: 1, retries: 0, multiplier: 1, fallback: { strategy: "hope" } },
      message: 'tieredTimeout.tiers.x.fallback.strategy must be "immediateError" or',
    },
    {
      tier: { timeoutMs: 1, retries: 0, multiplier: 1, fallback: { strategy: "gracefulDegradation" } },
      message: "tieredTimeout.tiers.x.fallback.degraded must be a function (got undefined)",
    },
    {
      tier: { timeoutMs: 1, retries: 0, multiplier: 1, fallback: { strategy: "queueAndRetry", maxQueue: 0 } },
      message: "tieredTimeout.tiers.x.fallback.maxQueue must be an integer >= 1 (got 0)",
    },
    ...[null, 5].map((fallback) => ({
      tier: { timeoutMs: 1, retries: 0, multiplier: 1, fallback },
      message: `tieredTimeout.tiers.x.fallback must be an object (got ${fallback})`,
    })),
    ...(
      [
        [{ strategy: "immediateError", timeoutMs: 1 }, "timeoutMs is no option"],
        [{ strategy: "bestEffort", maxQueue: 1 }, "maxQueue is no option"],
        [{ strategy: "bestEffort", timeoutMs: -1 }, "timeoutMs must be a number >= 0 (got -1)"],
        [{ strategy: "gracefulDegradation", maxQueue: 1 }, "maxQueue is no option"],
        [{ strategy: "queueAndRetry", timeoutMs: 1 }, "timeoutMs is no option"],
        [{ strategy: "queueAndRetry", delayMs: 0 }, "delayMs must be a number >= 1 (got 0)"],
        [{ strategy: "queueAndRetry", maxDelayMs: 999 }, "maxDelayMs must be a number >= 1000 (got 999)"],
        [{ strategy: "queueAndRetry", maxAttempts: 0 }, "maxAttempts must be an integer >= 1 (got 0)"],
      ] as const
    ).map(([fallback, rule]) => ({
      tier: { timeoutMs: 1, retries: 0, multiplier: 1, fallback },
      message: `tieredTimeout.tiers.x.fallback.${rule}`,
    })),
  ])("refuses $message", ({ tier, message }) => {
    expect(() => tieredTimeout({ tiers: { x: tier as never } })).toThrow(message);
  });
});
