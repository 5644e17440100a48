import type { Operation } from "./history.ts";

/**
 * One object's operations laid out for the search: those with a known outcome are numbered 0 … `known - 1` in the order
 * of their calls, those in doubt follow. The known ones' calls and returns are nodes 1 … of a circular doubly linked
 * list in the order of time; node 0 is its head.
 */
export interface Timeline {
  /** Positions in the array that was given. */
  readonly order: Int32Array;
  readonly known: number;
  readonly doubtful: number;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** By node. */
  readonly operationAt: Int32Array;
  readonly isReturn: Uint8Array;
  /** By known operation. */
  readonly callNode: Int32Array;
  readonly returnNode: Int32Array;
  /** By known operation: the last word of bits that an operation overlapping it, or called before it, has. */
  readonly lastWord: Int32Array;
  /** By operation in doubt: the number of the last node before its call. */
  readonly doubtfulPlace: Int32Array;
  /** Bits: the known operations' words, then those of the ones in doubt, from `doubtfulWord` on. */
  readonly words: number;
  readonly doubtfulWord: number;
}

/** @param counts which operations take part; those in doubt that never change anything do not */
export function timeline(operations: readonly Operation[], counts: (index: number) => boolean): Timeline {
  const calls = ascending(operations.length).filter(counts);
  const byCall = (a: number, b: number): number =>
    operations[a]!.callNs - operations[b]!.callNs || operations[a]!.line - operations[b]!.line;
  if (!isSorted(calls, byCall)) calls.sort(byCall);
  const certain = calls.filter((index) => operations[index]!.outcome === "ok");
  const uncertain = calls.filter((index) => operations[index]!.outcome === "unknown");
  const known = certain.length;
  /** Known operations by their return, as numbers. */
  const returns = ascending(known);
  const returnTimes = new Float64Array(known);
  for (let i = 0; i < known; i++) returnTimes[i] = operations[certain[i]!]!.returnNs;
  returns.sort((a, b) => returnTimes[a]! - returnTimes[b]! || a - b);

  const nodes = 2 * known + 1;
  const operationAt = new Int32Array(nodes);
  const isReturn = new Uint8Array(nodes);
  const callNode = new Int32Array(known);
  const returnNode = new Int32Array(known);
  const lastWord = new Int32Array(known);
  const doubtfulPlace = new Int32Array(uncertain.length);
  let called = 0;
  let doubts = 0;
  let node = 0;
  for (const returning of returns) {
    // At the same time calls come first: what merely touches counts as concurrent, which is never a false alarm.
    const untilNs = returnTimes[returning]!;
    while (called < known && operations[certain[called]!]!.callNs <= untilNs) {
      const { callNs } = operations[certain[called]!]!;
      while (doubts < uncertain.length && operations[uncertain[doubts]!]!.callNs < callNs)
        doubtfulPlace[doubts++] = node;
      operationAt[++node] = called;
      callNode[called++] = node;
    }
    while (doubts < uncertain.length && operations[uncertain[doubts]!]!.callNs <= untilNs)
      doubtfulPlace[doubts++] = node;
    operationAt[++node] = returning;
    isReturn[node] = 1;
    returnNode[returning] = node;
    lastWord[returning] = (called - 1) >>> 5;
  }
  doubtfulPlace.fill(node, doubts);

  const order = new Int32Array(calls.length);
  order.set(certain);
  order.set(uncertain, known);
  const doubtfulWord = (known + 31) >>> 5;
  const next = ascending(nodes);
  const previous = ascending(nodes);
  for (let i = 0; i < nodes; i++) {
    next[i] = i + 1 === nodes ? 0 : i + 1;
    previous[i] = i === 0 ? nodes - 1 : i - 1;
  }
  return {
    order,
    known,
    doubtful: uncertain.length,
    next,
    previous,
    operationAt,
    isReturn,
    callNode,
    returnNode,
    lastWord,
    doubtfulPlace,
    words: doubtfulWord + ((uncertain.length + 31) >>> 5),
    doubtfulWord,
  };
}

function ascending(length: number): Int32Array<ArrayBuffer> {
  const numbers = new Int32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = i;
  return numbers;
}

function isSorted(indices: Int32Array, compare: (a: number, b: number) => number): boolean {
  for (let i = 1; i < indices.length; i++) if (compare(indices[i - 1]!, indices[i]!) > 0) return false;
  return true;
}
