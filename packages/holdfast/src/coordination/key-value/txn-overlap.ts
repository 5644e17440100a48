import { textOf } from "../byte-text.ts";
import { CoordinationError } from "../coordination-error.ts";
import { keyRange } from "./key-range.ts";
import type { RequestOp, TxnRequest } from "./key-value.ts";

/** Disjoint intervals `[from, to)` in ascending order. */
type Intervals = readonly (readonly [from: string, to: string])[];

/** What a list of operations writes, including its nested transactions, whichever way they go. */
interface Writes {
  readonly puts: Map<string, number>;
  readonly deletes: Intervals;
}

/**
 * Refuses a transaction in which one branch may put a key twice, or put a key that it also deletes.
 *
 * The rules are etcd's to the letter, because clients rely on what passes: the two branches of one transaction may write
 * the same keys; a nested put followed by another nested transaction's delete passes, the other order does not; and a
 * delete to the end of all keys (`rangeEnd` of one zero byte) clashes with nothing.
 *
 * @throws CoordinationError DUPLICATE_KEY
 */
export function refuseOverlaps(request: TxnRequest): void {
  if (request.success.length > 1 || request.success[0]?.type === "txn") writesOf(request.success);
  if (request.failure.length > 1 || request.failure[0]?.type === "txn") writesOf(request.failure);
}

function writesOf(operations: readonly RequestOp[]): Writes {
  const puts = new Map<string, number>();
  let deletes = deletesOf(operations);
  // Each nested transaction has a number of its own, so that its two branches do not clash with each other.
  for (const [number, operation] of operations.entries()) {
    if (operation.type !== "txn") continue;
    const success = writesOf(operation.request.success);
    const failure = writesOf(operation.request.failure);
    addPuts(puts, success.puts.keys(), number, -1, deletes);
    addPuts(puts, failure.puts.keys(), number, number, deletes);
    deletes = merge(merge(deletes, success.deletes), failure.deletes);
  }
  const own = operations.flatMap((operation) => (operation.type === "put" ? [textOf(operation.request.key)] : []));
  addPuts(puts, own, operations.length, -1, deletes);
  return { puts, deletes };
}

/** `mayRepeat` is the number whose puts may be repeated. */
function addPuts(
  puts: Map<string, number>,
  keys: Iterable<string>,
  number: number,
  mayRepeat: number,
  deletes: Intervals,
): void {
  for (const key of keys) {
    const before = puts.get(key);
    if ((before !== undefined && before !== mayRepeat) || covers(deletes, key)) {
      throw new CoordinationError("DUPLICATE_KEY");
    }
    puts.set(key, number);
  }
}

function deletesOf(operations: readonly RequestOp[]): Intervals {
  const found: (readonly [string, string])[] = [];
  for (const operation of operations) {
    if (operation.type !== "deleteRange") continue;
    const { from, to } = keyRange(operation.request.key, operation.request.rangeEnd);
    if (to !== undefined && from < to) found.push([from, to]);
  }
  found.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return joinTouching(found);
}

/** Linear, because a list is merged once for each transaction around it. */
function merge(left: Intervals, right: Intervals): Intervals {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const sorted: (readonly [string, string])[] = [];
  let at = 0;
  for (const interval of left) {
    while (at < right.length && right[at]![0] < interval[0]) sorted.push(right[at++]!);
    sorted.push(interval);
  }
  for (; at < right.length; at++) sorted.push(right[at]!);
  return joinTouching(sorted);
}

function joinTouching(sorted: readonly (readonly [string, string])[]): Intervals {
  const disjoint: [string, string][] = [];
  for (const [from, to] of sorted) {
    const last = disjoint.at(-1);
    if (last === undefined || last[1] < from) disjoint.push([from, to]);
    else if (last[1] < to) last[1] = to;
  }
  return disjoint;
}

function covers(intervals: Intervals, key: string): boolean {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (intervals[middle]![0] <= key) low = middle + 1;
    else high = middle;
  }
  const candidate = intervals[low - 1];
  return candidate !== undefined && key < candidate[1];
}
