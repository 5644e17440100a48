import type { Operation } from "./history.ts";

/**
 * One object's operations laid out for the search: those with a known outcome are numbered 0 … `known - 1` in the order
 * of their calls, those in doubt follow. The known ones' calls and returns are nodes 1 … of a circular doubly linked
 * list in the order of time; node 0 is its head.
 */
export interface Timeline {
  readonly operations: readonly Operation[];
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
  wordOf(operation: number): number;
  bitOf(operation: number): number;
}

interface Moment {
  readonly timeNs: number;
  readonly operation: Operation;
  readonly isReturn: boolean;
}

export function timeline(operations: readonly Operation[]): Timeline {
  // At the same time calls come first: what merely touches counts as concurrent, which is never a false alarm.
  const moments = operations
    .flatMap((operation): Moment[] => [
      { timeNs: operation.callNs, operation, isReturn: false },
      ...(operation.outcome === "ok" ? [{ timeNs: operation.returnNs, operation, isReturn: true }] : []),
    ])
    .sort(
      (a, b) => a.timeNs - b.timeNs || Number(a.isReturn) - Number(b.isReturn) || a.operation.line - b.operation.line,
    );

  const called = moments.filter((moment) => !moment.isReturn).map((moment) => moment.operation);
  const certain = called.filter((operation) => operation.outcome === "ok");
  const uncertain = called.filter((operation) => operation.outcome === "unknown");
  const known = certain.length;
  const nodes = 2 * known + 1;
  const doubtfulWord = (known + 31) >>> 5;

  const operationAt = new Int32Array(nodes);
  const isReturn = new Uint8Array(nodes);
  const callNode = new Int32Array(known);
  const returnNode = new Int32Array(known);
  const lastWord = new Int32Array(known);
  const doubtfulPlace = new Int32Array(uncertain.length);

  const numbers = new Map<Operation, number>();
  let node = 0;
  let calls = 0;
  let doubts = 0;
  for (const moment of moments) {
    if (moment.operation.outcome === "unknown") {
      doubtfulPlace[doubts++] = node;
      continue;
    }
    node++;
    const number = moment.isReturn ? (numbers.get(moment.operation) ?? 0) : calls++;
    operationAt[node] = number;
    if (moment.isReturn) {
      isReturn[node] = 1;
      returnNode[number] = node;
      lastWord[number] = (calls - 1) >>> 5;
    } else {
      numbers.set(moment.operation, number);
      callNode[number] = node;
    }
  }

  return {
    operations: [...certain, ...uncertain],
    known,
    doubtful: uncertain.length,
    next: Int32Array.from({ length: nodes }, (_, i) => (i + 1) % nodes),
    previous: Int32Array.from({ length: nodes }, (_, i) => (i + nodes - 1) % nodes),
    operationAt,
    isReturn,
    callNode,
    returnNode,
    lastWord,
    doubtfulPlace,
    words: doubtfulWord + ((uncertain.length + 31) >>> 5),
    doubtfulWord,
    wordOf: (operation) => (operation < known ? operation >>> 5 : doubtfulWord + ((operation - known) >>> 5)),
    bitOf: (operation) => (operation < known ? operation : operation - known) & 31,
  };
}
