import type { Random } from "../../runtime/index.ts";
import { pick } from "./draw.ts";
import type { DrawnOperation } from "./drawn-history.ts";

/** Makes a drawn history impossible by changing what one operation gave; false when it has no place for that. */
export type Plant = (operations: readonly DrawnOperation[], random: Random) => boolean;

/** Never drawn. */
export const strange = 1_000_000;

function isOk({ fate }: DrawnOperation): boolean {
  return fate === "ok";
}

/** Whether the one was over before the other began. */
export function precedes(a: DrawnOperation, b: DrawnOperation): boolean {
  return a.fate === "ok" && a.returnNs < b.callNs;
}

/** Operations with a result, of these functions. */
export function done(operations: readonly DrawnOperation[], ...functions: readonly string[]): DrawnOperation[] {
  return operations.filter((operation) => isOk(operation) && functions.includes(operation.f));
}

/** A way to spoil one operation. */
export type Change = readonly [operation: DrawnOperation, output: unknown, input?: unknown];

/** One of the changes that a search through the history proposes. */
export function plant(propose: (operations: readonly DrawnOperation[], random: Random) => Iterable<Change>): Plant {
  return (operations, random) => {
    const changes = [...propose(operations, random)];
    if (changes.length === 0) return false;
    const [operation, output, input = operation.input] = pick(random, changes);
    operation.output = output;
    operation.input = input;
    return true;
  };
}

/** By key where there are keys. */
export function sameObject(a: DrawnOperation, b: DrawnOperation): boolean {
  return a.key === b.key;
}
