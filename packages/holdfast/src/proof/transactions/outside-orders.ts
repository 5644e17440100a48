import { dependency, type DependencyGraph } from "./dependency-graph.ts";
import type { RecordedTransaction } from "./recorded-transaction.ts";

/** An order that is not in the data: within each process, or in real time. */
export type OutsideOrder = "process" | "realtime";

/** Each process's transactions come one after the other. */
export function addProcessOrder(graph: DependencyGraph, committed: readonly RecordedTransaction[]): void {
  const last = new Map<number, number>();
  for (const { process, number } of committed) {
    const before = last.get(process);
    if (before !== undefined) graph.add(dependency.process, before, number);
    last.set(process, number);
  }
}

/**
 * What had returned comes before what was called later. What merely touches counts as concurrent, which is never a false
 * alarm. One pivot for each time at which something was called after something had returned, each before the next.
 */
export function addRealtimeOrder(graph: DependencyGraph, committed: readonly RecordedTransaction[]): void {
  const calls = committed.toSorted((a, b) => a.callNs - b.callNs);
  const returns = committed.filter(({ outcome }) => outcome === "ok").sort((a, b) => a.returnNs - b.returnNs);
  let returned = 0;
  let pivot = -1;
  for (const { callNs, number } of calls) {
    if (returned < returns.length && returns[returned]!.returnNs < callNs) {
      const next = graph.pivot();
      if (pivot >= 0) graph.add(dependency.realtime, pivot, next);
      pivot = next;
      for (; returned < returns.length && returns[returned]!.returnNs < callNs; returned++) {
        graph.add(dependency.realtime, returns[returned]!.number, pivot);
      }
    }
    if (pivot >= 0) graph.add(dependency.realtime, pivot, number);
  }
}
