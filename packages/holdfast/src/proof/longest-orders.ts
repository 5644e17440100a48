import type { Operation } from "./history.ts";
import type { Timeline } from "./timeline.ts";

/** An order that explains everything that returned before `blocked` did, but not `blocked` itself. */
export interface DeadEnd {
  /** The operation that fits nowhere any more. */
  readonly blocked: Operation;
  /** The end of the order: the last operations, at most 16. */
  readonly order: readonly Operation[];
  /** How many operations the whole order has. */
  readonly length: number;
  readonly state: number;
}

const shownDeadEnds = 8;
const shownOperations = 16;
/** How far back an order is searched for operations that are still open. */
const reach = 64;

interface Found {
  readonly order: Int32Array;
  readonly length: number;
  readonly state: number;
}

/**
 * Of the orders in which a search got stuck, those that got furthest: for each operation that is still open where the
 * blocked one returns the longest order that holds it, and beside them orders that leave other states.
 */
export class LongestOrders {
  readonly #line: Timeline;
  #furthest = 0;
  /** By operation: the blocking node for which `#lengths` holds, and the longest order with it that was met there. */
  readonly #heldFor: Int32Array;
  readonly #lengths: Int32Array;
  readonly #byOperation = new Map<number, Found>();
  #byState: Found[] = [];
  /** The longest of all, whole, of which the first `shared` operations are those of the present order. */
  readonly #longest: Int32Array;
  #longestLength = 0;
  #shared = 0;

  constructor(line: Timeline) {
    this.#line = line;
    const operations = line.known + line.doubtful;
    this.#heldFor = new Int32Array(operations);
    this.#lengths = new Int32Array(operations);
    this.#longest = new Int32Array(operations);
  }

  /** The order is going to change from this length on. */
  shorten(length: number): void {
    if (length < this.#shared) this.#shared = length;
  }

  /** Notes that nothing can follow this order. */
  note(stack: Int32Array, length: number, state: number): void {
    const { next, isReturn } = this.#line;
    let blocking = next[0]!;
    while (isReturn[blocking] === 0) blocking = next[blocking]!;
    if (blocking < this.#furthest) return;
    if (blocking > this.#furthest) this.#begin(blocking);
    let found: Found | undefined;
    const snapshot = (): Found =>
      (found ??= { order: stack.slice(Math.max(0, length - shownOperations), length), length, state });
    for (let at = length - 1; at >= Math.max(0, length - reach); at--) {
      const operation = stack[at]!;
      if (!this.#isOpen(operation) || !this.#isLonger(operation, length)) continue;
      if (this.#byOperation.size < reach || this.#byOperation.has(operation)) {
        this.#byOperation.set(operation, snapshot());
      }
    }
    if (this.#byState.length < shownDeadEnds && !this.#byState.some((end) => end.state === state)) {
      this.#byState.push(snapshot());
    }
    if (length > this.#longestLength) this.#keep(stack, length);
  }

  #begin(blocking: number): void {
    this.#furthest = blocking;
    this.#byOperation.clear();
    this.#byState = [];
    this.#longestLength = 0;
  }

  #isOpen(operation: number): boolean {
    return operation >= this.#line.known || this.#line.returnNode[operation]! > this.#furthest;
  }

  #isLonger(operation: number, length: number): boolean {
    if (this.#heldFor[operation] === this.#furthest && this.#lengths[operation]! >= length) return false;
    this.#heldFor[operation] = this.#furthest;
    this.#lengths[operation] = length;
    return true;
  }

  /** Only what changed since the last time is copied. */
  #keep(stack: Int32Array, length: number): void {
    this.#longest.set(stack.subarray(this.#shared, length), this.#shared);
    this.#longestLength = length;
    this.#shared = length;
  }

  /** The longest first, at most 8. */
  deadEnds(operationOf: (number: number) => Operation): DeadEnd[] {
    const blocked = operationOf(this.#line.operationAt[this.#furthest]!);
    const all = new Set([...this.#byOperation.values(), ...this.#byState]);
    return [...all]
      .sort((a, b) => b.length - a.length)
      .slice(0, shownDeadEnds)
      .map(({ order, length, state }) => ({ blocked, order: Array.from(order, operationOf), length, state }));
  }

  /** The longest order, whole. */
  longest(operationOf: (number: number) => Operation): Operation[] {
    return Array.from(this.#longest.subarray(0, this.#longestLength), operationOf);
  }
}
