import type { Operation } from "../history.ts";
import { ValueNumbers } from "./value-numbers.ts";

interface Uses {
  readonly entries: Operation[];
  readonly takes: Operation[];
}

/**
 * The few operations of a queue's or a bag's history that cannot have happened by themselves: a value taken more often
 * than it went in, or before, and one that is there while somebody finds nothing. What is possible stays so without the
 * operations on all other values, so these decide, and explain better than all the rest.
 */
export function* tellingParts(operations: readonly Operation[]): Generator<readonly Operation[]> {
  const values = new ValueNumbers();
  const uses = new Map<number, Uses>();
  const useOf = (value: unknown): Uses => {
    const number = values.numberOf(value);
    const use = uses.get(number) ?? { entries: [], takes: [] };
    uses.set(number, use);
    return use;
  };
  const nothings: Operation[] = [];
  for (const operation of operations) {
    const { f, input, output, outcome } = operation;
    if (f === "enqueue") useOf(input).entries.push(operation);
    else if (outcome === "ok" && output === null) nothings.push(operation);
    else if (outcome === "ok") useOf(output).takes.push(operation);
  }
  const soonest = soonestReturns(nothings);
  for (const { entries, takes } of uses.values()) {
    if (takes.length > entries.length) yield inOrder(entries, takes);
    const [entry] = entries;
    const [take] = takes;
    if (entry === undefined || take === undefined || entries.length > 1 || takes.length > 1) continue;
    if (take.returnNs < entry.callNs) yield inOrder(entries, takes);
    const nothing = soonest(entry.returnNs);
    if (nothing !== undefined && nothing.returnNs < take.callNs) yield inOrder(entries, [nothing], takes);
  }
}

function inOrder(...groups: readonly (readonly Operation[])[]): Operation[] {
  return groups.flat().sort((a, b) => a.line - b.line);
}

/** Of the operations called after a moment the one that returned first. */
function soonestReturns(operations: readonly Operation[]): (afterNs: number) => Operation | undefined {
  const byCall = operations.toSorted((a, b) => a.callNs - b.callNs);
  const soonest = [...byCall];
  for (let at = soonest.length - 2; at >= 0; at--) {
    if (soonest[at + 1]!.returnNs < soonest[at]!.returnNs) soonest[at] = soonest[at + 1]!;
  }
  return (afterNs) => {
    let low = 0;
    let high = byCall.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (byCall[middle]!.callNs > afterNs) high = middle;
      else low = middle + 1;
    }
    return soonest[low];
  };
}
