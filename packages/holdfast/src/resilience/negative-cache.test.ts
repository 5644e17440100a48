import { describe, expect, it } from "vitest";
import { InvalidArgumentError, NetworkError } from "../errors/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { negativeCache, type NegativeCacheEvent, type NegativeCacheOptions } from "./negative-cache.ts";
import { ResilienceError } from "./resilience-error.ts";

const boom = new Error("boom");

function setup(options: NegativeCacheOptions = {}) {
  const clock = new VirtualClock();
  const events: NegativeCacheEvent[] = [];
  const missing = negativeCache({ ttlMs: 100, clock, onEvent: (event) => events.push(event), ...options });
  let loads = 0;
  const fail =
    (error: unknown = boom) =>
    async (): Promise<never> => {
      loads++;
      throw error;
    };
  const get = (operation: () => Promise<unknown> = fail(), key = "a"): Promise<unknown> =>
    missing.execute(operation, { key });
  return { clock, events, missing, get, fail, loads: () => loads };
}

describe("a negative cache", () => {
  it("answers with the failure until its time is over", async () => {
    const { clock, get, loads, missing, events } = setup();
    for (let i = 0; i < 3; i++) await expect(get()).rejects.toBe(boom);
    expect(loads()).toBe(1);
    await clock.advance(99);
    expect(missing.peek("a")).toEqual({ error: boom, ageMs: 99 });
    await expect(get()).rejects.toBe(boom);
    await clock.advance(1);
    expect(missing.peek("a")).toBeUndefined();
    await expect(get()).rejects.toBe(boom);
    expect(loads()).toBe(2);
    expect(missing.statistics()).toEqual({ answered: 3, joined: 0, loads: 2, entries: 1, evictions: 0 });
    expect(events.map(({ type }) => type)).toEqual([
      "failureKept",
      "failureAnswered",
      "failureAnswered",
      "failureAnswered",
      "failureKept",
    ]);
  });

  it("keeps no results, and forgets what is mended", async () => {
    const { get, missing, loads, events } = setup();
    let reads = 0;
    const read = async (): Promise<number> => ++reads;
    expect([await get(read), await get(read)]).toEqual([1, 2]);
    await expect(get()).rejects.toBe(boom);
    missing.invalidate("a");
    expect(await get(read)).toBe(3);
    await expect(get()).rejects.toBe(boom);
    missing.invalidate();
    expect(await get(read)).toBe(4);
    expect(loads()).toBe(2);
    expect(events.map(({ type }) => type)).toEqual(["failureKept", "failureKept"]);
  });

  it("calls once for all who ask at one time", async () => {
    const { get, missing, loads } = setup();
    const all = await Promise.allSettled([get(), get(), get(undefined, "b"), get()]);
    expect(all.map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
    expect(loads()).toBe(2);
    expect(missing.statistics()).toMatchObject({ joined: 2, loads: 2 });
  });

  it("does not remember what may go away, what a policy turned away, or what somebody gave up", async () => {
    const { get, fail, loads } = setup();
    const aborted = Object.assign(new Error("stopped"), { name: "AbortError" });
    const full = new ResilienceError("full", { name: "X", code: "BULKHEAD_FULL", kind: "resource" });
    const errors = [new NetworkError("refused"), full, aborted];
    for (const error of errors) {
      await expect(get(fail(error))).rejects.toBe(error);
      await expect(get(fail(error))).rejects.toBe(error);
    }
    expect(loads()).toBe(2 * errors.length);
  });

  it("does not remember a call that nobody waits for any more", async () => {
    const { missing } = setup();
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const call = missing.execute(() => promise, { key: "a", signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    reject(boom);
    await Promise.resolve();
    expect(missing.statistics().entries).toBe(0);
  });

  it("takes a time of its own from each error", async () => {
    const late = new Error("late");
    const { clock, get, fail, loads } = setup({
      ttlMs: (error) => {
        if (error === late) throw new Error("broken rule");
        return error === boom ? 10 : 50;
      },
    });
    const other = new Error("other");
    await expect(get(fail(boom), "a")).rejects.toBe(boom);
    await expect(get(fail(other), "b")).rejects.toBe(other);
    await expect(get(fail(late), "c")).rejects.toBe(late);
    await clock.advance(20);
    await expect(get(fail(boom), "a")).rejects.toBe(boom);
    await expect(get(fail(boom), "b")).rejects.toBe(other);
    await expect(get(fail(late), "c")).rejects.toBe(late);
    expect(loads()).toBe(5);
  });

  it("is bounded", async () => {
    const { get, missing } = setup({ maxEntries: 2 });
    for (const key of ["a", "b", "c", "d"]) await expect(get(undefined, key)).rejects.toBe(boom);
    expect(missing.statistics()).toMatchObject({ entries: 2, evictions: 2 });
  });

  it("wraps a function with a key made of its arguments", async () => {
    const { missing } = setup();
    let calls = 0;
    const find = missing.wrap(
      async (id: number) => {
        calls++;
        if (id > 9) throw boom;
        return id;
      },
      (id) => `user ${id}`,
    );
    expect(await find(1)).toBe(1);
    await expect(find(10)).rejects.toBe(boom);
    await expect(find(10)).rejects.toBe(boom);
    expect(calls).toBe(2);
    expect(() => missing.wrap(async () => 1)).toThrow("wrap.key must be a function");
  });

  it.each([
    [{ ttlMs: 0 }, "negativeCache.ttlMs must be a number >= 1 (got 0)"],
    [{ maxEntries: 0 }, "negativeCache.maxEntries must be an integer >= 1 (got 0)"],
    [{ isCacheableError: 1 }, "negativeCache.isCacheableError must be a function (got 1)"],
    [{ ttl: 5 }, "negativeCache.ttl is no option"],
  ])("refuses %j", async (options, message) => {
    expect(() => negativeCache(options as NegativeCacheOptions)).toThrow(message);
    await expect(negativeCache().execute(() => 1)).rejects.toThrow(InvalidArgumentError);
  });
});
