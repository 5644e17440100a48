import { deepEqual, equal, ok } from "node:assert/strict";
import type { Compare, RequestOp, TxnRequest } from "../coordination/index.ts";
import { bytes, refused, text, type CoordinationContext, type CoordinationTest } from "./coordination-suite.ts";

type Condition = Compare extends infer One ? (One extends Compare ? Omit<One, "key"> : never) : never;

const put = (key: Uint8Array, value: string): RequestOp => ({ type: "put", request: { key, value: bytes(value) } });
const get = (key: Uint8Array): RequestOp => ({ type: "range", request: { key } });

/** Whether a condition on one key holds. */
async function holds({ coordination }: CoordinationContext, key: Uint8Array, condition: Condition): Promise<boolean> {
  const compare = [{ key, ...condition } as Compare];
  return (await coordination.txn({ compare, success: [], failure: [] })).succeeded;
}

export const transactionPromises: Readonly<Record<string, CoordinationTest>> = {
  async "run one branch or the other, at one revision"({ coordination, other, key }) {
    const request: TxnRequest = {
      compare: [{ key: key("a"), target: "version", result: "equal", operand: 0 }],
      success: [put(key("a"), "1"), put(key("b"), "1"), get(key("a"))],
      failure: [get(key("b")), { type: "deleteRange", request: { key: key("a"), previousPairs: true } }],
    };
    const won = await coordination.txn(request);
    equal(won.succeeded, true);
    const { pairs } = await other.range({ key: key("a"), rangeEnd: key("c") });
    deepEqual(
      pairs.map((pair) => pair.modRevision),
      [won.header.revision, won.header.revision],
    );
    const [, , read] = won.responses;
    // It reads what it has written.
    ok(read?.type === "range" && text(read.response.pairs[0]?.value) === "1");
    const lost = await other.txn(request);
    equal(lost.succeeded, false);
    deepEqual(
      lost.responses.map(({ type }) => type),
      ["range", "deleteRange"],
    );
    const [, deletion] = lost.responses;
    ok(deletion?.type === "deleteRange" && text(deletion.response.previousPairs[0]?.value) === "1");
    equal(lost.header.revision, won.header.revision + 1);
  },
  async "compare versions, revisions, values and leases"(context) {
    const { coordination, key } = context;
    const { id } = await coordination.leaseGrant({ ttlSeconds: 60 });
    const a = key("a");
    const created = (await coordination.put({ key: a, value: bytes("1") })).header.revision;
    await coordination.put({ key: a, value: bytes("2"), lease: id });
    const expectations: readonly (readonly [Condition, boolean])[] = [
      [{ target: "version", result: "equal", operand: 2 }, true],
      [{ target: "version", result: "greater", operand: 2 }, false],
      [{ target: "create", result: "equal", operand: created }, true],
      [{ target: "mod", result: "greater", operand: created }, true],
      [{ target: "mod", result: "less", operand: created }, false],
      [{ target: "value", result: "equal", operand: bytes("2") }, true],
      [{ target: "value", result: "less", operand: bytes("10") }, false],
      [{ target: "value", result: "notEqual", operand: bytes("") }, true],
      [{ target: "lease", result: "equal", operand: id }, true],
      [{ target: "lease", result: "notEqual", operand: 0n }, true],
    ];
    for (const [condition, expected] of expectations) {
      equal(await holds(context, a, condition), expected, `${condition.target} ${condition.result}`);
    }
    equal(await holds(context, key("none"), { target: "version", result: "equal", operand: 0 }), true);
    equal(await holds(context, key("none"), { target: "value", result: "equal", operand: bytes("") }), false);
    await coordination.put({ key: key("b"), value: bytes("2") });
    const range = { rangeEnd: key("c") };
    equal(await holds(context, a, { ...range, target: "value", result: "equal", operand: bytes("2") }), true);
    equal(await holds(context, a, { ...range, target: "version", result: "equal", operand: 2 }), false);
    await coordination.leaseRevoke({ id });
  },
  async nest({ coordination, key }) {
    const inner = (operand: number): RequestOp => ({
      type: "txn",
      request: {
        compare: [{ key: key("a"), target: "version", result: "equal", operand }],
        success: [put(key(`found ${operand}`), "1")],
        failure: [get(key("a"))],
      },
    });
    const { responses } = await coordination.txn({ compare: [], success: [inner(0), inner(1)], failure: [] });
    const [first, second] = responses;
    ok(first?.type === "txn" && first.response.succeeded && first.response.responses[0]?.type === "put");
    ok(second?.type === "txn" && !second.response.succeeded && second.response.responses[0]?.type === "range");
    equal((await coordination.range({ key: key("found 0") })).count, 1);
  },
  async "are applied in full or not at all"({ coordination, key, all }) {
    const twice = [put(key("a"), "1"), put(key("a"), "2")];
    await refused(coordination.txn({ compare: [], success: twice, failure: [] }), "DUPLICATE_KEY");
    const leased: RequestOp = { type: "put", request: { key: key("b"), value: bytes("1"), lease: 987_654n } };
    const before = (await coordination.range(all)).header.revision;
    await refused(
      coordination.txn({ compare: [], success: [put(key("a"), "1"), leased], failure: [] }),
      "LEASE_NOT_FOUND",
    );
    const { count, header } = await coordination.range(all);
    deepEqual([count, header.revision], [0, before]);
  },
  async "that only read keep the revision, and see one"({ coordination, key }) {
    const { header } = await coordination.put({ key: key("a"), value: bytes("1") });
    const read = await coordination.txn({ compare: [], success: [get(key("a")), get(key("b"))], failure: [] });
    equal(read.header.revision, header.revision);
    equal(read.responses.length, 2);
  },
  async "let fifty writers count without losing one"({ coordination, other, key }) {
    const counter = key("counter");
    await coordination.put({ key: counter, value: bytes("0") });
    const increment = async (at: number): Promise<void> => {
      const asked = at % 2 === 0 ? coordination : other;
      for (;;) {
        const { pairs } = await asked.range({ key: counter });
        const pair = pairs[0]!;
        const { succeeded } = await asked.txn({
          compare: [{ key: counter, target: "mod", result: "equal", operand: pair.modRevision }],
          success: [put(counter, String(Number(text(pair.value)) + 1))],
          failure: [],
        });
        if (succeeded) return;
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, at) => increment(at)));
    const { pairs } = await coordination.range({ key: counter });
    deepEqual([text(pairs[0]?.value), pairs[0]?.version], ["50", 51]);
  },
};
