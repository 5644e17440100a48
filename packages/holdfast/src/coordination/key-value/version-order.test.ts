import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Version } from "./key-record.ts";
import { KeyValueStore } from "./key-value-store.ts";
import { VersionOrder } from "./version-order.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** One change of the store; `compact` by how far back. */
type Step =
  | { readonly type: "put"; readonly key: number }
  | { readonly type: "delete"; readonly key: number }
  | { readonly type: "compact"; readonly back: number };

function take(store: KeyValueStore, step: Step): void {
  if (step.type === "put") store.put({ key: text(`k${step.key}`), value: text(`v${store.revision}`) });
  else if (step.type === "delete") store.deleteRange({ key: text(`k${step.key}`), rangeEnd: text(`k${step.key + 3}`) });
  else {
    const revision = store.revision - step.back;
    if (revision > store.compactedRevision && revision > 0) store.compact({ revision });
  }
}

const show = ({ key, value, modRevision, subRevision, createRevision, version }: Version): string =>
  [modRevision, subRevision, key, value ?? "-", createRevision, version].join(" ");

/** What the store holds, straight from its index. */
function held(store: KeyValueStore): string[] {
  const versions: Version[] = [];
  store.index.ascend("", undefined, (record) => {
    for (let at = record.firstKept(store.compactedRevision); at < record.depth; at++)
      versions.push(record.versionAt(at));
    return true;
  });
  versions.sort((a, b) => a.modRevision - b.modRevision || a.subRevision - b.subRevision);
  return versions.map(show);
}

const key = fc.nat(30);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant("put" as const), key }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("delete" as const), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("compact" as const), back: fc.nat(20) }) },
);
const steps = fc.array(step, { maxLength: 120 });

describe("versions in order of revision", () => {
  it("are those of the moment, whatever is written while they are gathered and read", () => {
    fc.assert(
      fc.property(steps, steps, steps, (before, whileGathered, whileRead) => {
        const store = new KeyValueStore();
        for (const one of before) take(store, one);
        const expected = held(store);
        const contents = store.openSnapshot();
        const order = new VersionOrder(contents);
        const gathering = order.gather();
        for (const one of whileGathered) take(store, one);
        for (const _ of gathering) for (const one of whileGathered) take(store, one);
        for (let times = 0; times < 2; times++) {
          const read: string[] = [];
          for (const batch of order.batches()) {
            for (const one of whileRead) take(store, one);
            read.push(...batch.map(show));
          }
          expect(read).toEqual(expected);
        }
        contents.release();
      }),
      { numRuns: 100 },
    );
  });

  it("are merged from many runs", () => {
    const store = new KeyValueStore();
    const count = 30_000;
    for (let at = 0; at < count; at++) store.put({ key: text(`k${(at * 7919) % count}`), value: text("v") });
    for (let at = 0; at < count; at += 3) store.put({ key: text(`k${at}`), value: text("w") });
    const contents = store.openSnapshot();
    const order = new VersionOrder(contents);
    expect([...order.gather()].length).toBeGreaterThan(9);
    const batches = [...order.batches()];
    const revisions = batches.flat().map(({ modRevision }) => modRevision);
    expect(revisions).toEqual(Array.from({ length: count + count / 3 }, (_, at) => at + 2));
    contents.release();
  });

  it("come a few at a time where they are large", () => {
    const store = new KeyValueStore();
    for (let at = 0; at < 20; at++) store.put({ key: text(`k${at}`), value: new Uint8Array(100_000) });
    const contents = store.openSnapshot();
    const order = new VersionOrder(contents);
    for (const _ of order.gather());
    expect(Array.from(order.batches(), (batch) => batch.length)).toEqual([3, 3, 3, 3, 3, 3, 2]);
    contents.release();
  });
});
