import { chance, pick, pickWeighted } from "./draw.ts";
import type { Draw, ReferenceObject } from "./reference-object.ts";

interface Pair {
  readonly value: number;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

interface Store {
  readonly revision: number;
  readonly pairs: Readonly<Record<string, Pair>>;
}

type Part = readonly ["put" | "get" | "del", string, number | null];
type Comparison = readonly [
  key: string,
  target: "value" | "modRevision",
  result: "equal" | "greater",
  operand: unknown,
];

interface Txn {
  readonly compare: readonly Comparison[];
  readonly success: readonly Part[];
  readonly failure: readonly Part[];
}

const absent = { value: null, createRevision: 0, modRevision: 0, version: 0 } as const;

function perform(store: Store, parts: readonly Part[]): { readonly after: Store; readonly results: unknown[] } {
  const revision = store.revision + 1;
  let after = store;
  const results = parts.map(([f, key, value]): unknown => {
    const before = after.pairs[key];
    if (f === "get") return before ?? absent;
    const { [key]: _, ...others } = after.pairs;
    if (f === "del") {
      if (before !== undefined) after = { revision, pairs: others };
      return { deleted: before === undefined ? 0 : 1 };
    }
    const { createRevision = revision, version = 0 } = before ?? {};
    const pair: Pair = { value: value!, createRevision, modRevision: revision, version: version + 1 };
    after = { revision, pairs: { ...others, [key]: pair } };
    return null;
  });
  return { after, results };
}

function holds({ pairs }: Store, [key, target, result, operand]: Comparison): boolean {
  const actual = (pairs[key] ?? absent)[target];
  return result === "equal" ? actual === operand : (actual ?? 0) > (operand as number);
}

/** Keys of transactions; single operations use the operation's key. */
const keys = ["k0", "k1"] as const;

function drawTxn({ pairs }: Store, { random, fresh }: Draw): Txn {
  const parts = (): Part[] =>
    Array.from({ length: random.integer(1, 3) }, () => {
      const f = pickWeighted(random, { put: 3, get: 3, del: 1 });
      return [f, pick(random, keys), f === "put" ? fresh() : null];
    });
  const key = pick(random, keys);
  const target = pick(random, ["value", "modRevision"] as const);
  const operand = chance(random, 0.6) ? (pairs[key] ?? absent)[target] : random.integer(0, 20);
  return {
    compare: [[key, target, chance(random, 0.7) ? "equal" : "greater", operand]],
    success: parts(),
    failure: parts(),
  };
}

export const coordinationReference: ReferenceObject<Store> = {
  initial: { revision: 1, pairs: {} },
  keys: "shared",
  outcomes(store, { f, input, key = "" }) {
    if (f === "txn") {
      const { compare, success, failure } = input as Txn;
      const succeeded = compare.every((comparison) => holds(store, comparison));
      const { after, results } = perform(store, succeeded ? success : failure);
      return [[after, { succeeded, results, revision: after.revision }]];
    }
    if (f === "cas") {
      const [expected, replacement] = input as [number | null, number];
      const succeeded = (store.pairs[key] ?? absent).value === expected;
      const { after } = perform(store, succeeded ? [["put", key, replacement]] : []);
      return [[after, { succeeded, revision: after.revision }]];
    }
    const { after, results } = perform(store, [[f as Part[0], key, input as number]]);
    return [[after, { ...(results[0] as object | null), revision: after.revision }]];
  },
  draw(store, draw) {
    const { random, fresh } = draw;
    const f = pickWeighted(random, { get: 4, put: 3, del: 1, cas: 2, txn: 2 });
    if (f === "txn") return { f, input: drawTxn(store, draw) };
    if (f === "cas") return { f, input: [store.pairs["k0"]?.value ?? null, fresh()] };
    return { f, input: f === "put" ? fresh() : null };
  },
};
