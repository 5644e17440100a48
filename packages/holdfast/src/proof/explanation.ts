import type { Operation } from "./history.ts";

/** An order of operations that is as long as any, and what it leaves. */
export interface PartialOrder {
  /** Its end, at most 16 operations. */
  readonly operations: readonly Operation[];
  /** How many operations the whole order has. */
  readonly length: number;
  /** The state it leaves, as the model describes it. */
  readonly state: string;
}

/** Why no order explains a history. */
export interface Violation {
  readonly key: string | undefined;
  /** The operation with which it becomes impossible: all that returned before it can be explained. */
  readonly operation: Operation;
  /**
   * The orders that got furthest, the longest first, at most 8; after none of them can `operation` follow. For each
   * operation that was open then, the longest that holds it is among them, as far as there is room.
   */
  readonly partialOrders: readonly PartialOrder[];
  /** The longest of them, whole. */
  readonly longest: readonly Operation[];
}

const shownOrders = 3;
const shownOperations = 6;

/** What an `ok` rests on: a history without unknown outcomes or without reads says less than it seems. */
export function explainOrder(operations: readonly Operation[]): string {
  const unknown = operations.filter((operation) => operation.outcome === "unknown").length;
  const keys = new Set(operations.map((operation) => operation.key)).size;
  const objects = keys === 1 ? "one object" : `${keys} keys`;
  return `one order explains all ${operations.length} operations on ${objects}, ${unknown} of unknown outcome`;
}

/** The operation that fits nowhere, and the orders after which it was tried. */
export function explainViolation({ key, operation, partialOrders }: Violation): string {
  const where = key === undefined ? "" : `key ${JSON.stringify(key)}: `;
  const lines = [`${where}no order explains ${describe(operation)}`];
  for (const { operations, state } of partialOrders.slice(0, shownOrders)) {
    const tail = operations.slice(-shownOperations);
    lines.push(
      tail.length === 0 ? `  at the start, where the state is ${state}` : `  not after this, which leaves ${state}:`,
    );
    for (const before of tail) lines.push(`    ${describe(before)}`);
  }
  const others = partialOrders.length - shownOrders;
  if (others > 0) lines.push(`  nor after ${others} other orders`);
  return lines.join("\n");
}

function describe(operation: Operation): string {
  const argument = operation.input === null ? "" : JSON.stringify(operation.input);
  const call = `${operation.f}(${argument})`;
  const result = operation.outcome === "ok" ? JSON.stringify(operation.output) : "unknown";
  return `process ${operation.process} ${call} -> ${result}${describeTimes(operation)} (line ${operation.line})`;
}

function describeTimes(operation: Operation): string {
  if (!isTimed(operation)) return "";
  const from = (operation.callNs / 1e6).toFixed(3);
  const to = operation.outcome === "ok" ? (operation.returnNs / 1e6).toFixed(3) : "?";
  return `, ${from} to ${to} ms`;
}

/** A history without times has its events' numbers in their place, which are nothing to tell people. */
export function isTimed({ callNs, line }: Pick<Operation, "callNs" | "line">): boolean {
  return callNs >= line;
}
