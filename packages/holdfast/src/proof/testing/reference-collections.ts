import { chance, pick, pickWeighted } from "./draw.ts";
import type { Outcome, ReferenceObject } from "./reference-object.ts";

type List = readonly number[];

export const setReference: ReferenceObject<List> = {
  initial: [],
  isUnordered: true,
  outcomes(state, { f, input }): readonly Outcome<List>[] {
    const element = input as number;
    const isThere = state.includes(element);
    if (f === "read") return [[state, state]];
    if (f === "contains") return [[state, isThere]];
    if (f === "add") return isThere ? [[state, false]] : [[[...state, element].sort((a, b) => a - b), true]];
    return isThere ? [[state.filter((other) => other !== element), true]] : [[state, false]];
  },
  draw(state, { random, fresh }) {
    const f = pickWeighted(random, { add: 5, remove: 1, contains: 2, read: 2 });
    if (f === "read") return { f, input: null };
    const known = state.length > 0 && chance(random, 0.7) ? pick(random, state) : Math.max(1, fresh() - 3);
    return { f, input: f === "add" && chance(random, 0.9) ? fresh() : known };
  },
};

function drawQueueCall(random: Parameters<typeof chance>[0], fresh: () => number): { f: string; input: unknown } {
  return chance(random, 0.5) ? { f: "enqueue", input: fresh() } : { f: "dequeue", input: null };
}

export const queueReference: ReferenceObject<List> = {
  initial: [],
  outcomes(state, { f, input }) {
    if (f === "enqueue") return [[[...state, input as number], null]];
    return [[state.slice(1), state[0] ?? null]];
  },
  draw: (_, { random, fresh }) => drawQueueCall(random, fresh),
};

export const bagReference: ReferenceObject<List> = {
  initial: [],
  outcomes(state, { f, input }) {
    if (f === "enqueue") return [[[...state, input as number], null]];
    if (state.length === 0) return [[state, null]];
    return state.map((taken, at) => [state.toSpliced(at, 1), taken]);
  },
  draw: (_, { random, fresh }) => drawQueueCall(random, fresh),
};

export const counterReference: ReferenceObject<number> = {
  initial: 0,
  outcomes(state, { f, input }) {
    if (f === "read") return [[state, state]];
    const after = state + (input as number);
    return [[after, f === "add" ? null : after]];
  },
  draw(_, { random }) {
    const f = pickWeighted(random, { add: 4, "add-and-get": 1, read: 4 });
    return { f, input: f === "read" ? null : random.integer(1, 5) };
  },
};
