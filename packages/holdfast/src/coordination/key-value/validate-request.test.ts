import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../../errors/index.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { Compare, RequestOp, TxnRequest } from "./key-value.ts";
import { validateIdentity, validatePut, validateRange, validateTxn } from "./validate-request.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

const put = (key: string): RequestOp => ({ type: "put", request: { key: bytes(key), value: bytes("") } });
const remove = (key: string, rangeEnd = ""): RequestOp => ({
  type: "deleteRange",
  request: { key: bytes(key), rangeEnd: bytes(rangeEnd) },
});
const get = (key: string): RequestOp => ({ type: "range", request: { key: bytes(key) } });
const txn = (success: readonly RequestOp[], failure: readonly RequestOp[] = []): TxnRequest => ({
  compare: [],
  success,
  failure,
});
const nested = (success: readonly RequestOp[], failure: readonly RequestOp[] = []): RequestOp => ({
  type: "txn",
  request: txn(success, failure),
});

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CoordinationError) return error.code;
    throw error;
  }
  return "ok";
}

describe("overlapping writes", () => {
  const cases: readonly (readonly [string, string, TxnRequest])[] = [
    ["ok", "different keys", txn([put("a"), put("b"), remove("c")])],
    ["DUPLICATE_KEY", "a key twice", txn([put("a"), put("a")])],
    ["DUPLICATE_KEY", "a key twice in the failure branch", txn([], [put("a"), put("a")])],
    ["ok", "a key in both branches", txn([put("a")], [put("a")])],
    ["ok", "reads and deletes of one key", txn([get("a"), remove("a"), remove("a"), remove("a", "c")])],
    ["DUPLICATE_KEY", "put and deleted", txn([put("a"), remove("a")])],
    ["DUPLICATE_KEY", "deleted in a range", txn([remove("a", "c"), put("b")])],
    ["ok", "just below the range", txn([remove("b", "c"), put("a\xff")])],
    ["ok", "at the end of the range", txn([remove("a", "c"), put("c")])],
    ["ok", "a range to the end of all keys", txn([remove("a", "\0"), put("b")])],
    ["ok", "an inverted range", txn([remove("c", "a"), put("b")])],
    ["DUPLICATE_KEY", "second of two ranges", txn([remove("a", "b"), remove("f", "h"), put("g")])],
    ["DUPLICATE_KEY", "inside a wider range", txn([remove("b", "c"), remove("a", "z"), put("y")])],
    ["DUPLICATE_KEY", "nested put of an outer put", txn([nested([put("a")]), put("a")])],
    ["DUPLICATE_KEY", "two nested puts", txn([nested([put("a")]), nested([], [put("a")])])],
    ["ok", "the two branches of one nested transaction", txn([nested([put("a")], [put("a")])])],
    ["DUPLICATE_KEY", "those, and a third", txn([nested([put("a")], [put("a")]), put("a")])],
    ["DUPLICATE_KEY", "an outer delete of a nested put", txn([nested([put("a")]), remove("a")])],
    ["DUPLICATE_KEY", "a nested delete, then an outer put", txn([nested([], [remove("a", "c")]), put("b")])],
    ["DUPLICATE_KEY", "a nested delete, then a nested put", txn([nested([remove("a")]), nested([put("a")])])],
    ["ok", "a nested put, then a nested delete", txn([nested([put("a")]), nested([remove("a")])])],
    ["DUPLICATE_KEY", "deep inside", txn([nested([nested([put("a"), put("a")])])])],
    ["DUPLICATE_KEY", "deep against deep", txn([nested([nested([remove("a")])]), nested([nested([put("a")])])])],
  ];
  it.each(cases)("%s: %s", (code, _, request) => expect(codeOf(() => validateTxn(request))).toBe(code));

  it("takes a time that grows with the operations, not with their square", () => {
    const many = Array.from({ length: 20_000 }, (_, number) => String(number).padStart(6, "0"));
    const request = txn([...many.map((key) => remove(`${key}a`, `${key}b`)), ...many.map(put)]);
    expect(codeOf(() => validateTxn(request, Infinity))).toBe("ok");
  });
});

describe("number of operations", () => {
  const gets = (count: number): RequestOp[] => Array.from({ length: count }, () => get("a"));
  const compares = (count: number): Compare[] =>
    Array.from({ length: count }, () => ({ key: bytes("a"), target: "version", result: "equal", operand: 0 }));
  const cases: readonly (readonly [string, string, TxnRequest])[] = [
    ["ok", "each list full", { compare: compares(128), success: gets(128), failure: gets(128) }],
    ["TOO_MANY_OPERATIONS", "compare", { compare: compares(129), success: [], failure: [] }],
    ["TOO_MANY_OPERATIONS", "success", txn(gets(129))],
    ["TOO_MANY_OPERATIONS", "failure", txn([], gets(129))],
    ["ok", "nested gets the rest", txn([nested(gets(100)), ...gets(27)])],
    ["TOO_MANY_OPERATIONS", "nested gets no more", txn([nested(gets(101)), ...gets(27)])],
  ];
  it.each(cases)("%s: %s", (code, _, request) => expect(codeOf(() => validateTxn(request))).toBe(code));

  it("is counted before the operations are looked at", () => {
    expect(codeOf(() => validateTxn(txn([put(""), put("a")]), 1))).toBe("TOO_MANY_OPERATIONS");
  });
});

describe("single rules", () => {
  const key = bytes("a");
  it.each([
    [
      "a compare without a key",
      { compare: [{ key: bytes(""), target: "version", result: "equal", operand: 0 }], success: [], failure: [] },
    ],
    ["a nested range without a key", txn([nested([], [get("")])])],
    ["a delete without a key", txn([remove("", "z")])],
  ] as const)("EMPTY_KEY: %s", (_, request) => expect(codeOf(() => validateTxn(request))).toBe("EMPTY_KEY"));

  const refused: readonly (readonly [string, () => void])[] = [
    ["range.limit must be a safe integer (got 1.5)", () => validateRange({ key, limit: 1.5 })],
    ["range.revision must be a safe integer (got NaN)", () => validateRange({ key, revision: Number.NaN })],
    ["put.lease must be a signed 64-bit integer", () => validatePut({ key, value: key, lease: 1n << 63n })],
    [
      "identity.client must be a safe integer >= 1",
      () => validateIdentity({ client: 0, sequence: 1, acknowledged: 0 }),
    ],
    [
      "identity.sequence must be a safe integer",
      () => validateIdentity({ client: 1, sequence: 2 ** 53, acknowledged: 0 }),
    ],
    ["must be below the sequence 2 (got 2)", () => validateIdentity({ client: 1, sequence: 2, acknowledged: 2 })],
    ["identity.since must be", () => validateIdentity({ client: 1, sequence: 1, acknowledged: 0, since: -1 })],
    ["operation.type must be", () => validateTxn(txn([{ type: "compact" } as never]))],
  ];
  it.each(refused)("names what is wrong: %s", (message, run) => {
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
  });
});
