import { getEventListeners } from "node:events";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { KeyValueStore } from "../key-value/key-value-store.ts";
import type { PutRequest } from "../key-value/key-value.ts";
import { WatchHub, type ChangeObserver, type WatchHubOptions } from "./watch-hub.ts";
import { defaultWatchLimits } from "./watch-limits.ts";
import type { Watcher, WatchResponse } from "./watch.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (from: Uint8Array): string => String.fromCharCode(...from);
const put = (key: string, value: string): PutRequest => ({ key: bytes(key), value: bytes(value) });
const everything = { key: bytes("\0"), rangeEnd: bytes("\0") };

let clock: VirtualClock;
let observer: ChangeObserver | undefined;
let store: KeyValueStore;
let leader: boolean;

beforeEach(() => {
  clock = new VirtualClock();
  observer = undefined;
  store = new KeyValueStore({ onRevision: (revision) => observer?.onRevision(revision) });
  leader = true;
});

function hubOf(options: Partial<WatchHubOptions> = {}): WatchHub {
  return new WatchHub({
    watched: {
      get store() {
        return store;
      },
      observe: (given) => (observer = given),
    },
    clock,
    header: (revision) => ({ clusterId: 1n, memberId: 2n, revision, term: 3 }),
    hasLeader: () => leader,
    leaderlessMs: 1500,
    limits: defaultWatchLimits,
    ...options,
  });
}

/** Pulls once; undefined when there is nothing to tell. */
async function pull(watcher: Watcher): Promise<WatchResponse | "over" | undefined> {
  const nothing = Symbol("nothing");
  const pulled = watcher.next();
  await clock.advance(0);
  const result = await Promise.race([pulled, Promise.resolve(nothing)]);
  if (typeof result === "symbol") return undefined;
  return result.done === true ? "over" : result.value;
}

function shown(response: WatchResponse | "over" | undefined): string[] | string | undefined {
  if (typeof response !== "object") return response;
  return response.events.map(({ type, pair }) => `${pair.modRevision} ${type} ${text(pair.key)}=${text(pair.value)}`);
}

describe("a watcher", () => {
  it("is told of what comes, in whole revisions, under a header", async () => {
    const hub = hubOf();
    store.put(put("a", "0"));
    const watcher = hub.watch({ key: bytes("a") });
    expect(watcher).toMatchObject({ startRevision: 3, header: { revision: 2, memberId: 2n } });
    const waiting = watcher.next();
    store.put(put("b", "1"));
    store.put(put("a", "1"));
    store.put(put("a", "2"));
    const { value } = await waiting;
    // Both came in one turn, so one response tells them.
    expect(shown(value)).toEqual(["4 put a=1", "5 put a=2"]);
    expect(value?.header).toEqual({ clusterId: 1n, memberId: 2n, revision: 5, term: 3 });
    store.deleteRange({ key: bytes("a") });
    expect(await pull(watcher)).toMatchObject({
      events: [{ type: "delete", pair: { createRevision: 0, modRevision: 6, version: 0, lease: 0n } }],
    });
    expect(await pull(watcher)).toBeUndefined();
  });

  it("of the same range is told the very same, once made for all", async () => {
    const hub = hubOf();
    const watchers = Array.from({ length: 50 }, () => hub.watch(everything));
    const waiting = watchers.map((watcher) => watcher.next());
    store.put(put("a", "1"));
    const told = await Promise.all(waiting);
    expect(new Set(told.map(({ value }) => value)).size).toBe(1);
    const other = hub.watch({ ...everything, noDelete: true });
    const late = [watchers[0]!.next(), other.next()];
    store.put(put("b", "1"));
    const [left, right] = await Promise.all(late);
    expect(left!.value!.events[0]).toBe(right!.value!.events[0]);
    hub.close();
  });

  it("is not told before its start, though others at its place are", async () => {
    const hub = hubOf();
    const early = hub.watch(everything);
    const late = hub.watch({ ...everything, startRevision: 4 });
    const waiting = [early.next(), late.next()];
    for (const value of ["1", "2", "3", "4"]) store.put(put("a", value));
    expect(shown((await waiting[0])?.value)).toHaveLength(4);
    expect(shown((await waiting[1])?.value)).toEqual(["4 put a=3", "5 put a=4"]);
  });

  it("is told from its start, though one at its place that starts later is told first", async () => {
    const hub = hubOf();
    const late = hub.watch({ ...everything, startRevision: 4 });
    const early = hub.watch(everything);
    const waiting = [late.next(), early.next()];
    for (const value of ["1", "2", "3", "4"]) store.put(put("a", value));
    expect(shown((await waiting[0])?.value)).toEqual(["4 put a=3", "5 put a=4"]);
    expect(shown((await waiting[1])?.value)).toHaveLength(4);
  });

  it("gets the pairs before when it asks for them", async () => {
    const hub = hubOf();
    const watcher = hub.watch({ ...everything, previousPairs: true });
    const plain = hub.watch(everything);
    store.put(put("a", "1"));
    store.put(put("a", "2"));
    store.deleteRange(everything);
    const { events } = (await pull(watcher)) as WatchResponse;
    expect(events.map(({ previousPair }) => previousPair && text(previousPair.value))).toEqual([undefined, "1", "2"]);
    const others = (await pull(plain)) as WatchResponse;
    expect(others.events.every(({ previousPair }) => previousPair === undefined)).toBe(true);
  });

  it("may watch from the first key on, with an empty key", async () => {
    const hub = hubOf();
    const first = hub.watch({ key: bytes("") });
    const all = hub.watch({ ...everything, key: bytes("") });
    store.put(put("\0", "1"));
    store.put(put("a", "1"));
    expect(shown(await pull(first))).toEqual(["2 put \0=1"]);
    expect(shown(await pull(all))).toHaveLength(2);
  });

  it("may pull before the pull before is answered", async () => {
    const hub = hubOf();
    const watcher = hub.watch({ ...everything, maxBytes: 1 });
    const pulls = [watcher.next(), watcher.next(), watcher.next()];
    store.put(put("a", "1"));
    store.put(put("b", "2"));
    expect(shown((await pulls[0])?.value)).toEqual(["2 put a=1"]);
    expect(shown((await pulls[1])?.value)).toEqual(["3 put b=2"]);
    await watcher.close();
    expect(await pulls[2]).toEqual({ value: undefined, done: true });
  });

  it("gets a big revision in fragments if it asks for them, and else as it is", async () => {
    const hub = hubOf();
    const maxBytes = 200;
    const fragments = hub.watch({ ...everything, fragment: true, maxBytes });
    const whole = hub.watch({ ...everything, maxBytes });
    const success = ["a", "b", "c", "d", "e"].map(
      (key) => ({ type: "put", request: put(key, "1".repeat(20)) }) as const,
    );
    store.txn({ compare: [], success, failure: [] });
    store.put(put("z", "1"));
    const past = hub.watch({ ...everything, fragment: true, maxBytes, startRevision: 2 });
    for (const watcher of [fragments, past]) {
      const told: WatchResponse[] = [];
      for (let at = 0; at < 4; at++) told.push((await pull(watcher)) as WatchResponse);
      const present = watcher === past ? 3 : undefined;
      expect(told.map(({ presentRevision }) => presentRevision)).toEqual([present, present, present, present]);
      expect(told.map(({ events, fragment, header }) => [events.length, fragment, header.revision])).toEqual([
        [2, true, 2],
        [2, true, 2],
        [1, undefined, 2],
        [1, undefined, 3],
      ]);
    }
    expect(shown(await pull(whole))).toHaveLength(5);
    expect(shown(await pull(whole))).toEqual(["3 put z=1"]);
  });

  it("is a loop that ends when it is left", async () => {
    const hub = hubOf();
    const told: unknown[] = [];
    const watcher = hub.watch(everything);
    store.put(put("a", "1"));
    for await (const response of watcher) {
      told.push(shown(response));
      if (told.length === 2) break;
      store.put(put("b", "1"));
    }
    expect(told).toEqual([["2 put a=1"], ["3 put b=1"]]);
    expect(hub.size).toBe(0);
    await watcher[Symbol.asyncDispose]();
    expect(await watcher.next()).toEqual({ value: undefined, done: true });
  });

  it("ends with its signal, whose reason the pull under way or the next one gets", async () => {
    const hub = hubOf();
    const controller = new AbortController();
    const { signal } = controller;
    const [waiting, idle] = [hub.watch(everything, { signal }), hub.watch(everything, { signal })];
    const other = new AbortController().signal;
    const kept = hub.watch(everything, { signal: other });
    expect(getEventListeners(other, "abort")).toHaveLength(1);
    const pulled = waiting.next();
    controller.abort(new Error("enough"));
    await expect(pulled).rejects.toThrow("enough");
    await expect(idle.next()).rejects.toThrow("enough");
    expect(await idle.next()).toEqual({ value: undefined, done: true });
    expect(hub.size).toBe(1);
    await kept.close();
    expect(getEventListeners(other, "abort")).toHaveLength(0);
  });
});

describe("a slow watcher", () => {
  const tuning = { queue: { events: 5, bytes: 1_000_000 }, slice: { events: 3, changes: 100 }, turnCost: 1000 };

  it("loses its place in the queue, which is bounded, but no event", async () => {
    const hub = hubOf({ tuning });
    const slow = hub.watch(everything);
    const fast = hub.watch(everything);
    let told = 0;
    for (let at = 0; at < 100; at++) {
      store.put(put(`k${at}`, "1"));
      told += (shown(await pull(fast)) as string[]).length;
      expect(hub.queued).toBeLessThanOrEqual(5);
    }
    expect(told).toBe(100);
    const keys: string[] = [];
    while (keys.length < 100) keys.push(...(shown(await pull(slow)) as string[]));
    expect(keys).toEqual(Array.from({ length: 100 }, (_, at) => `${at + 2} put k${at}=1`));
    // It has caught up, and is told at once again.
    const waiting = slow.next();
    store.put(put("a", "1"));
    expect(shown((await waiting).value)).toEqual(["102 put a=1"]);
    expect(hub.queued).toBe(1);
    await fast.close();
    expect(hub.queued).toBe(0);
  });

  it("is bounded in bytes, too", async () => {
    const hub = hubOf({ tuning: { ...tuning, queue: { events: 1000, bytes: 5000 } } });
    const slow = hub.watch(everything);
    for (let at = 0; at < 20; at++) {
      store.put(put("k", "x".repeat(2000)));
      expect(hub.queued).toBeLessThanOrEqual(2);
    }
    expect(shown(await pull(slow))).toHaveLength(3);
  });

  it("is cancelled when what it has missed is compacted, but not for what it can still be told", async () => {
    const hub = hubOf({ tuning });
    const slow = hub.watch(everything);
    const busy = hub.watch({ key: bytes("k9") });
    for (let at = 0; at < 10; at++) store.put(put(`k${at}`, "1"));
    store.compact({ revision: store.revision });
    expect(shown(await pull(busy))).toEqual(["11 put k9=1"]);
    expect(await pull(slow)).toEqual({
      header: { clusterId: 1n, memberId: 2n, revision: 11, term: 3 },
      events: [],
      canceled: true,
      cancelReason: "COMPACTED",
      compactRevision: 11,
    });
    expect(await pull(slow)).toBe("over");
    expect(await pull(hub.watch({ ...everything, startRevision: 10 }))).toMatchObject({ compactRevision: 11 });
    expect(shown(await pull(hub.watch({ ...everything, startRevision: 11 })))).toEqual(["11 put k9=1"]);
  });

  it("lets other work go on between its slices", async () => {
    for (let at = 0; at < 1000; at++) store.put(put(`k${at}`, "1"));
    const hub = hubOf({ tuning: { ...tuning, slice: { events: 3, changes: 10 }, turnCost: 10 } });
    const watcher = hub.watch({ key: bytes("nobody"), rangeEnd: bytes("\0"), startRevision: 1 });
    let turns = 0;
    let waits = true;
    const pulled = watcher.next().finally(() => (waits = false));
    const count = (): void => {
      turns++;
      if (waits) clock.defer(count);
    };
    clock.defer(count);
    store.put(put("nobody", "1"));
    await clock.advance(0);
    expect(shown((await pulled).value)).toEqual(["1002 put nobody=1"]);
    expect(turns).toBeGreaterThan(90);
  });
});

describe("progress", () => {
  it("is told when asked for, after everything else", async () => {
    const hub = hubOf();
    const watcher = hub.watch({ key: bytes("a") });
    store.put(put("a", "1"));
    store.put(put("b", "1"));
    watcher.requestProgress();
    watcher.requestProgress();
    expect(shown(await pull(watcher))).toEqual(["2 put a=1"]);
    expect(await pull(watcher)).toMatchObject({ progress: true, events: [], header: { revision: 3 } });
    const waiting = watcher.next();
    watcher.requestProgress();
    expect((await waiting).value).toMatchObject({ progress: true, header: { revision: 3 } });
    const past = hub.watch({ ...everything, startRevision: 1 });
    past.requestProgress();
    expect(shown(await pull(past))).toHaveLength(2);
    expect(await pull(past)).toMatchObject({ progress: true, header: { revision: 3 } });
  });

  it("is told from time to time to those that want it, while they are told nothing else", async () => {
    const hub = hubOf({ limits: { ...defaultWatchLimits, progressIntervalMs: 1000 } });
    const watcher = hub.watch({ key: bytes("a"), progressNotify: true });
    const silent = hub.watch({ key: bytes("a") });
    const told: string[] = [];
    const reading = (async () => {
      for await (const { progress, header } of watcher) told.push(`${progress ?? "event"} ${header.revision}`);
    })();
    await clock.advance(1000);
    expect(told).toEqual(["true 1"]);
    store.put(put("a", "1"));
    await clock.advance(1000);
    expect(told).toEqual(["true 1", "event 2"]);
    store.put(put("b", "1"));
    await clock.advance(2000);
    expect(told).toEqual(["true 1", "event 2", "true 3", "true 3"]);
    expect(shown(await pull(silent))).toEqual(["2 put a=1"]);
    expect(await pull(silent)).toBeUndefined();
    await watcher.close();
    await reading;
    expect(clock.pending).toBe(0);
  });
});

describe("a hub", () => {
  it("sends everyone to the history for a revision too big to queue", async () => {
    const hub = hubOf();
    const [watcher, other] = [hub.watch(everything), hub.watch({ key: bytes("k7") })];
    for (let at = 0; at < 2000; at++) store.put(put(`k${at}`, ""));
    const received: number[] = [];
    while (received.length < 2000) received.push(...((await pull(watcher)) as WatchResponse).events.map(() => 1));
    const waiting = [watcher.next(), other.next()];
    store.deleteRange(everything);
    await clock.advance(0);
    // Only what is not too big for the other range.
    expect(hub.queued).toBe(1);
    expect((await waiting[0])?.value?.events).toHaveLength(2000);
    expect(shown((await waiting[1])?.value)).toEqual(["9 put k7="]);
    expect(shown(await pull(other))).toEqual(["2002 delete k7="]);
  });

  it("takes so many watchers and no more", async () => {
    const hub = hubOf({ limits: { ...defaultWatchLimits, maxWatchers: 2 } });
    const [first] = [hub.watch(everything), hub.watch(everything)];
    expect(() => hub.watch(everything)).toThrow(expect.objectContaining({ code: "TOO_MANY_REQUESTS" }));
    await first.close();
    hub.watch(everything);
    expect(hub.size).toBe(2);
  });

  it.each([
    [{ startRevision: -1 }, "watch.startRevision must be a safe integer >= 0 (got -1)"],
    [{ startRevision: 1.5 }, "watch.startRevision must be a safe integer >= 0 (got 1.5)"],
    [{ maxBytes: 0 }, "watch.maxBytes must be a safe integer >= 1 (got 0)"],
    [{ rangeEnd: bytes("a") }, 'watch.rangeEnd must be above the key (got "a")'],
    [{ rangeEnd: bytes("A") }, 'watch.rangeEnd must be above the key (got "A")'],
  ])("refuses %o", (part, message) => {
    expect(() => hubOf().watch({ key: bytes("a"), ...part })).toThrow(message);
  });

  it("ends watches that require a leader when it is gone for long, and refuses new ones at once", async () => {
    const hub = hubOf();
    const [strict, patient] = [hub.watch(everything, { requireLeader: true }), hub.watch(everything)];
    const absent = async (ms: number): Promise<void> => {
      leader = false;
      hub.checkLeader();
      await clock.advance(ms);
      hub.checkLeader();
    };
    await absent(1499);
    leader = true;
    hub.checkLeader();
    await absent(1499);
    expect(hub.size).toBe(2);
    expect(() => hub.watch(everything, { requireLeader: true })).toThrow(
      expect.objectContaining({ code: "NO_LEADER" }),
    );
    await absent(1);
    expect(await pull(strict)).toMatchObject({ canceled: true, cancelReason: "NO_LEADER" });
    expect(await pull(strict)).toBe("over");
    leader = true;
    store.put(put("a", "1"));
    expect(shown(await pull(patient))).toEqual(["2 put a=1"]);
  });

  it("tells everyone when it closes", async () => {
    const hub = hubOf();
    const [waiting, idle] = [hub.watch(everything), hub.watch({ ...everything, progressNotify: true })];
    const pulls = [waiting.next(), waiting.next()];
    hub.close();
    expect(await pulls[0]).toMatchObject({ value: { canceled: true, cancelReason: "STOPPED" }, done: false });
    expect(await pulls[1]).toEqual({ value: undefined, done: true });
    expect(await pull(idle)).toMatchObject({ canceled: true, cancelReason: "STOPPED" });
    expect(await pull(idle)).toBe("over");
    expect([hub.size, clock.pending]).toEqual([0, 0]);
  });
});
