import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Transition } from "../model.ts";

/** Changes nothing and fits everywhere. */
export const nothing: Transition = { readOnly: true, apply: (state) => state };

/** Changes the state. */
export function step(apply: (state: number) => number): Transition {
  return { readOnly: false, apply };
}

/** Leaves this state, whatever was before. */
export function assign(state: number): Transition {
  return { readOnly: false, apply: () => state };
}

/** Fits only in this state. */
export function expect(expected: number): Transition {
  return { readOnly: true, apply: (state) => (state === expected ? state : impossible) };
}

/** Fits only where the state passes. */
export function demand(passes: (state: number) => boolean): Transition {
  return { readOnly: true, apply: (state) => (passes(state) ? state : impossible) };
}

/** @throws HistoryError always */
export function refuseFunction(model: string, { line, f }: Operation): never {
  throw new HistoryError(line, `${model} has no function ${JSON.stringify(f)}`);
}

/**
 * What an operation says of its own success; undefined when it says nothing. A result that repeats the argument, as
 * some recorders write it, says that it worked.
 * @throws HistoryError for another result
 */
export function successOf({ outcome, output, input, line, f }: Operation): boolean | undefined {
  if (outcome === "unknown") return undefined;
  if (typeof output === "boolean") return output;
  if (Array.isArray(output) && Array.isArray(input) && JSON.stringify(output) === JSON.stringify(input)) return true;
  throw new HistoryError(line, `${f} gives true or false (got ${JSON.stringify(output)})`);
}
