import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { cache, type CacheEvent, type CacheOptions } from "./cache.ts";
import { fallback } from "./fallback.ts";
import { pipeline } from "./pipeline.ts";
import { ResilienceError } from "./resilience-error.ts";

const boom = new Error("boom");

function setup(options: CacheOptions = {}) {
  const clock = new VirtualClock();
  const events: CacheEvent[] = [];
  const kept = cache({ ttlMs: 100, ...options, clock, onEvent: (event) => events.push(event) });
  let loads = 0;
  const load = (): Promise<number> => Promise.resolve(++loads);
  const fail = (): Promise<number> => Promise.reject(boom);
  const get = (operation: () => Promise<number> = load, key = "a"): Promise<number> => kept.execute(operation, { key });
  return { clock, events, kept, get, fail, loads: () => loads };
}

describe("a cache", () => {
  it("answers from memory until the time to live is over", async () => {
    const { clock, get, kept, events } = setup();
    expect([await get(), await get()]).toEqual([1, 1]);
    await clock.advance(99);
    expect(await get()).toBe(1);
    await clock.advance(1);
    expect(await get()).toBe(2);
    expect(kept.statistics()).toMatchObject({ hits: 2, misses: 2, loads: 2, entries: 1, hitRate: 0.5 });
    expect(events.map(({ type }) => type)).toEqual(["cacheMiss", "cacheHit", "cacheHit", "cacheMiss"]);
  });

  it("pitfall 23: does not hear of the wall clock's jumps", async () => {
    const { clock, get } = setup();
    await get();
    clock.jumpWallTime(1e9);
    expect(await get()).toBe(1);
  });

  it("keeps undefined as well as anything", async () => {
    const { kept } = setup();
    let loads = 0;
    for (let turn = 0; turn < 2; turn++) await kept.execute(() => void loads++, { key: "a" });
    expect(loads).toBe(1);
  });

  it("loads once for many waiters, and each key by itself", async () => {
    const { get, kept, loads } = setup();
    expect(await Promise.all([get(), get(), get(undefined, "b")])).toEqual([1, 1, 2]);
    expect(loads()).toBe(2);
    expect(kept.statistics()).toMatchObject({ misses: 3, joined: 1 });
  });

  it("keeps no failure unless asked to", async () => {
    const { get, fail } = setup();
    await expect(get(fail)).rejects.toBe(boom);
    expect(await get()).toBe(1);
  });

  it("remembers a failure for a while, but not a policy's rejection", async () => {
    const { clock, get, fail, kept, events } = setup({ negativeTtlMs: 50 });
    await expect(get(fail)).rejects.toBe(boom);
    await expect(get()).rejects.toBe(boom);
    expect(kept.statistics().negativeHits).toBe(1);
    expect(events.at(-1)).toMatchObject({ type: "cacheNegativeHit", key: "a" });
    await clock.advance(50);
    expect(await get()).toBe(1);
    const busy = new ResilienceError("busy", { code: "BUSY_IN_TEST", kind: "resource" });
    await expect(get(() => Promise.reject(busy), "b")).rejects.toBe(busy);
    expect(await get(undefined, "b")).toBe(2);
  });

  it("answers with the old value while a new one is loaded, once", async () => {
    const { clock, get, loads, kept } = setup({ staleWhileRevalidateMs: 100 });
    await get();
    await clock.advance(150);
    expect(await Promise.all([get(), get()])).toEqual([1, 1]);
    await clock.advance(0);
    expect([await get(), loads()]).toEqual([2, 2]);
    expect(kept.statistics()).toMatchObject({ staleWhileRevalidate: 2, misses: 1, hits: 1 });
    await clock.advance(200);
    expect(await get()).toBe(3);
  });

  it("counts an answer once also when the load behind it fails", async () => {
    const { clock, get, fail, events, kept } = setup({ staleWhileRevalidateMs: 100, staleWhileErrorMs: 500 });
    await get();
    await clock.advance(100);
    expect(await get(fail)).toBe(1);
    await clock.advance(0);
    expect(kept.statistics()).toMatchObject({
      misses: 1,
      staleWhileRevalidate: 1,
      staleWhileError: 0,
      loadFailures: 1,
    });
    expect(events.map(({ type }) => type)).toEqual(["cacheMiss", "cacheStale", "cacheLoadFailed"]);
  });

  it("answers each of those who waited for a load that failed", async () => {
    const { clock, get, fail, kept } = setup({ staleWhileErrorMs: 500 });
    await get();
    await clock.advance(100);
    expect(await Promise.all([get(fail), get(fail)])).toEqual([1, 1]);
    expect(kept.statistics()).toMatchObject({ staleWhileError: 2, loads: 2, joined: 1 });
  });

  it("survives a background load that fails", async () => {
    const { clock, get, fail, events } = setup({ staleWhileRevalidateMs: 100 });
    await get();
    await clock.advance(150);
    expect(await get(fail)).toBe(1);
    await clock.advance(0);
    expect(events.at(-1)).toMatchObject({ type: "cacheLoadFailed", error: boom });
    expect(await get()).toBe(1);
  });

  it("answers with the old value when loading fails, for so long", async () => {
    const { clock, get, fail, kept } = setup({ staleWhileErrorMs: 100 });
    await get();
    await clock.advance(150);
    expect(await get(fail)).toBe(1);
    expect(kept.statistics()).toMatchObject({ staleWhileError: 1, loadFailures: 1 });
    await clock.advance(50);
    await expect(get(fail)).rejects.toBe(boom);
  });

  it("does not load again right after a failure when it remembers that", async () => {
    const { clock, get, fail, loads } = setup({ staleWhileErrorMs: 1_000, negativeTtlMs: 20 });
    await get();
    await clock.advance(150);
    expect(await get(fail)).toBe(1);
    expect([await get(), loads()]).toEqual([1, 1]);
    await clock.advance(20);
    expect(await get()).toBe(2);
  });

  it("lets a waiter leave alone, and stops the load when nobody is left", async () => {
    const { kept } = setup();
    const first = new AbortController();
    const second = new AbortController();
    let release: (value: string) => void = () => undefined;
    let inner: AbortSignal | undefined;
    const load = ({ signal }: { readonly signal: AbortSignal }): Promise<string> => {
      inner = signal;
      return new Promise((resolve) => (release = resolve));
    };
    const one = kept.execute(load, { key: "a", signal: first.signal });
    const two = kept.execute(load, { key: "a", signal: second.signal });
    first.abort(boom);
    await expect(one).rejects.toBe(boom);
    expect(inner?.aborted).toBe(false);
    release("done");
    expect(await two).toBe("done");
    expect(getEventListeners(second.signal, "abort")).toEqual([]);
    expect(getEventListeners(first.signal, "abort")).toEqual([]);

    const third = new AbortController();
    const three = kept.execute(load, { key: "b", signal: third.signal });
    third.abort(boom);
    await expect(three).rejects.toBe(boom);
    expect(inner?.aborted).toBe(true);
    release("too late");
    expect(await kept.execute(() => "anew", { key: "b" })).toBe("anew");
  });

  it("keeps no load that was overtaken by an invalidation or a set", async () => {
    const { kept, clock } = setup();
    let release: (value: string) => void = () => undefined;
    const slow = (): Promise<string> => new Promise((resolve) => (release = resolve));
    const waiting = kept.execute(slow, { key: "a" });
    kept.invalidate("a");
    release("old");
    expect(await waiting).toBe("old");
    expect(await kept.execute(() => "new", { key: "a" })).toBe("new");
    const again = kept.execute(slow, { key: "b" });
    kept.set("b", "set");
    release("old");
    await again;
    expect(await kept.execute(() => "loaded", { key: "b" })).toBe("set");
    kept.invalidate();
    expect(kept.statistics().entries).toBe(0);
    await clock.advance(0);
  });

  it("is bounded, and forgets what was not read for longest", async () => {
    const { get, kept, loads } = setup({ maxEntries: 2 });
    await get(undefined, "a");
    await get(undefined, "b");
    await get(undefined, "a");
    await get(undefined, "c");
    expect(kept.statistics()).toMatchObject({ entries: 2, evictions: 1 });
    expect(await get(undefined, "a")).toBe(1);
    await get(undefined, "b");
    expect(loads()).toBe(4);
    kept.update({ maxEntries: 1 });
    expect(kept.statistics().entries).toBe(1);
  });

  it("preloads keys, so many at a time, and tells which failed", async () => {
    const { kept } = setup();
    let running = 0;
    let most = 0;
    const result = await kept.preload(
      ["a", "b", "c", "d", "bad"],
      async (key) => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
        if (key === "bad") throw boom;
        return key;
      },
      { concurrency: 2 },
    );
    expect(result).toEqual({ loaded: 4, failed: new Map([["bad", boom]]) });
    expect(most).toBe(2);
    expect(await kept.execute(() => "other", { key: "d" })).toBe("d");
  });

  it("wraps functions by a key of their arguments, and takes part in pipelines", async () => {
    const { kept } = setup();
    let calls = 0;
    const add = kept.wrap(
      (left: number, right: number) => {
        calls++;
        return left + right;
      },
      (left, right) => `${left}+${right}`,
    );
    expect([await add(1, 2), await add(1, 2), await add(2, 2), calls]).toEqual([3, 3, 4, 2]);
    const outer = pipeline(fallback("none"), kept);
    expect(await outer.execute(() => "fresh", { key: "x" })).toBe("fresh");
    expect(await outer.execute(() => "other", { key: "x" })).toBe("fresh");
    expect(await outer.execute(() => Promise.reject(boom), { key: "y" })).toBe("none");
  });

  it("pitfall 25: a listener that throws changes no answer", async () => {
    const kept = cache({
      onEvent: () => {
        throw new Error("listener");
      },
    });
    expect(await kept.execute(() => 1, { key: "a" })).toBe(1);
    expect(await kept.execute(() => 2, { key: "a" })).toBe(1);
  });

  it("says what is wrong", async () => {
    expect(() => cache({ ttlMs: 0 })).toThrow("cache.ttlMs must be a number >= 1 (got 0)");
    expect(() => cache({ ttl: 5 } as never)).toThrow("cache.ttl is no option");
    expect(() => cache().update({ maxEntries: 0 })).toThrow("cache.maxEntries must be an integer >= 1 (got 0)");
    expect(() => cache().wrap(() => 1)).toThrow("wrap.key must be a function");
    await expect(cache().execute(() => 1)).rejects.toThrow("cache.execute.key must be given for a cached call");
  });

  it("tells all that it does, under its name", async () => {
    const { clock, get, fail, events, kept } = setup({ name: "users", staleWhileRevalidateMs: 50 });
    const at = clock.wallTime();
    const told = (type: string, more?: object): object => ({ type, at, policy: "users", key: "a", ...more });
    await get();
    expect(await get()).toBe(1);
    expect(events.splice(0)).toEqual([told("cacheMiss"), told("cacheHit")]);
    await clock.advance(120);
    expect(await get(fail)).toBe(1);
    expect(events).toMatchObject([
      { type: "cacheStale", because: "revalidating", policy: "users", key: "a", at: at + 120 },
      { type: "cacheLoadFailed", error: boom, policy: "users", key: "a", at: at + 120 },
    ]);
    kept.update({ staleWhileRevalidateMs: 0, staleWhileErrorMs: 100 });
    events.length = 0;
    await clock.advance(40);
    expect(await get(fail)).toBe(1);
    expect(events).toMatchObject([
      { type: "cacheMiss", at: at + 160 },
      { type: "cacheLoadFailed", at: at + 160 },
      { type: "cacheStale", because: "error", policy: "users", key: "a", at: at + 160 },
    ]);
    const plain = setup();
    await plain.get();
    expect(plain.events).toMatchObject([{ policy: "" }]);
  });

  it("answers with the old value after a failure that it remembers, as long as old values serve", async () => {
    const { clock, get, fail, kept, events } = setup({ staleWhileErrorMs: 50, negativeTtlMs: 1_000 });
    await clock.advance(1_000);
    await get();
    await clock.advance(149);
    expect([await get(fail), await get()]).toEqual([1, 1]);
    expect(events.at(-1)).toMatchObject({ type: "cacheStale", because: "error", key: "a" });
    expect(kept.statistics()).toMatchObject({ staleWhileError: 2, loads: 2, hitRate: 1 / 3 });
    await clock.advance(1);
    await expect(get()).rejects.toBe(boom);
  });

  it("does not load in the background what has just failed", async () => {
    const { clock, get, fail, loads, kept } = setup({ staleWhileRevalidateMs: 100, negativeTtlMs: 20 });
    await get();
    await clock.advance(110);
    expect(await get(fail)).toBe(1);
    await clock.advance(10);
    expect([await get(), kept.statistics().loads]).toEqual([1, 2]);
    await clock.advance(10);
    expect(await get()).toBe(1);
    await clock.advance(0);
    expect([await get(), loads(), kept.statistics().loads]).toEqual([2, 2, 3]);
  });

  it("keeps nothing of a failure that it is not to remember, or that was overtaken", async () => {
    const forgetful = setup();
    await expect(forgetful.get(forgetful.fail)).rejects.toBe(boom);
    expect(forgetful.kept.statistics()).toMatchObject({ entries: 0, loads: 1, loadFailures: 1 });
    const { kept, get } = setup({ negativeTtlMs: 50 });
    const { promise, reject } = Promise.withResolvers<number>();
    const overtaken = get(() => promise);
    kept.invalidate();
    reject(boom);
    await expect(overtaken).rejects.toBe(boom);
    expect(await get()).toBe(1);
  });

  it("invalidates one key or all, with the loads under way", async () => {
    const { kept, get } = setup();
    expect(kept.statistics().hitRate).toBe(0);
    expect([await get(), await get(undefined, "b")]).toEqual([1, 2]);
    kept.invalidate("a");
    expect([await get(undefined, "b"), await get()]).toEqual([2, 3]);
    const { promise, resolve } = Promise.withResolvers<number>();
    const waiting = get(() => promise, "c");
    kept.invalidate();
    resolve(0);
    expect(await waiting).toBe(0);
    expect([await get(undefined, "c"), await get()]).toEqual([4, 5]);
  });

  it("gives each read a second chance, and counts what is written again as new", async () => {
    const { kept } = setup({ maxEntries: 2 });
    const has = (key: string): Promise<unknown> => kept.execute(() => "gone", { key });
    for (const key of ["a", "b", "a", "c"]) kept.set(key, key);
    expect(kept.statistics()).toMatchObject({ entries: 2, evictions: 1 });
    expect(await has("a")).toBe("a");
    for (const key of ["d", "e", "f"]) kept.set(key, key);
    expect(kept.statistics().evictions).toBe(4);
    expect([await has("e"), await has("f")]).toEqual(["e", "f"]);
    expect(await has("a")).toBe("gone");
  });

  it("stops preloading when it is told to, and says how", async () => {
    const { kept } = setup();
    const controller = new AbortController();
    let aborted = 0;
    const given = kept.preload(
      ["a", "b"],
      (_, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted++;
            reject(signal.reason);
          });
        }),
      { signal: controller.signal },
    );
    controller.abort(boom);
    await expect(given).rejects.toBe(boom);
    expect(aborted).toBe(2);
    await expect(kept.preload(["a"], () => 1, { concurrency: 0 })).rejects.toThrow(
      "cache.preload.concurrency must be an integer >= 1 (got 0)",
    );
    await expect(kept.preload(["a"], 5 as never)).rejects.toThrow("cache.preload.load must be a function (got 5)");
    expect(() => kept.wrap(5 as never, () => "")).toThrow("wrap.fn must be a function (got 5)");
  });
});
