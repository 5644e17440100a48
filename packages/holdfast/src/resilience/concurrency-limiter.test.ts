import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { VirtualClock } from "../testing/index.ts";
import {
  ConcurrencyLimitedError,
  concurrencyLimiter,
  type ConcurrencyLimiter,
  type ConcurrencyLimiterEvent,
  type ConcurrencyLimiterOptions,
} from "./concurrency-limiter.ts";
import { TimeoutError } from "./timeout-error.ts";

const boom = new Error("boom");

function setup(options: ConcurrencyLimiterOptions = {}) {
  const clock = new VirtualClock();
  const events: ConcurrencyLimiterEvent[] = [];
  const limiter = concurrencyLimiter({ minSamples: 1, ...options, clock, onEvent: (event) => events.push(event) });
  return { clock, events, limiter };
}

/** A backend of so many workers, each taking 20 ms for a call; calls that find none wait in a line. */
function backendOf(clock: VirtualClock, workers: number) {
  const line: (() => void)[] = [];
  let busy = 0;
  let longest = 0;
  const work = (done: () => void): void => {
    busy++;
    clock.setTimer(20, () => {
      busy--;
      done();
      const next = line.shift();
      if (next !== undefined) work(next);
    });
  };
  return {
    longest: () => longest,
    forget: () => (longest = 0),
    call: (): Promise<void> =>
      new Promise((resolve) => {
        if (busy < workers) work(resolve);
        else longest = Math.max(longest, line.push(resolve));
      }),
  };
}

/** Calls at random times, so many a second on average. */
async function load(
  clock: VirtualClock,
  limiter: ConcurrencyLimiter,
  call: () => Promise<void>,
  rate: number,
  ms: number,
) {
  const random = seededRandom(3);
  let served = 0;
  let shed = 0;
  for (let at = 0; at < ms; at += 10) {
    const expected = rate / 100;
    const count = Math.floor(expected) + (random.next() < expected % 1 ? 1 : 0);
    for (let arrival = 0; arrival < count; arrival++) {
      limiter.execute(call).then(
        () => served++,
        () => shed++,
      );
    }
    await clock.advance(10);
  }
  return { served, shed };
}

describe("a concurrency limiter", () => {
  it("finds the backend's capacity under overload, sheds the rest and keeps its line short", async () => {
    const { clock, limiter, events } = setup({ windowMs: 200, minSamples: 10, initialLimit: 100 });
    const backend = backendOf(clock, 8);
    // Eight workers at 20 ms serve 400 a second.
    await load(clock, limiter, backend.call, 350, 4_000);
    await load(clock, limiter, backend.call, 1_000, 8_000);
    backend.forget();
    const { served, shed } = await load(clock, limiter, backend.call, 1_000, 6_000);
    expect(served).toBeGreaterThan(0.9 * 400 * 6);
    expect(shed).toBeGreaterThan(2_500);
    expect(limiter.metrics.limit).toBeGreaterThanOrEqual(8);
    expect(limiter.metrics.limit).toBeLessThanOrEqual(30);
    expect(backend.longest()).toBeLessThanOrEqual(24);
    expect(events.some(({ type }) => type === "concurrencyLimitChanged")).toBe(true);
    await clock.advance(1_000);
    expect(limiter.metrics.inFlight).toBe(0);
  });

  it("pitfall 15: rejects above the limit, and frees a place when a call ends, however it ends", async () => {
    const { limiter, events } = setup({ initialLimit: 2, minSamples: 1_000 });
    let end: (value: unknown) => void = () => undefined;
    const first = limiter.execute(() => new Promise((resolve) => (end = resolve)));
    const second = limiter.execute(() => new Promise((_, reject) => (reject as typeof end)(boom)));
    const error = await limiter.execute(() => 1).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ConcurrencyLimitedError);
    expect(error).toMatchObject({ code: "CONCURRENCY_LIMITED", limit: 2, retryable: true });
    expect(events).toMatchObject([{ type: "concurrencyLimited", limit: 2, inFlight: 2 }]);
    await expect(second).rejects.toBe(boom);
    expect(await limiter.execute(() => undefined)).toBeUndefined();
    await expect(
      limiter.execute(() => {
        throw boom;
      }),
    ).rejects.toBe(boom);
    end("done");
    expect(await first).toBe("done");
    expect(limiter.metrics).toMatchObject({ inFlight: 0, rejected: 1 });
  });

  it("pitfall 12: an ended call frees one place, not two", async () => {
    const { limiter } = setup({ initialLimit: 1, minSamples: 1_000 });
    for (let turn = 0; turn < 3; turn++) {
      const twice = {
        // oxlint-disable-next-line unicorn/no-thenable
        then(resolve: (value: number) => void, reject: (error: unknown) => void): void {
          resolve(1);
          resolve(2);
          reject(boom);
        },
      };
      expect(await limiter.execute(() => twice as unknown as PromiseLike<number>)).toBe(1);
    }
    expect(limiter.metrics.inFlight).toBe(0);
    void limiter.execute(() => new Promise(() => undefined));
    await expect(limiter.execute(() => 1)).rejects.toBeInstanceOf(ConcurrencyLimitedError);
  });

  it("holds the place of a call that its caller gave up, until it ends; no sample is taken of it", async () => {
    const { limiter, clock } = setup({ initialLimit: 10, windowMs: 0 });
    const controller = new AbortController();
    let end: (error: unknown) => void = () => undefined;
    const given = limiter.execute(() => new Promise((_, reject) => (end = reject)), { signal: controller.signal });
    controller.abort(boom);
    await expect(given).rejects.toBe(boom);
    expect(limiter.metrics.inFlight).toBe(1);
    end(new TimeoutError("", 5));
    await clock.advance(0);
    expect(limiter.metrics).toMatchObject({ inFlight: 0, limit: 10 });
  });

  it("lowers the limit for time limits passed, not for other failures", async () => {
    const { limiter } = setup({ initialLimit: 10, windowMs: 0 });
    await limiter.execute(() => Promise.reject(boom)).catch(() => undefined);
    expect(limiter.metrics.limit).toBe(10);
    await limiter.execute(() => Promise.reject(new TimeoutError("", 5))).catch(() => undefined);
    expect(limiter.metrics.limit).toBe(9);
    await limiter.execute(() => Promise.reject(new DOMException("late", "TimeoutError"))).catch(() => undefined);
    expect(limiter.metrics.limit).toBe(8);
  });

  it("takes other bounds at once, without losing calls under way", async () => {
    const { limiter } = setup({ minSamples: 1_000 });
    let end: (value: unknown) => void = () => undefined;
    const call = limiter.execute(() => new Promise((resolve) => (end = resolve)));
    limiter.update({ maxLimit: 1 });
    await expect(limiter.execute(() => 1)).rejects.toBeInstanceOf(ConcurrencyLimitedError);
    end(5);
    expect(await call).toBe(5);
    expect(() => limiter.update({ minLimit: 5 })).toThrow(
      "concurrencyLimiter.maxLimit must be an integer >= 5 (got 1)",
    );
    expect(limiter.metrics.limit).toBe(1);
  });

  it.each<readonly [ConcurrencyLimiterOptions, string]>([
    [{ minLimit: 0 }, "concurrencyLimiter.minLimit must be an integer >= 1 (got 0)"],
    [{ initialLimit: 5, maxLimit: 4 }, "concurrencyLimiter.initialLimit must be an integer >= 1 and <= 4 (got 5)"],
    [{ smoothing: 0 }, "concurrencyLimiter.smoothing must be above 0 (got 0)"],
    [{ limit: 5 } as never, "concurrencyLimiter.limit is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => concurrencyLimiter(options)).toThrow(message);
  });

  it("starts at 20, or at the nearer bound", () => {
    expect(concurrencyLimiter().metrics.limit).toBe(20);
    expect(concurrencyLimiter({ minLimit: 30 }).metrics.limit).toBe(30);
    expect(concurrencyLimiter({ maxLimit: 10 }).metrics.limit).toBe(10);
  });

  it("collects as many samples as it is told before it moves, and takes their mean and the most that ran at once", async () => {
    const { clock, limiter, events } = setup({ windowMs: 0, minSamples: 16, name: "shards" });
    const calls = Array.from({ length: 15 }, (_, at) => limiter.execute(() => clock.sleep(at < 14 ? 10 : 20)));
    await clock.advance(20);
    await Promise.all(calls);
    expect(limiter.metrics).toMatchObject({ limit: 20, baselineMs: 0 });
    await limiter.execute(() => 1);
    expect(limiter.metrics).toMatchObject({ limit: 20, baselineMs: 10 });
    for (let window = 0; window < 2; window++) {
      const crowd = Array.from({ length: 16 }, () => limiter.execute(() => clock.sleep(10)));
      await clock.advance(10);
      await Promise.all(crowd);
    }
    expect(limiter.metrics.limit).toBe(22);
    expect(events).toEqual([
      { type: "concurrencyLimitChanged", at: clock.wallTime() - 10, policy: "shards", from: 20, to: 21 },
      { type: "concurrencyLimitChanged", at: clock.wallTime(), policy: "shards", from: 21, to: 22 },
    ]);
  });

  it("does not take for a measurement what only dropped calls", async () => {
    const { limiter, events } = setup({ initialLimit: 10, windowMs: 0 });
    await expect(limiter.execute(() => Promise.reject(new TimeoutError("", 5)))).rejects.toThrow();
    expect(limiter.metrics).toMatchObject({ limit: 9, baselineMs: 0 });
    expect(events).toMatchObject([{ type: "concurrencyLimitChanged", policy: "", from: 10, to: 9 }]);
    // With so little to do, the limit stays, and nothing is told.
    await limiter.execute(() => 1);
    expect(events).toHaveLength(1);
  });
});
