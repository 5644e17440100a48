import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { RateLimitedError } from "./rate-limited-error.ts";
import { rateLimiter, type RateLimiterEvent, type RateLimiterOptions } from "./rate-limiter.ts";

const boom = new Error("boom");
const even = { permits: 10, perMs: 1_000, algorithm: "tokenBucket", burst: 1 } as const;

function setup(options: Partial<RateLimiterOptions> = {}) {
  const clock = new VirtualClock();
  const events: RateLimiterEvent[] = [];
  const limiter = rateLimiter({ limits: even, ...options, clock, onEvent: (event) => events.push(event) });
  const order: string[] = [];
  const call = (name: string, options?: { readonly key?: string; readonly signal?: AbortSignal }): Promise<void> =>
    limiter.execute(() => void order.push(`${name}@${clock.now()}`), options);
  return { clock, events, limiter, order, call };
}

describe("a rate limiter", () => {
  it("rejects what is too much, and says when to come again", async () => {
    const { call, limiter, clock, events } = setup({ name: "per host" });
    await call("a");
    const error = await call("b").catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ code: "RATE_LIMITED", retryable: true, retryAfterMs: 100, key: undefined });
    expect(events).toEqual([
      { type: "rateLimitRejected", at: clock.wallTime(), policy: "per host", key: undefined, retryAfterMs: 100 },
    ]);
    await clock.advance(100);
    await call("c");
    expect(limiter.metrics).toEqual({ granted: 2, rejected: 1, waiting: 0, keys: 0 });
  });

  it("lets calls wait, first come first served", async () => {
    const { call, clock, order, limiter, events } = setup({ maxWaitMs: 250 });
    const calls = [call("a"), call("b"), call("c")];
    expect(events).toMatchObject([
      { type: "rateLimitWaiting", waitMs: 100, policy: "", at: clock.wallTime() },
      { type: "rateLimitWaiting", waitMs: 200 },
    ]);
    await expect(call("d")).rejects.toMatchObject({ retryAfterMs: 300 });
    await clock.advance(1_000);
    await Promise.all(calls);
    expect(order).toEqual(["a@0", "b@100", "c@200"]);
    expect(limiter.metrics).toMatchObject({ granted: 3, rejected: 1, waiting: 0 });
    expect(clock.pending).toBe(0);
  });

  it("pitfall 11: a waiter that is aborted leaves at once, and those behind it move up", async () => {
    const { call, clock, order, limiter } = setup({ maxWaitMs: 1_000, maxWaiting: 2 });
    const controller = new AbortController();
    await call("a");
    const leaving = call("b", { signal: controller.signal });
    const staying = call("c");
    await expect(call("d")).rejects.toBeInstanceOf(RateLimitedError);
    controller.abort(boom);
    await expect(leaving).rejects.toBe(boom);
    const last = call("e");
    await clock.advance(1_000);
    await Promise.all([staying, last]);
    expect(order).toEqual(["a@0", "c@100", "e@200"]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    expect(limiter.metrics.waiting).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it("lets nobody pass those whose turn has come but who were not served yet", async () => {
    const { call, clock, order } = setup({ limits: { permits: 2, perMs: 100 }, maxWaitMs: 1_000 });
    // Set before the limiter's own timer, for the same time: it finds "c" still waiting.
    const rival = new Promise<void>((resolve) => {
      clock.setTimer(110, () => void call("rival").then(resolve));
    });
    const calls = [call("a"), call("b"), call("c")];
    await clock.advance(1_000);
    await Promise.all([...calls, rival]);
    expect(order).toEqual(["a@0", "b@0", "c@110", "rival@110"]);
  });

  it("needs all of several windows to agree", async () => {
    const { limiter, clock } = setup({
      limits: [
        { permits: 2, perMs: 10 },
        { permits: 3, perMs: 1_000 },
      ],
    });
    const given: number[] = [];
    for (let now = 0; now < 1_000; now += 5) {
      while (limiter.tryAcquire()) given.push(now);
      await clock.advance(5);
    }
    expect(given).toEqual([0, 0, 15]);
  });

  it("counts each key by itself, from the call or from the function", async () => {
    let tenant = "x";
    const { call, limiter } = setup({ key: () => tenant });
    await call("a");
    await expect(call("b")).rejects.toMatchObject({ key: "x" });
    tenant = "y";
    await call("c");
    await call("d", { key: "z" });
    await expect(call("e", { key: "z" })).rejects.toThrow('the rate of "z" is used up; try again in 100 ms');
    expect(limiter.metrics.keys).toBe(3);
  });

  it("remembers so many keys, and forgets idle ones first", async () => {
    const { limiter, clock } = setup({ maxKeys: 3 });
    for (const key of ["a", "b", "c"]) expect(limiter.tryAcquire({ key })).toBe(true);
    await clock.advance(100);
    limiter.tryAcquire({ key: "a" });
    limiter.tryAcquire({ key: "new" });
    limiter.tryAcquire({ key: "newer" });
    expect(limiter.metrics.keys).toBe(3);
    expect(limiter.tryAcquire({ key: "a" })).toBe(false);
    for (let count = 0; count < 1_000; count++) limiter.tryAcquire({ key: `many ${count}` });
    expect(limiter.metrics.keys).toBe(3);
  });

  it("never forgets a key that somebody waits for", async () => {
    const { call, clock, limiter, order } = setup({ maxKeys: 2, maxWaitMs: 1_000 });
    const waiting = [call("a", { key: "a" }), call("a2", { key: "a" })];
    for (let count = 0; count < 50; count++) limiter.tryAcquire({ key: `other ${count}` });
    const third = call("a3", { key: "a" });
    await clock.advance(500);
    await Promise.all([...waiting, third]);
    expect(order).toEqual(["a@0", "a2@100", "a3@200"]);
  });

  it("gives permits by hand, several at once", async () => {
    const { limiter, clock } = setup({ limits: { permits: 10, perMs: 100 }, maxWaitMs: 500 });
    expect(limiter.tryAcquire({ permits: 8 })).toBe(true);
    const done: string[] = [];
    const wait = limiter.acquire({ permits: 5 }).then(() => done.push("five"));
    expect(limiter.tryAcquire()).toBe(false);
    await clock.advance(109);
    expect(done).toEqual([]);
    await clock.advance(1);
    await wait;
    await expect(limiter.acquire({ permits: 11 })).rejects.toThrow(
      "rateLimiter.permits must be an integer >= 1 and <= 10 (got 11)",
    );
    await expect(limiter.acquire({ signal: AbortSignal.abort(boom) })).rejects.toBe(boom);
  });

  it("takes other limits while calls wait, and forgets nothing that was taken", async () => {
    const { call, clock, limiter, order } = setup({ maxWaitMs: 10_000 });
    await call("a");
    const rest = [call("b"), call("c")];
    limiter.update({ limits: { permits: 1, perMs: 1_000, algorithm: "tokenBucket" } });
    await clock.advance(999);
    expect(order).toEqual(["a@0"]);
    limiter.update({ limits: { permits: 100, perMs: 1_000 } });
    await clock.advance(0);
    await Promise.all(rest);
    expect(order).toEqual(["a@0", "b@999", "c@999"]);
  });

  it("rejects a waiter whose time is over after the limits fell", async () => {
    const { call, clock, limiter } = setup({ maxWaitMs: 150 });
    await call("a");
    const late = call("b").catch((error: unknown) => error);
    limiter.update({ limits: { permits: 1, perMs: 5_000, algorithm: "tokenBucket" } });
    await clock.advance(150);
    expect(await late).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 4_850 });
    expect(clock.pending).toBe(0);
  });

  it("pitfall 23: does not hear of the wall clock's jumps", async () => {
    const { call, clock } = setup();
    await call("a");
    clock.jumpWallTime(1e9);
    await expect(call("b")).rejects.toBeInstanceOf(RateLimitedError);
    clock.jumpWallTime(-1e10);
    await clock.advance(100);
    await call("c");
  });

  it.each<readonly [unknown, string]>([
    [{ limits: [] }, "rateLimiter.limits must name at least one limit (got an array of 0)"],
    [{ limits: { permits: 0, perMs: 1 } }, "rateLimiter.limits[0].permits must be an integer >= 1 (got 0)"],
    [{ limits: [even, { permits: 1, perMs: 0 }] }, "rateLimiter.limits[1].perMs must be a number >= 1 (got 0)"],
    [{ limits: null }, "rateLimiter.limits[0] must be an object (got null)"],
    [{ limits: [even, 5] }, "rateLimiter.limits[1] must be an object (got 5)"],
    [{ limits: { ...even, burst: 0 } }, "rateLimiter.limits[0].burst must be an integer >= 1 (got 0)"],
    [{ limits: { permits: 1, perMs: 1, burst: 2 } }, "rateLimiter.limits[0].burst needs a tokenBucket (got 2)"],
    [{ limits: even, maxWait: 1 }, "rateLimiter.maxWait is no option"],
    [{ limits: even, maxKeys: 0 }, "rateLimiter.maxKeys must be an integer >= 1 (got 0)"],
    [
      { limits: { permits: 1, perMs: 1, algorithm: "x" } },
      'algorithm must be "slidingWindow" or "tokenBucket" (got "x")',
    ],
  ])("refuses %j", (options, message) => {
    expect(() => rateLimiter(options as RateLimiterOptions)).toThrow(message);
  });

  it("waits as long as it may, and not longer", async () => {
    const { call, clock, limiter } = setup({ maxWaitMs: 100 });
    await call("a");
    const waiting = call("b", { key: "x" });
    const last = call("c");
    await expect(call("d")).rejects.toMatchObject({ retryAfterMs: 200 });
    const more = [call("e", { key: "x" }), limiter.acquire({ key: "y" })];
    expect(limiter.metrics).toEqual({ granted: 3, rejected: 1, waiting: 2, keys: 2 });
    await clock.advance(100);
    await Promise.all([waiting, last, ...more]);
    expect(limiter.metrics).toEqual({ granted: 5, rejected: 1, waiting: 0, keys: 2 });
  });

  it("counts what is taken by hand, and lets go of whoever gives up", async () => {
    const { clock, limiter } = setup({ maxWaitMs: 1_000 });
    await limiter.acquire();
    expect([limiter.tryAcquire(), limiter.tryAcquire({ key: "x" })]).toEqual([false, true]);
    expect(limiter.metrics).toEqual({ granted: 2, rejected: 1, waiting: 0, keys: 1 });
    const controller = new AbortController();
    const waiting = limiter.acquire({ signal: controller.signal });
    controller.abort(boom);
    await expect(waiting).rejects.toBe(boom);
    expect([limiter.metrics.waiting, clock.pending]).toEqual([0, 0]);
  });

  it("gives at once no more than its smallest window holds", () => {
    const { limiter } = setup({
      limits: [
        { permits: 5, perMs: 10 },
        { permits: 3, perMs: 1_000 },
      ],
    });
    expect(() => limiter.tryAcquire({ permits: 4 })).toThrow("rateLimiter.permits must be an integer >= 1 and <= 3");
    expect(limiter.tryAcquire({ permits: 3 })).toBe(true);
  });

  it("forgets nothing of when permits were taken when it takes other settings than limits", async () => {
    const { limiter, clock } = setup({ limits: { permits: 1, perMs: 100 } });
    expect(limiter.tryAcquire()).toBe(true);
    await clock.advance(50);
    limiter.update({ maxWaitMs: 5 });
    await clock.advance(59);
    expect(limiter.tryAcquire()).toBe(false);
    await clock.advance(1);
    expect(limiter.tryAcquire()).toBe(true);
  });

  it("forgets the oldest of busy keys, and none that is waited for, even if there are more then", () => {
    const { limiter } = setup({ maxKeys: 2 });
    for (const key of ["a", "b", "c"]) expect(limiter.tryAcquire({ key })).toBe(true);
    expect(limiter.tryAcquire({ key: "b" })).toBe(false);
    const one = setup({ maxKeys: 1, maxWaitMs: 1_000 });
    void one.call("first", { key: "a" });
    void one.call("second", { key: "a" });
    expect(one.limiter.tryAcquire({ key: "b" })).toBe(true);
    expect(one.limiter.metrics.keys).toBe(2);
    expect(one.limiter.tryAcquire({ key: "a" })).toBe(false);
  });
});
