import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import type { RangeRequest } from "../coordination/index.ts";
import { bytes, refused, text, type CoordinationContext, type CoordinationTest } from "./coordination-suite.ts";

/** Puts several keys, one revision each; resolves to the last. */
async function fill(
  { coordination, key }: CoordinationContext,
  pairs: Readonly<Record<string, string>>,
): Promise<number> {
  let revision = 0;
  for (const [name, value] of Object.entries(pairs)) {
    ({
      header: { revision },
    } = await coordination.put({ key: key(name), value: bytes(value) }));
  }
  return revision;
}

/** The names of the keys that a range finds. */
async function names(context: CoordinationContext, request: Partial<RangeRequest>): Promise<string> {
  const { pairs } = await context.coordination.range({ ...context.all, ...request });
  return pairs.map((pair) => context.nameOf(pair.key)).join();
}

export const keyValuePromises: Readonly<Record<string, CoordinationTest>> = {
  async "a put is read by whoever asks, with its revisions and its version"({ coordination, other, key }) {
    const first = await coordination.put({ key: key("a"), value: bytes("1") });
    const second = await other.put({ key: key("a"), value: bytes("2"), previousPair: true });
    equal(first.previousPair, undefined);
    equal(text(second.previousPair?.value), "1");
    equal(second.header.revision, first.header.revision + 1);
    for (const asked of [coordination, other]) {
      const { pairs, count, more, header } = await asked.range({ key: key("a") });
      deepEqual(pairs, [
        {
          key: key("a"),
          value: bytes("2"),
          createRevision: first.header.revision,
          modRevision: second.header.revision,
          version: 2,
          lease: 0n,
        },
      ]);
      deepEqual([count, more], [1, false]);
      equal(header.revision, second.header.revision);
      equal(header.clusterId, first.header.clusterId);
      notEqual(header.memberId, 0n);
      ok(header.term > 0);
    }
  },
  async "keys and values are any bytes, and keys are in the order of their bytes"({ coordination, key, all }) {
    const everything = Uint8Array.from({ length: 256 }, (_, at) => at);
    const keys = [[0], [0, 0], [97], [97, 0], [127], [128], [195, 188], [255], [255, 255]].map((tail) =>
      Uint8Array.of(...key(""), ...tail),
    );
    for (const one of keys.toReversed()) await coordination.put({ key: one, value: everything });
    const { pairs } = await coordination.range(all);
    deepEqual(
      pairs.map((pair) => pair.key),
      keys,
    );
    for (const { value } of pairs) deepEqual(value, everything);
    await coordination.put({ key: keys[0]!, value: new Uint8Array(0) });
    deepEqual((await coordination.range({ key: keys[0]! })).pairs[0]?.value, new Uint8Array(0));
  },
  async "a put keeps the value or the lease when it is told to"({ coordination, key }) {
    const { id } = await coordination.leaseGrant({ ttlSeconds: 60 });
    await coordination.put({ key: key("a"), value: bytes("1"), lease: id });
    await coordination.put({ key: key("a"), value: bytes("2"), ignoreLease: true });
    await coordination.put({ key: key("a"), value: bytes(""), ignoreValue: true });
    const { pairs } = await coordination.range({ key: key("a") });
    deepEqual([text(pairs[0]?.value), pairs[0]?.lease, pairs[0]?.version], ["2", 0n, 3]);
    await refused(coordination.put({ key: key("b"), value: bytes(""), ignoreValue: true }), "KEY_NOT_FOUND");
    await refused(coordination.put({ key: key("b"), value: bytes("1"), ignoreLease: true }), "KEY_NOT_FOUND");
    await refused(coordination.put({ key: key("a"), value: bytes("1"), ignoreValue: true }), "VALUE_PROVIDED");
    await refused(
      coordination.put({ key: key("a"), value: bytes("1"), ignoreLease: true, lease: id }),
      "LEASE_PROVIDED",
    );
    await coordination.leaseRevoke({ id });
  },
  async "ranges are limited, counted, sorted and filtered"(context) {
    const last = await fill(context, { b: "1", c: "3", a: "2", d: "2" });
    const { coordination, all } = context;
    await fill(context, { c: "4" });
    equal(await names(context, {}), "a,b,c,d");
    equal(await names(context, { sortOrder: "descend" }), "d,c,b,a");
    equal(await names(context, { sortTarget: "create", sortOrder: "ascend" }), "b,c,a,d");
    equal(await names(context, { sortTarget: "mod", sortOrder: "descend" }), "c,d,a,b");
    equal(await names(context, { sortTarget: "version", sortOrder: "descend", limit: 1 }), "c");
    equal(await names(context, { sortTarget: "value", sortOrder: "descend", limit: 1 }), "c");
    equal(await names(context, { minModRevision: last }), "c,d");
    equal(await names(context, { maxModRevision: last - 1 }), "a,b");
    equal(await names(context, { minCreateRevision: last - 1 }), "a,d");
    equal(await names(context, { maxCreateRevision: last - 2 }), "b,c");
    equal(await names(context, { key: context.key("b"), rangeEnd: context.key("d") }), "b,c");
    const limited = await coordination.range({ ...all, limit: 2 });
    deepEqual([limited.pairs.length, limited.more, limited.count], [2, true, 4]);
    const counted = await coordination.range({ ...all, countOnly: true });
    deepEqual([counted.pairs.length, counted.count], [0, 4]);
    const { pairs } = await coordination.range({ ...all, keysOnly: true, limit: 1 });
    deepEqual([pairs[0]?.value.length, pairs[0]?.version], [0, 1]);
    const onwards = await coordination.range({ key: context.key("d"), rangeEnd: Uint8Array.of(0) });
    ok(onwards.count >= 1);
  },
  async "the past can be read until it is compacted, the future not at all"(context) {
    const { coordination, key, all } = context;
    const first = await fill(context, { a: "1", b: "1" });
    const { header } = await coordination.deleteRange(all);
    const last = await fill(context, { a: "2" });
    const past = await coordination.range({ ...all, revision: first });
    deepEqual(
      past.pairs.map((pair) => text(pair.value)),
      ["1", "1"],
    );
    equal(past.header.revision, last);
    equal((await coordination.range({ ...all, revision: header.revision })).count, 0);
    await refused(coordination.range({ ...all, revision: last + 1000 }), "FUTURE_REVISION");
    await refused(coordination.compact({ revision: last + 1000 }), "FUTURE_REVISION");
    await coordination.compact({ revision: header.revision });
    await refused(coordination.range({ ...all, revision: first }), "COMPACTED");
    await refused(coordination.compact({ revision: first }), "COMPACTED");
    equal((await coordination.range({ ...all, revision: header.revision })).count, 0);
    equal(text((await coordination.range({ key: key("a") })).pairs[0]?.value), "2");
  },
  async "a delete ends a key's life, and the next put begins another"(context) {
    const { coordination, key, all } = context;
    await fill(context, { a: "1", b: "1", c: "1" });
    const last = await fill(context, { a: "2" });
    const deletion = await coordination.deleteRange({ key: key("a"), rangeEnd: key("c"), previousPairs: true });
    equal(deletion.deleted, 2);
    deepEqual(
      deletion.previousPairs.map((pair) => text(pair.value)),
      ["2", "1"],
    );
    equal(deletion.header.revision, last + 1);
    const again = await coordination.deleteRange({ key: key("a") });
    deepEqual([again.deleted, again.previousPairs, again.header.revision], [0, [], last + 1]);
    equal(await names(context, {}), "c");
    const reborn = await fill(context, { a: "3" });
    const { pairs } = await coordination.range({ ...all, limit: 1 });
    deepEqual([pairs[0]?.version, pairs[0]?.createRevision, pairs[0]?.modRevision], [1, reborn, reborn]);
  },
  async "what is not well-formed is refused, and nothing is written"({ coordination, key, all }) {
    const none = new Uint8Array(0);
    await refused(coordination.range({ key: none }), "EMPTY_KEY");
    await refused(coordination.put({ key: none, value: bytes("1") }), "EMPTY_KEY");
    await refused(coordination.deleteRange({ key: none }), "EMPTY_KEY");
    await refused(coordination.put({ key: key("a"), value: bytes("1"), lease: 987_654n }), "LEASE_NOT_FOUND");
    await refused(coordination.range({ ...all, sortOrder: "sideways" as "none" }), "INVALID_SORT_OPTION");
    const many = Array.from({ length: 129 }, (_, at) => ({
      type: "put" as const,
      request: { key: key(`${at}`), value: bytes("1") },
    }));
    await refused(coordination.txn({ compare: [], success: many, failure: [] }), "TOO_MANY_OPERATIONS");
    equal((await coordination.range(all)).count, 0);
  },
  async "an abort wins, with its reason"({ coordination, key }) {
    const reason = new Error("no longer wanted");
    const signal = AbortSignal.abort(reason);
    for (const request of [
      () => coordination.put({ key: key("a"), value: bytes("1") }, { signal }),
      () => coordination.range({ key: key("a") }, { signal }),
      () => coordination.leaseGrant({ ttlSeconds: 5 }, { signal }),
      () => coordination.watch({ key: key("a") }, { signal }),
    ]) {
      equal(await request().then(undefined, (error: unknown) => error), reason);
    }
    equal((await coordination.range({ key: key("a") })).count, 0);
  },
};
