import type { AnyReference } from "./reference-object.ts";
import type { DrawnOperation } from "./drawn-history.ts";

/**
 * Whether a history is linearizable, by the definition word for word: tries every order of every subset that holds all
 * that returned, with no operation before one that returned before its call. Only for a handful of operations.
 */
export function isLinearizable(reference: AnyReference, operations: readonly DrawnOperation[]): boolean {
  const happened = operations.filter(({ fate }) => fate !== "fail");
  if (reference.keys !== "separate") return hasOrder(reference, reference.initial, happened);
  return [...Map.groupBy(happened, ({ key }) => key).values()].every((ofKey) =>
    hasOrder(reference, reference.initial, ofKey),
  );
}

function hasOrder(reference: AnyReference, state: unknown, left: readonly DrawnOperation[]): boolean {
  const returned = left.filter(({ fate }) => fate === "ok");
  if (returned.length === 0) return true;
  const firstReturn = Math.min(...returned.map(({ returnNs }) => returnNs));
  return left.some((operation) => {
    if (operation.callNs > firstReturn) return false;
    const rest = left.filter((other) => other !== operation);
    return reference
      .outcomes(state, callOf(reference, operation), operation.output)
      .some(
        ([after, output]) =>
          (operation.fate !== "ok" || fits(reference, output, operation.output)) && hasOrder(reference, after, rest),
      );
  });
}

function callOf(
  reference: AnyReference,
  { f, input, key, caller }: DrawnOperation,
): Parameters<AnyReference["outcomes"]>[1] {
  return { f, input, caller, ...(reference.keys === "shared" && key !== undefined ? { key } : {}) };
}

function fits({ isUnordered = false }: AnyReference, actual: unknown, recorded: unknown): boolean {
  const inOrder = (value: unknown): unknown =>
    isUnordered && Array.isArray(value) ? value.toSorted((a, b) => a - b) : value;
  return JSON.stringify(inOrder(actual)) === JSON.stringify(inOrder(recorded));
}
