import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { bulkhead, circuitBreaker, concurrencyLimiter, pipeline, rateLimiter, timeout } from "./index.ts";

/** Mistakes about places: given back too early, twice, or not at all, and rates that are none at the edge. */

/** Counts how many run at once, of operations that nobody can stop. */
function crowd(clock: VirtualClock, ms: number) {
  const seen = { now: 0, most: 0 };
  const operation = async (): Promise<void> => {
    seen.most = Math.max(seen.most, ++seen.now);
    await clock.sleep(ms);
    seen.now--;
  };
  return { seen, operation };
}

describe("mistakes about places", () => {
  it.each([
    ["outside, holding until settled", true],
    ["inside", false],
  ])("pitfall 10: a timeout gives no place away while the work goes on: the bulkhead %s", async (_, outside) => {
    const clock = new VirtualClock();
    const limit = timeout({ clock, timeoutMs: 20 });
    const places = bulkhead({ clock, maxConcurrent: 2, maxQueue: 0, holdUntilSettled: outside });
    const policy = outside ? pipeline(places, limit) : pipeline(limit, places);
    const { seen, operation } = crowd(clock, 200);
    const calls: Promise<unknown>[] = [];
    for (let call = 0; call < 12; call++) {
      calls.push(policy.execute(operation).catch((error: { code: string }) => error.code));
      await clock.advance(10);
    }
    expect(seen.most).toBe(2);
    await clock.advance(1_000);
    const codes = await Promise.all(calls);
    expect(codes.filter((code) => code === "OPERATION_TIMED_OUT")).toHaveLength(2);
    expect(codes.filter((code) => code === "BULKHEAD_FULL")).toHaveLength(10);
    expect(places.metrics).toMatchObject({ active: 0, free: 2 });
  });

  it("pitfall 11: who is aborted in the queue leaves it at once: the next finds the place", async () => {
    const clock = new VirtualClock();
    const policy = bulkhead({ clock, maxConcurrent: 1, maxQueue: 1 });
    const first = Promise.withResolvers<void>();
    const running = policy.execute(() => first.promise);
    const controller = new AbortController();
    let ran = false;
    const queued = policy.execute(() => (ran = true), { signal: controller.signal });
    await expect(policy.execute(() => 1)).rejects.toMatchObject({ code: "BULKHEAD_FULL" });
    controller.abort("gone");
    await expect(queued).rejects.toBe("gone");
    const next = policy.execute(() => "next");
    expect(policy.metrics.waiting).toBe(1);
    first.resolve();
    await running;
    expect(await next).toBe("next");
    expect([ran, policy.metrics.active]).toEqual([false, 0]);
  });

  it("pitfall 11: a place that is granted to who gives up in the same moment is not lost", async () => {
    const clock = new VirtualClock();
    const policy = bulkhead({ clock, maxConcurrent: 1 });
    const permit = policy.tryAcquire();
    const controller = new AbortController();
    const queued = policy.execute(() => "ran", { signal: controller.signal });
    permit?.release();
    controller.abort("gone");
    await queued.catch(() => undefined);
    await clock.advance(0);
    expect(policy.metrics).toMatchObject({ active: 0, waiting: 0 });
    expect(await policy.execute(() => "next")).toBe("next");
  });

  it("pitfall 12: no way of ending gives a place back twice", async () => {
    const clock = new VirtualClock();
    for (const places of [
      bulkhead({ clock, maxConcurrent: 1 }),
      bulkhead({ clock, maxConcurrent: 1, holdUntilSettled: true }),
    ]) {
      const policy = pipeline(
        places,
        timeout({
          clock,
          timeoutMs: 20,
          onLateResult: () => {
            throw new Error("a store that is full");
          },
        }),
      );
      for (let call = 0; call < 3; call++) {
        const controller = new AbortController();
        const aborted = policy.execute(() => clock.sleep(10), { signal: controller.signal });
        controller.abort();
        const all = [
          aborted,
          policy.execute(() => clock.sleep(100)),
          policy.execute(() => Promise.reject(new Error())),
        ];
        const settled = Promise.allSettled(all);
        await clock.advance(500);
        await settled;
      }
      const permit = places.tryAcquire();
      permit?.release();
      permit?.release();
      permit?.[Symbol.dispose]();
      expect(places.metrics).toMatchObject({ active: 0, free: 1 });
      const { seen, operation } = crowd(clock, 10);
      const calls = Promise.all(Array.from({ length: 5 }, () => places.execute(operation)));
      await clock.advance(100);
      await calls;
      expect(seen.most).toBe(1);
    }
  });

  it("pitfall 12: a permit or a call of a breaker, or a limiter, counts once", async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ clock });
    const permit = breaker.tryAcquire();
    permit?.failure();
    permit?.failure();
    permit?.success();
    permit?.release();
    expect(breaker.metrics.totals).toMatchObject({ failures: 1, successes: 0, ignored: 0 });
    const limiter = concurrencyLimiter({ clock, initialLimit: 1, minLimit: 1, maxLimit: 1 });
    for (let call = 0; call < 3; call++)
      await limiter.execute(() => Promise.reject(new Error())).catch(() => undefined);
    expect(limiter.metrics.inFlight).toBe(0);
  });

  it("pitfall 27: there is no edge at which twice the rate passes", async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ clock, limits: { permits: 10, perMs: 1_000 } });
    const granted: number[] = [];
    await clock.advance(990);
    for (let at = 990; at < 4_000; at += 5) {
      while (limiter.tryAcquire()) granted.push(at);
      await clock.advance(5);
    }
    expect(granted.length).toBeGreaterThan(20);
    for (const from of granted) {
      expect(granted.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(10);
    }
  });

  it("pitfall 27: who is aborted while waiting gives the reservation back", async () => {
    const clock = new VirtualClock();
    const limiter = rateLimiter({ clock, limits: { permits: 1, perMs: 1_000 }, maxWaitMs: 1_500 });
    expect(limiter.tryAcquire()).toBe(true);
    const controller = new AbortController();
    const waiting = limiter.execute(() => 1, { signal: controller.signal });
    await expect(limiter.execute(() => 2)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    controller.abort("gone");
    await expect(waiting).rejects.toBe("gone");
    const next = limiter.execute(() => clock.now());
    await clock.advance(1_500);
    expect(await next).toBeLessThanOrEqual(1_100);
  });
});
