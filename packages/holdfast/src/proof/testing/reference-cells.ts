import { chance, pick, pickWeighted } from "./draw.ts";
import type { Call, Draw, Outcome, ReferenceObject } from "./reference-object.ts";

type Value = number | null;
type List = readonly number[];

/** What swaps expect is mostly there, else some number that may have been written. */
function guess(state: Value, { random, fresh }: Draw): Value {
  if (chance(random, 0.6)) return state;
  return chance(random, 0.2) ? null : Math.max(1, fresh() - random.integer(1, 12));
}

function compareAndSet(state: Value, input: unknown): readonly Outcome<Value>[] {
  const [expected, replacement] = input as [Value, Value];
  return state === expected ? [[replacement, true]] : [[state, false]];
}

export const registerReference: ReferenceObject<Value> = {
  initial: null,
  outcomes: (state, { f, input }) => (f === "read" ? [[state, state]] : [[input as number, null]]),
  draw: (_, { random, fresh }) => (chance(random, 0.5) ? { f: "read", input: null } : { f: "write", input: fresh() }),
};

export const casRegisterReference: ReferenceObject<Value> = {
  initial: null,
  outcomes(state, { f, input }) {
    if (f === "cas") return compareAndSet(state, input);
    return f === "read" ? [[state, state]] : [[input as number, null]];
  },
  draw(state, draw) {
    const f = pickWeighted(draw.random, { read: 4, write: 2, cas: 3 });
    if (f === "cas") return { f, input: [guess(state, draw), draw.fresh()] };
    return { f, input: f === "read" ? null : draw.fresh() };
  },
};

export const keyValueReference: ReferenceObject<Value> = {
  initial: null,
  keys: "separate",
  outcomes(state, { f, input }) {
    if (f === "cas") return compareAndSet(state, input);
    if (f === "get") return [[state, state]];
    return f === "put" ? [[input as number, null]] : [[null, state !== null]];
  },
  draw(state, draw) {
    const f = pickWeighted(draw.random, { get: 4, put: 3, cas: 2, del: 1 });
    if (f === "cas") return { f, input: [guess(state, draw), draw.fresh()] };
    return { f, input: f === "put" ? draw.fresh() : null };
  },
};

export const keyValueAppendReference: ReferenceObject<List> = {
  initial: [],
  keys: "separate",
  outcomes(state, { f, input }) {
    if (f === "get") return [[state, state]];
    return f === "put" ? [[input as List, null]] : [[[...state, input as number], null]];
  },
  draw(_, { random, fresh }) {
    const f = pickWeighted(random, { get: 8, append: 8, put: 1 });
    if (f === "get") return { f, input: null };
    return { f, input: f === "put" ? [fresh()] : fresh() };
  },
};

type Registers = Readonly<Record<string, Value>>;
type Part = readonly ["r" | "w", string, Value];

const registerNames = ["x", "y", "z"] as const;

export const multiRegisterReference: ReferenceObject<Registers> = {
  initial: {},
  outcomes(state, { input }: Call) {
    let after = state;
    const output: Part[] = [];
    for (const [kind, name, value] of input as Part[]) {
      if (kind === "w") after = { ...after, [name]: value };
      output.push([kind, name, kind === "w" ? value : (after[name] ?? null)]);
    }
    return [[after, output]];
  },
  draw(_, { random, fresh }) {
    const length = random.integer(1, 4);
    const writes = pick(random, [0, 0.5, 1]);
    const input = Array.from({ length }, (): Part => {
      const name = pick(random, registerNames);
      return chance(random, writes) ? ["w", name, fresh()] : ["r", name, null];
    });
    return { f: "txn", input };
  },
};
