import { describe, expect, it } from "vitest";
import { CoordinationError } from "../coordination-error.ts";
import { KeyValueStore } from "./key-value-store.ts";
import type { Compare, KeyValue, PutRequest, RangeRequest, RequestOp, TxnRequest } from "./key-value.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (data: Uint8Array): string => String.fromCharCode(...data);
const show = (pair: KeyValue): string =>
  `${text(pair.key)}=${text(pair.value)} c${pair.createRevision} m${pair.modRevision} v${pair.version}`;

const all = { key: bytes("\0"), rangeEnd: bytes("\0") };

function read(store: KeyValueStore, request: Partial<RangeRequest> = {}): string[] {
  return store.range({ ...all, ...request }).pairs.map(show);
}

function put(key: string, value: string, more: Partial<PutRequest> = {}): { type: "put"; request: PutRequest } {
  return { type: "put", request: { key: bytes(key), value: bytes(value), ...more } };
}

function remove(key: string, rangeEnd?: string): RequestOp {
  return {
    type: "deleteRange",
    request: { key: bytes(key), ...(rangeEnd === undefined ? {} : { rangeEnd: bytes(rangeEnd) }) },
  };
}

function range(key: string, more: Partial<RangeRequest> = {}): RequestOp {
  return { type: "range", request: { key: bytes(key), ...more } };
}

function txn(...success: RequestOp[]): TxnRequest {
  return { compare: [], success, failure: [] };
}

function nested(...success: RequestOp[]): RequestOp {
  return { type: "txn", request: txn(...success) };
}

function filled(...keys: string[]): KeyValueStore {
  const store = new KeyValueStore();
  for (const key of keys) store.put(put(key, key.toUpperCase()).request);
  return store;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CoordinationError) return error.code;
    throw error;
  }
  return "ok";
}

describe("revisions", () => {
  it("starts at 1 and counts writes that changed something", () => {
    const store = new KeyValueStore();
    expect(store.revision).toBe(1);
    store.put(put("a", "1").request);
    expect(store.revision).toBe(2);
    expect(store.deleteRange({ key: bytes("missing") })).toEqual({ deleted: 0, previousPairs: [] });
    store.txn(txn(range("a"), remove("missing")));
    expect(store.revision).toBe(2);
    store.txn(txn(put("b", "1"), put("c", "1"), remove("a")));
    expect(store.revision).toBe(3);
    expect(read(store)).toEqual(["b=1 c3 m3 v1", "c=1 c3 m3 v1"]);
  });

  it("keeps a key's life: created, modified, deleted, created anew", () => {
    const store = new KeyValueStore();
    store.put(put("a", "1").request);
    store.put(put("a", "2").request);
    store.deleteRange({ key: bytes("a") });
    store.put(put("a", "3").request);
    const history = [1, 2, 3, 4, 5].map((revision) => read(store, { revision }));
    expect(history).toEqual([[], ["a=1 c2 m2 v1"], ["a=2 c2 m3 v2"], [], ["a=3 c5 m5 v1"]]);
  });

  it("answers with bytes of its own", () => {
    const store = new KeyValueStore();
    const value = bytes("1");
    store.put({ key: bytes("a"), value });
    value[0] = 0;
    store.range(all).pairs[0]!.value[0] = 0;
    expect(read(store)).toEqual(["a=1 c2 m2 v1"]);
  });
});

describe("range", () => {
  const store = new KeyValueStore();
  for (const key of ["b", "a", "c", "\xff", "ab"]) store.put(put(key, key).request);
  store.put(put("a", "z").request);

  const keysOf = (request: RangeRequest): string => {
    const { pairs, count, more } = store.range(request);
    return `${pairs.map(({ key }) => text(key)).join(" ")} of ${count}${more ? "+" : ""}`;
  };

  const cases: readonly (readonly [string, RangeRequest, string])[] = [
    ["one key", { key: bytes("a") }, "a of 1"],
    ["a missing key", { key: bytes("x") }, " of 0"],
    ["an empty range end is none", { key: bytes("a"), rangeEnd: bytes("") }, "a of 1"],
    ["a range without its end", { key: bytes("a"), rangeEnd: bytes("c") }, "a ab b of 3"],
    ["to the end of all keys", { key: bytes("b"), rangeEnd: bytes("\0") }, "b c \xff of 3"],
    ["all keys", all, "a ab b c \xff of 5"],
    ["an inverted range is empty", { key: bytes("c"), rangeEnd: bytes("a") }, " of 0"],
    ["limited, counted whole", { ...all, limit: 2 }, "a ab of 5+"],
    ["a limit that fits", { ...all, limit: 5 }, "a ab b c \xff of 5"],
    ["a negative limit is none", { ...all, limit: -1 }, "a ab b c \xff of 5"],
    ["descending", { ...all, sortOrder: "descend", limit: 2 }, "\xff c of 5+"],
    ["count only", { ...all, countOnly: true, limit: 2 }, " of 5"],
    ["count of one key", { key: bytes("a"), countOnly: true }, " of 1"],
    ["by creation", { ...all, sortTarget: "create" }, "b a c \xff ab of 5"],
    ["by creation, descending", { ...all, sortTarget: "create", sortOrder: "descend", limit: 1 }, "ab of 5+"],
    ["by modification", { ...all, sortTarget: "mod", sortOrder: "ascend" }, "b c \xff ab a of 5"],
    ["by version, ties by key", { ...all, sortTarget: "version", sortOrder: "descend" }, "a ab b c \xff of 5"],
    ["by value", { ...all, sortTarget: "value" }, "ab b c a \xff of 5"],
    ["no order but a target: the limit comes first", { ...all, sortTarget: "create", limit: 1 }, "a of 5+"],
    ["modified from, counted before the filter", { ...all, minModRevision: 4 }, "a ab c \xff of 5"],
    ["modified up to, with a limit", { ...all, maxModRevision: 4, limit: 1 }, "b of 5+"],
    ["created from", { ...all, minCreateRevision: 5 }, "ab \xff of 5"],
    ["created up to, descending", { ...all, maxCreateRevision: 3, sortOrder: "descend" }, "b a of 5"],
    ["one key filtered out, yet counted", { key: bytes("b"), minModRevision: 5 }, " of 1"],
    ["the past", { ...all, revision: 3 }, "a b of 2"],
    ["the past, limited", { ...all, revision: 4, limit: 1 }, "a of 3+"],
    ["the past, descending", { ...all, revision: 4, limit: 1, sortOrder: "descend" }, "c of 3+"],
    ["count of the past", { ...all, revision: 4, countOnly: true }, " of 3"],
    ["a negative revision is the newest", { key: bytes("b"), revision: -1 }, "b of 1"],
  ];
  it.each(cases)("%s", (_, request, expected) => expect(keysOf(request)).toBe(expected));

  it("leaves out values when only keys are asked for, after sorting by them", () => {
    const { pairs } = store.range({ ...all, keysOnly: true, sortTarget: "value", sortOrder: "descend" });
    expect(pairs.map(show)).toEqual(["\xff= c5 m5 v1", "a= c3 m7 v2", "c= c4 m4 v1", "b= c2 m2 v1", "ab= c6 m6 v1"]);
  });

  it.each([
    ["FUTURE_REVISION", { ...all, revision: 8 }],
    ["EMPTY_KEY", { key: bytes("") }],
    ["INVALID_SORT_OPTION", { ...all, sortTarget: "size" as "key" }],
  ] as const)("refuses with %s", (code, request) => expect(codeOf(() => store.range(request))).toBe(code));
});

describe("put", () => {
  it("tells the previous pair, of the present life only", () => {
    const store = filled("a");
    expect(show(store.put(put("a", "2", { previousPair: true }).request).previousPair!)).toBe("a=A c2 m2 v1");
    store.deleteRange({ key: bytes("a") });
    expect(store.put(put("a", "3", { previousPair: true }).request)).toEqual({});
  });

  it("keeps the value or the lease when asked to", () => {
    const store = new KeyValueStore({
      leases: { has: (lease) => lease === 7n, attach: () => undefined, detach: () => undefined },
    });
    store.put(put("a", "1", { lease: 7n }).request);
    store.put(put("a", "2", { ignoreLease: true }).request);
    store.put(put("a", "", { ignoreValue: true }).request);
    const leases = [2, 3, 4].map((revision) => store.range({ ...all, revision }).pairs[0]!.lease);
    expect(leases).toEqual([7n, 7n, 0n]);
    expect(read(store)).toEqual(["a=2 c2 m4 v3"]);
  });

  it.each([
    ["EMPTY_KEY", put("", "1")],
    ["VALUE_PROVIDED", put("a", "1", { ignoreValue: true })],
    ["LEASE_PROVIDED", put("a", "1", { ignoreLease: true, lease: 7n })],
    ["LEASE_NOT_FOUND", put("a", "1", { lease: 7n })],
    ["LEASE_NOT_FOUND", put("missing", "", { lease: 7n, ignoreValue: true })],
    ["KEY_NOT_FOUND", put("missing", "", { ignoreValue: true })],
    ["KEY_NOT_FOUND", put("missing", "1", { ignoreLease: true })],
  ] as const)("refuses with %s and changes nothing", (code, { request }) => {
    const store = filled("a");
    expect(codeOf(() => store.put(request))).toBe(code);
    expect(store.revision).toBe(2);
    expect(read(store)).toEqual(["a=A c2 m2 v1"]);
  });
});

describe("deleteRange", () => {
  it("deletes what is there and tells it when asked to", () => {
    const store = filled("a", "b", "c", "d");
    const { deleted, previousPairs } = store.deleteRange({
      key: bytes("b"),
      rangeEnd: bytes("d"),
      previousPairs: true,
    });
    expect([deleted, ...previousPairs.map(show)]).toEqual([2, "b=B c3 m3 v1", "c=C c4 m4 v1"]);
    expect(store.revision).toBe(6);
    expect(store.keyCount).toBe(2);
    expect(store.deleteRange(all).deleted).toBe(2);
    expect(store.range(all).count).toBe(0);
  });
});

describe("txn", () => {
  const store = filled("a", "b");
  store.put(put("a", "A2").request);

  const on = (key: string, rest: object): Compare => ({ key: bytes(key), ...rest }) as Compare;
  const conditions: readonly (readonly [string, Compare, boolean])[] = [
    ["version equal", on("a", { target: "version", result: "equal", operand: 2 }), true],
    ["version of a missing key is 0", on("x", { target: "version", result: "equal", operand: 0 }), true],
    ["created greater", on("b", { target: "create", result: "greater", operand: 2 }), true],
    ["created not greater", on("b", { target: "create", result: "greater", operand: 3 }), false],
    ["modified less", on("b", { target: "mod", result: "less", operand: 4 }), true],
    ["value equal", on("a", { target: "value", result: "equal", operand: bytes("A2") }), true],
    ["value greater, bytewise", on("b", { target: "value", result: "greater", operand: bytes("A\xff") }), true],
    ["value not equal", on("a", { target: "value", result: "notEqual", operand: bytes("A2") }), false],
    [
      "a missing key's value is not even unequal",
      on("x", { target: "value", result: "notEqual", operand: bytes("1") }),
      false,
    ],
    ["lease", on("a", { target: "lease", result: "equal", operand: 0n }), true],
    [
      "every key of a range",
      on("a", { rangeEnd: bytes("\0"), target: "version", result: "greater", operand: 0 }),
      true,
    ],
    [
      "not every key of a range",
      on("a", { rangeEnd: bytes("c"), target: "version", result: "greater", operand: 1 }),
      false,
    ],
    [
      "an empty range is a missing key",
      on("x", { rangeEnd: bytes("z"), target: "version", result: "greater", operand: 0 }),
      false,
    ],
  ];
  it.each(conditions)("compares: %s", (_, condition, expected) => {
    expect(store.txn({ compare: [condition], success: [], failure: [] }).succeeded).toBe(expected);
  });

  it("needs all conditions, and runs the failure branch otherwise", () => {
    const store = filled("a");
    const request: TxnRequest = {
      compare: [
        on("a", { target: "version", result: "equal", operand: 1 }),
        on("b", { target: "version", result: "equal", operand: 1 }),
      ],
      success: [put("won", "1")],
      failure: [put("lost", "1")],
    };
    expect(store.txn(request).succeeded).toBe(false);
    expect(read(store)).toEqual(["a=A c2 m2 v1", "lost=1 c3 m3 v1"]);
  });

  it("reads its own writes, at the revision it makes", () => {
    const store = filled("a");
    const { responses } = store.txn(
      txn(
        range("a"),
        put("a", "2"),
        range("a"),
        range("a", { revision: 2 }),
        remove("b", "c"),
        put("y", "1"),
        range("y"),
      ),
    );
    const seen = responses.flatMap((answer) => (answer.type === "range" ? answer.response.pairs.map(show) : []));
    expect(seen).toEqual(["a=A c2 m2 v1", "a=2 c2 m3 v2", "a=A c2 m2 v1", "y=1 c3 m3 v1"]);
  });

  it("judges nested conditions on the state before the transaction", () => {
    const store = filled();
    const inner: TxnRequest = {
      compare: [on("a", { target: "version", result: "greater", operand: 0 })],
      success: [put("seen", "1")],
      failure: [put("unseen", "1")],
    };
    const { responses } = store.txn(txn(put("a", "1"), { type: "txn", request: inner }));
    expect(responses[1]).toEqual({
      type: "txn",
      response: { succeeded: false, responses: [{ type: "put", response: {} }] },
    });
    expect(read(store)).toEqual(["a=1 c2 m2 v1", "unseen=1 c2 m2 v1"]);
  });

  it("keeps both changes of one key, the last winning", () => {
    const store = filled("a");
    store.txn(txn(nested(put("a", "2")), nested(remove("a"))));
    expect(read(store)).toEqual([]);
    expect(read(store, { revision: 2 })).toEqual(["a=A c2 m2 v1"]);
    expect(store.revision).toBe(3);
  });

  const refusals: readonly (readonly [string, string, TxnRequest])[] = [
    ["KEY_NOT_FOUND", "a value to keep is missing", txn(put("b", "1"), put("x", "", { ignoreValue: true }))],
    ["KEY_NOT_FOUND", "a value to keep is deleted before", txn(remove("a", "\0"), put("a", "", { ignoreValue: true }))],
    ["KEY_NOT_FOUND", "the same, nested", txn(nested(remove("a", "\0")), nested(put("a", "", { ignoreValue: true })))],
    ["LEASE_NOT_FOUND", "a nested lease", txn(put("b", "1"), nested(put("c", "1", { lease: 3n })))],
    ["FUTURE_REVISION", "the revision it makes itself", txn(put("b", "1"), range("a", { revision: 4 }))],
    ["COMPACTED", "a compacted revision", txn(put("b", "1"), nested(range("a", { revision: 2 })))],
    [
      "KEY_NOT_FOUND",
      "puts are judged before ranges",
      txn(range("a", { revision: 99 }), put("x", "", { ignoreValue: true })),
    ],
    ["DUPLICATE_KEY", "two puts", txn(put("b", "1"), put("b", "2"))],
    ["EMPTY_KEY", "an operation's own rule", txn(put("b", "1"), nested(put("", "2")))],
  ];
  it.each(refusals)("refuses with %s (%s) and changes nothing", (code, _, request) => {
    const store = filled("a", "a");
    store.compact({ revision: 3 });
    expect(codeOf(() => store.txn(request))).toBe(code);
    expect(store.revision).toBe(3);
    expect(read(store)).toEqual(["a=A c2 m3 v2"]);
  });
});

describe("compact", () => {
  it("forgets history below the revision, which stays readable", () => {
    const store = filled("a", "a", "b", "a");
    store.deleteRange({ key: bytes("b") });
    store.compact({ revision: 4 });
    expect(store.compactedRevision).toBe(4);
    expect(codeOf(() => store.range({ ...all, revision: 3 }))).toBe("COMPACTED");
    expect(read(store, { revision: 4 })).toEqual(["a=A c2 m3 v2", "b=B c4 m4 v1"]);
    expect(read(store, { revision: 5 })).toEqual(["a=A c2 m5 v3", "b=B c4 m4 v1"]);
    expect(read(store)).toEqual(["a=A c2 m5 v3"]);
  });

  it.each([
    ["COMPACTED", 3],
    ["COMPACTED", 2],
    ["COMPACTED", -5],
    ["FUTURE_REVISION", 6],
  ])("refuses with %s at %d", (code, revision) => {
    const store = filled("a", "b", "c", "d");
    store.compact({ revision: 3 });
    expect(codeOf(() => store.compact({ revision }))).toBe(code);
    expect(store.compactedRevision).toBe(3);
  });

  it("frees what nobody can read, tombstones too", () => {
    const store = filled("a", "b");
    const fresh = store.bytes;
    for (let round = 0; round < 50; round++) {
      store.put(put("a", "x".repeat(100)).request);
      store.deleteRange({ key: bytes("b") });
      store.put(put("b", "B").request);
      store.put(put("a", "A").request);
    }
    expect(store.bytes).toBeGreaterThan(fresh * 1000);
    store.compact({ revision: store.revision });
    expect(store.bytes).toBe(fresh);
    store.deleteRange(all);
    store.compact({ revision: store.revision });
    // Watches from the compacted revision on are to see what it deleted.
    expect(store.bytes).toBe(2);
    store.put(put("c", "C").request);
    store.compact({ revision: store.revision });
    expect(store.bytes).toBe(2);
    expect(["a", "b", "c"].filter((key) => store.index.get(key) !== undefined)).toEqual(["c"]);
  });

  it("frees in slices, and not while a snapshot is open", () => {
    const store = filled("a");
    for (let round = 0; round < 10_000; round++) store.put(put("a", "1").request);
    const held = store.bytes;
    const snapshot = store.openSnapshot();
    store.compact({ revision: store.revision });
    expect(store.sweep(1_000_000)).toBe(true);
    expect(store.bytes).toBe(held);
    snapshot.release();
    snapshot.release();
    expect(store.sweep(1)).toBe(true);
    expect(store.bytes).toBeLessThan(held);
    expect(store.sweep(1_000_000)).toBe(false);
    expect(read(store)).toEqual(["a=1 c2 m10002 v10001"]);
  });
});
