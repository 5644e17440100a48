import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIndex, KeyValueStore } from "../key-value/key-value-store.ts";
import { readWatchRequest } from "./watch-filter.ts";
import { readHistory, type HistoryLimits } from "./watch-history.ts";
import type { WatchRequest } from "./watch.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (from: Uint8Array): string => String.fromCharCode(...from);
const everything = { key: bytes("\0"), rangeEnd: bytes("\0") };
const unlimited: HistoryLimits = { bytes: Infinity, events: Infinity, changes: Infinity };

/** Keys 0 to 9, and many others between them and behind. */
function busyStore(changes: number): KeyValueStore {
  const store = new KeyValueStore();
  for (let at = 0; at < changes; at++) {
    const key = at % 7 === 0 ? String(at % 10) : `other/${(at * 7919) % 1000}`;
    if (at % 31 === 0) store.deleteRange({ key: bytes("0"), rangeEnd: bytes("5") });
    else store.put({ key: bytes(key), value: bytes(String(at)) });
  }
  return store;
}

interface Read {
  readonly told: string[];
  readonly slices: number;
  readonly cost: number;
}

function readAll(store: KeyValueStore, request: WatchRequest, from: number, limits: HistoryLimits): Read {
  const { filter } = readWatchRequest(request);
  const told: string[] = [];
  let slices = 0;
  let cost = 0;
  for (let next = from; next <= store.revision; slices++) {
    const slice = readHistory(store, filter, next, limits);
    if (slice.next <= next) throw new Error(`stands still at ${next}`);
    next = slice.next;
    cost += slice.cost;
    for (const { revision, events } of slice.batches) {
      for (const { type, pair } of events) {
        const misplaced = pair.modRevision === revision ? "" : `in ${pair.modRevision} `;
        told.push(`${revision} ${misplaced}${type} ${text(pair.key)}=${text(pair.value)}`);
      }
    }
  }
  return { told, slices, cost };
}

describe("readHistory", () => {
  const store = busyStore(4000);
  const whole = readAll(store, everything, 1, unlimited).told;
  const requests: readonly (readonly [string, WatchRequest, (key: string) => boolean])[] = [
    ["one key", { key: bytes("3") }, (key) => key === "3"],
    ["a key that never was", { key: bytes("x") }, () => false],
    ["few keys", { key: bytes("2"), rangeEnd: bytes("6") }, (key) => key >= "2" && key < "6"],
    ["many keys", { key: bytes("5"), rangeEnd: bytes("p") }, (key) => key >= "5" && key < "p"],
    ["all keys", everything, () => true],
  ];

  it.each(requests)("tells the same of %s in slices of any size, whatever way it takes", (_, request, matches) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: store.revision }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 20_000 }),
        (from, events, changes, bytes) => {
          const expected = whole.filter((line) => {
            const [revision, , pair] = line.split(" ");
            return Number(revision) >= from && matches(pair!.split("=")[0]!);
          });
          const { told } = readAll(store, request, from, { events, changes, bytes });
          expect(told.join("\n")).toBe(expected.join("\n"));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("does not look at everything that changed when only few keys are asked for", () => {
    const limits = { bytes: 1_000_000, events: 1024, changes: 4096 };
    const one = readAll(store, { key: bytes("3") }, 2, limits);
    expect(one.told.length).toBeGreaterThan(30);
    expect(one.cost).toBeLessThan(store.changes.size / 10);
    expect(readAll(store, everything, 2, limits).cost).toBe(store.changes.size);
  });

  it("bounds what it looks at in one slice, though nothing of it is asked for", () => {
    const { told, slices } = readAll(store, { key: bytes("5x"), rangeEnd: bytes("\0") }, 2, {
      ...unlimited,
      changes: 100,
    });
    expect(told.length).toBeGreaterThan(1000);
    expect(slices).toBeGreaterThan(store.changes.size / 120);
  });

  it("puts a revision that is above all limits in one slice", () => {
    const big = new KeyValueStore();
    for (let at = 0; at < 3000; at++) big.put({ key: bytes(`k${at}`), value: bytes("v") });
    big.deleteRange(everything);
    const { filter } = readWatchRequest(everything);
    const slice = readHistory(big, filter, big.revision, { bytes: 1, events: 1, changes: 1 });
    expect(slice.batches.map(({ events }) => events.length)).toEqual([3000]);
    expect(slice.next).toBe(big.revision + 1);
  });
});

describe("history at the compacted revision", () => {
  const put = (key: string, value: string) => ({ key: bytes(key), value: bytes(value) });

  function compactedAtDelete(): KeyValueStore {
    const store = new KeyValueStore();
    store.put(put("a", "1"));
    store.put(put("b", "1"));
    store.deleteRange({ key: bytes("a") });
    store.put(put("b", "2"));
    store.compact({ revision: 4 });
    while (store.sweep(1000)) continue;
    return store;
  }

  it("has what that revision deleted, also when it comes from a snapshot", () => {
    const store = compactedAtDelete();
    const index = createIndex();
    store.index.ascend("", undefined, (record, key) => (index.set(key, record), true));
    const restored = new KeyValueStore({}, { revision: 5, compactedRevision: 4, index });
    for (const each of [store, restored]) {
      expect(each.changes.size).toBe(2);
      expect(readAll(each, everything, 4, unlimited).told).toEqual(["4 delete a=", "5 put b=2"]);
    }
    // The next compaction lets go of it.
    expect(store.index.get("a")).toBeDefined();
    store.compact({ revision: 5 });
    while (store.sweep(1000)) continue;
    expect(store.index.get("a")).toBeUndefined();
    expect(store.changes.size).toBe(1);
  });

  it("has no pair from before the compaction, even while it is still held", () => {
    const store = new KeyValueStore();
    store.put(put("a", "1"));
    store.put(put("a", "2"));
    store.put(put("a", "3"));
    const snapshot = store.openSnapshot();
    store.compact({ revision: 3 });
    const { filter } = readWatchRequest({ key: bytes("a"), previousPairs: true });
    const { batches } = readHistory(store, filter, 3, unlimited);
    const previous = batches.flatMap(({ events }) => events.map(({ previousPair }) => previousPair?.modRevision));
    expect(previous).toEqual([undefined, 3]);
    snapshot.release();
  });
});
