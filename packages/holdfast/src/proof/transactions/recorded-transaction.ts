import { HistoryError } from "../history-error.ts";
import { pairOperations, type HistoryEvent } from "../history.ts";
import { answers, parseSteps, type Element, type Key, type Step, type TransactionKind } from "./micro-operation.ts";

/** A transaction as its client saw it. */
export interface RecordedTransaction {
  /** Its place among the transactions, in the order of their calls. */
  readonly number: number;
  readonly process: number;
  /** The position of the invocation in the history, from 1. */
  readonly line: number;
  readonly outcome: "ok" | "failed" | "unknown";
  readonly steps: readonly Step[];
  readonly callNs: number;
  /** Infinity when the outcome is unknown. */
  readonly returnNs: number;
}

/**
 * All transactions of a history in the order of their calls. Unlike other checks this one needs those that failed, too:
 * nobody may see what they wrote.
 * @throws HistoryError when the history or a transaction breaks its format's rules
 */
export function recordedTransactions(history: readonly HistoryEvent[], kind: TransactionKind): RecordedTransaction[] {
  pairOperations(history);
  const open = new Map<number, { readonly transaction: RecordedTransaction; readonly at: number }>();
  const transactions: RecordedTransaction[] = [];
  for (const [index, event] of history.entries()) {
    const line = event.line ?? index + 1;
    const { process, type, timeNs } = event;
    if (event.f !== "txn") throw new HistoryError(line, `a transaction's function is txn (got ${event.f})`);
    if (type === "invoke") {
      const steps = parseSteps(event.value, kind, false, line);
      const number = transactions.length;
      const transaction = {
        number,
        process,
        line,
        outcome: "unknown",
        steps,
        callNs: timeNs,
        returnNs: Infinity,
      } as const;
      transactions.push(transaction);
      open.set(process, { transaction, at: number });
      continue;
    }
    const { transaction, at } = open.get(process)!;
    open.delete(process);
    if (type === "fail") transactions[at] = { ...transaction, outcome: "failed", returnNs: timeNs };
    if (type !== "ok") continue;
    const steps = parseSteps(event.value, kind, true, line);
    if (!answers(transaction.steps, steps)) {
      throw new HistoryError(line, `completes other micro-operations than line ${transaction.line} invoked`);
    }
    transactions[at] = { ...transaction, outcome: "ok", steps, returnNs: timeNs };
  }
  return transactions;
}

/** Who wrote what: a transaction's number by key and value. */
export type Writers = ReadonlyMap<Key, ReadonlyMap<Element, number>>;

/** @throws HistoryError when a key is given the same value twice, which makes its versions indistinguishable */
export function writersOf(transactions: readonly RecordedTransaction[]): Writers {
  const writers = new Map<Key, Map<Element, number>>();
  for (const { steps, number, line } of transactions) {
    for (const step of steps) {
      if (step.f !== "write") continue;
      let ofKey = writers.get(step.key);
      if (ofKey === undefined) writers.set(step.key, (ofKey = new Map()));
      const before = ofKey.get(step.value);
      if (before !== undefined) {
        const [key, value] = [JSON.stringify(step.key), JSON.stringify(step.value)];
        const first = transactions[before]?.line;
        throw new HistoryError(line, `writes ${value} to key ${key}, as line ${first} does: values must be unique`);
      }
      ofKey.set(step.value, number);
    }
  }
  return writers;
}
