import { HistoryError } from "../history-error.ts";

/** What names an object: `1` and `"1"` are two. */
export type Key = string | number;

/** What is written: unique for its key. Null is the value before the first write. */
export type Element = string | number | boolean;

/** How the objects of a history work: lists that grow at the end, or single values that are replaced. */
export type TransactionKind = "list-append" | "rw-register";

/** One step of a transaction, as a history has it. A read's result is null until it is known. */
export type MicroOperation =
  | readonly [f: "append", key: Key, value: Element]
  | readonly [f: "w", key: Key, value: Element]
  | readonly [f: "r", key: Key, value: Element | null | readonly Element[]];

/** A step with the read's result apart, by kind of object. */
export type Step =
  | { readonly f: "write"; readonly key: Key; readonly value: Element }
  | { readonly f: "list"; readonly key: Key; readonly value: readonly Element[] }
  | { readonly f: "register"; readonly key: Key; readonly value: Element | null }
  /** A read of which nobody knows the result. */
  | { readonly f: "lost"; readonly key: Key };

/** Reads a transaction's value. @throws HistoryError naming the line, the micro-operation and the rule */
export function parseSteps(value: unknown, kind: TransactionKind, answered: boolean, line: number): Step[] {
  if (!Array.isArray(value)) throw new HistoryError(line, `txn takes a list of micro-operations (got ${text(value)})`);
  return value.map((operation: unknown) => parseStep(operation, kind, answered, line));
}

function parseStep(operation: unknown, kind: TransactionKind, answered: boolean, line: number): Step {
  if (!Array.isArray(operation) || operation.length !== 3) {
    throw broken(line, operation, "must be [function, key, value]");
  }
  const [f, key, value] = operation as readonly unknown[];
  if (typeof key !== "string" && typeof key !== "number")
    throw broken(line, operation, "needs a string or number as key");
  const write = kind === "list-append" ? "append" : "w";
  if (f === write) {
    if (!isElement(value)) throw broken(line, operation, "must write a string, a number or a boolean");
    return { f: "write", key, value };
  }
  if (f !== "r") throw broken(line, operation, `must be ${write} or r in a ${kind} history`);
  if (!answered) return { f: "lost", key };
  if (kind === "rw-register") {
    if (value !== null && !isElement(value)) throw broken(line, operation, "must read a single value or null");
    return { f: "register", key, value };
  }
  // Null is how a store without a row for the key says that the list is empty.
  const list: unknown = value ?? [];
  if (!Array.isArray(list) || !list.every(isElement)) throw broken(line, operation, "must read a list or null");
  return { f: "list", key, value: list };
}

/** Whether an answer is one to this call: the same steps, but for what reads saw. */
export function answers(call: readonly Step[], answer: readonly Step[]): boolean {
  return (
    call.length === answer.length &&
    call.every((step, i) => {
      const other = answer[i] as Step;
      if (step.key !== other.key || (step.f === "write") !== (other.f === "write")) return false;
      return step.f !== "write" || (other.f === "write" && step.value === other.value);
    })
  );
}

function isElement(value: unknown): value is Element {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function broken(line: number, operation: unknown, rule: string): HistoryError {
  return new HistoryError(line, `micro-operation ${text(operation)} ${rule}`);
}

function text(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
