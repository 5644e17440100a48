import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { initialOf, isList, type ModelOptions } from "./model-options.ts";
import { NumberVectors } from "./number-vectors.ts";
import { demand, expect, nothing, refuseFunction, step } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

/**
 * A set: `add` and `remove` an element, and give whether that changed the set, or anything else when the client was not
 * told; `contains` gives whether it is there; `read` gives all elements, in any order.
 */
export function set(options: ModelOptions = {}): Model {
  const initial = initialOf("set", options, "a list", isList);
  return { name: "set", start: () => startSet(initial ?? []) };
}

/** A state is a vector of bits, 32 elements an entry. */
function startSet(initial: readonly unknown[]): ModelRun {
  const elements = new ValueNumbers();
  const vectors = new NumberVectors();

  const has = (state: number, element: number): boolean =>
    ((vectors.get(state, element >>> 5) >>> (element & 31)) & 1) === 1;

  const put = (state: number, element: number, present: boolean): number => {
    const bits = vectors.get(state, element >>> 5);
    const bit = 1 << (element & 31);
    return vectors.set(state, element >>> 5, present ? bits | bit : bits & ~bit);
  };

  const setOf = (members: readonly unknown[]): number =>
    members.reduce<number>((state, member) => put(state, elements.numberOf(member), true), 0);

  function change({ input, output, outcome }: Operation, present: boolean): Transition {
    const element = elements.numberOf(input);
    if (outcome === "unknown" || typeof output !== "boolean") return step((state) => put(state, element, present));
    if (!output) return demand((state) => has(state, element) === present);
    return step((state) => (has(state, element) === present ? impossible : put(state, element, present)));
  }

  function contains({ input, output, outcome, line }: Operation): Transition {
    if (outcome === "unknown") return nothing;
    const element = elements.numberOf(input);
    if (typeof output === "boolean") return demand((state) => has(state, element) === output);
    throw new HistoryError(line, `contains gives true or false (got ${JSON.stringify(output)})`);
  }

  function read({ output, outcome, line }: Operation): Transition {
    if (outcome === "unknown") return nothing;
    if (!Array.isArray(output)) throw new HistoryError(line, `read gives a list (got ${JSON.stringify(output)})`);
    const found = setOf(output);
    // A set has nothing twice.
    return new Set(output.map((element) => elements.numberOf(element))).size === output.length
      ? expect(found)
      : demand(() => false);
  }

  function transition(operation: Operation): Transition {
    switch (operation.f) {
      case "add":
        return change(operation, true);
      case "remove":
        return change(operation, false);
      case "contains":
        return contains(operation);
      case "read":
        return read(operation);
      default:
        return refuseFunction("set", operation);
    }
  }

  function* members(state: number): Generator {
    for (const [word, bits] of vectors.entries(state)) {
      for (let bit = 0; bit < 32; bit++) if (((bits >>> bit) & 1) === 1) yield elements.valueOf(32 * word + bit);
    }
  }

  return {
    initial: setOf(initial),
    transition,
    describe: (state) => `{${[...members(state)].map((member) => JSON.stringify(member)).join(", ")}}`,
    get bytes() {
      return vectors.bytes;
    },
  };
}
