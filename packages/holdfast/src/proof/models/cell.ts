import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { initialOf, isAnything, type ModelOptions } from "./model-options.ts";
import { assign, expect, nothing, refuseFunction, step, successOf } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

/** What a cell's operations are called in histories; those without a name do not exist. */
interface CellFunctions {
  readonly read: string;
  readonly write: string;
  readonly compareAndSet?: string;
  readonly remove?: string;
  readonly needsKey?: boolean;
}

/** One value: `read` gives it (null for none), `write` replaces it. */
export function register(options: ModelOptions = {}): Model {
  return cell("register", { read: "read", write: "write" }, options);
}

/** A register that has `cas`, too: `[expected, replacement]`, which gives whether the value was the expected one. */
export function casRegister(options: ModelOptions = {}): Model {
  return cell("cas-register", { read: "read", write: "write", compareAndSet: "cas" }, options);
}

/**
 * A key of a key-value store: `get` gives its value (null for none), `put` sets it, `del` removes it and gives whether
 * there was one (or null when the client was not told), and `cas` `[expected, replacement]`, where null stands for no
 * value, gives whether the value was the expected one.
 */
export function keyValue(options: ModelOptions = {}): Model {
  return cell("kv", { read: "get", write: "put", compareAndSet: "cas", remove: "del", needsKey: true }, options);
}

function cell(name: string, functions: CellFunctions, options: ModelOptions): Model {
  const initial = initialOf(name, options, "anything", isAnything);
  return { name, start: () => startCell(name, functions, initial) };
}

const absent = 0;

/** A state is the number of the value. */
function startCell(name: string, functions: CellFunctions, initial: unknown): ModelRun {
  const values = new ValueNumbers();

  function transition(operation: Operation): Transition {
    if (functions.needsKey === true && operation.key === undefined) {
      throw new HistoryError(operation.line, `${name} needs a key`);
    }
    switch (operation.f) {
      case functions.read:
        return operation.outcome === "unknown" ? nothing : expect(values.numberOf(operation.output));
      case functions.write:
        return assign(values.numberOf(operation.input));
      case functions.remove:
        return remove(operation);
      case functions.compareAndSet:
        return compareAndSet(operation);
      default:
        return refuseFunction(name, operation);
    }
  }

  function compareAndSet(operation: Operation): Transition {
    const { input } = operation;
    if (!Array.isArray(input) || input.length !== 2) {
      throw new HistoryError(operation.line, `${operation.f} takes [expected, replacement]`);
    }
    const [expected, replacement] = [values.numberOf(input[0]), values.numberOf(input[1])];
    const swapped = successOf(operation);
    if (swapped === undefined) return step((state) => (state === expected ? replacement : state));
    return swapped
      ? step((state) => (state === expected ? replacement : impossible))
      : { readOnly: true, apply: (state) => (state === expected ? impossible : state) };
  }

  function remove(operation: Operation): Transition {
    const existed = operation.output === null ? undefined : successOf(operation);
    if (existed === undefined) return assign(absent);
    return existed ? step((state) => (state === absent ? impossible : absent)) : expect(absent);
  }

  return { initial: values.numberOf(initial), transition, describe: (state) => values.textOf(state) };
}
