import { HistoryError } from "./history-error.ts";
import type { Operation } from "./history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "./model.ts";

export interface CellOptions {
  /** The value before the first write. Default null, which stands for no value. */
  readonly initial?: unknown;
}

/** What a cell's operations are called in histories; those without a name do not exist. */
interface CellFunctions {
  readonly read: string;
  readonly write: string;
  readonly compareAndSet?: string;
  readonly remove?: string;
  readonly needsKey?: boolean;
}

/** One value: `read` gives it (null for none), `write` replaces it. */
export function register(options: CellOptions = {}): Model {
  return cell("register", { read: "read", write: "write" }, options);
}

/** A register that has `cas`, too: `[expected, replacement]`, which gives whether the value was the expected one. */
export function casRegister(options: CellOptions = {}): Model {
  return cell("cas-register", { read: "read", write: "write", compareAndSet: "cas" }, options);
}

/**
 * A key of a key-value store: `get` gives its value (null for none), `put` sets it, `del` removes it and gives whether
 * there was one (or null when the client was not told), and `cas` `[expected, replacement]`, where null stands for no
 * value, gives whether the value was the expected one.
 */
export function keyValue(): Model {
  return cell("kv", { read: "get", write: "put", compareAndSet: "cas", remove: "del", needsKey: true }, {});
}

/** All models, by the name under which a command finds them. */
export const models: Readonly<Record<"register" | "cas-register" | "kv", () => Model>> = {
  register,
  "cas-register": casRegister,
  kv: keyValue,
};

function cell(name: string, functions: CellFunctions, { initial = null }: CellOptions): Model {
  return { name, start: () => startCell(name, functions, initial) };
}

const absent = 0;

function startCell(name: string, functions: CellFunctions, initial: unknown): ModelRun {
  const numbers = new Map<string, number>([["null", absent]]);
  const texts = ["null"];

  function intern(value: unknown): number {
    const text = canonicalJson(value);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, texts.length);
    return texts.push(text) - 1;
  }

  function transition(operation: Operation): Transition {
    if (functions.needsKey === true && operation.key === undefined) {
      throw new HistoryError(operation.line, `${name} needs a key`);
    }
    switch (operation.f) {
      case functions.read:
        return operation.outcome === "unknown" ? nothing : expect(intern(operation.output));
      case functions.write:
        return assign(intern(operation.input));
      case functions.remove:
        return remove(operation);
      case functions.compareAndSet:
        return compareAndSet(operation);
      default:
        throw new HistoryError(operation.line, `${name} has no function ${JSON.stringify(operation.f)}`);
    }
  }

  function compareAndSet(operation: Operation): Transition {
    const { input } = operation;
    if (!Array.isArray(input) || input.length !== 2) {
      throw new HistoryError(operation.line, `${operation.f} takes [expected, replacement]`);
    }
    const [expected, replacement] = [intern(input[0]), intern(input[1])];
    const swapped = outcomeFlag(operation);
    if (swapped === undefined) return step((state) => (state === expected ? replacement : state));
    return swapped
      ? step((state) => (state === expected ? replacement : impossible))
      : { readOnly: true, apply: (state) => (state === expected ? impossible : state) };
  }

  function remove(operation: Operation): Transition {
    const existed = operation.output === null ? undefined : outcomeFlag(operation);
    if (existed === undefined) return assign(absent);
    return existed ? step((state) => (state === absent ? impossible : absent)) : expect(absent);
  }

  return { initial: intern(initial), transition, describe: (state) => texts[state] ?? "?" };
}

const nothing: Transition = { readOnly: true, apply: (state) => state };

function step(apply: (state: number) => number): Transition {
  return { readOnly: false, apply };
}

function assign(value: number): Transition {
  return step(() => value);
}

function expect(value: number): Transition {
  return { readOnly: true, apply: (state) => (state === value ? state : impossible) };
}

function outcomeFlag({ outcome, output, line, f }: Operation): boolean | undefined {
  if (outcome === "unknown") return undefined;
  if (typeof output === "boolean") return output;
  throw new HistoryError(line, `${f} gives true or false (got ${JSON.stringify(output)})`);
}

/** Equal values, equal text, whatever the order of their fields. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
