import type { Element, Key, Step, TransactionKind } from "./micro-operation.ts";
import type { RecordedTransaction, Writers } from "./recorded-transaction.ts";

/**
 * By transaction, whether it took effect: those that say so, and those of unknown outcome of which somebody saw a
 * write. The others of unknown outcome prove nothing, and are left out.
 */
export function committedOf(transactions: readonly RecordedTransaction[], writers: Writers): Uint8Array {
  const committed = Uint8Array.from(transactions, ({ outcome }) => Number(outcome === "ok"));
  const notice = (key: Key, value: Element): void => {
    const writer = writers.get(key)?.get(value);
    if (writer !== undefined && transactions[writer]!.outcome === "unknown") committed[writer] = 1;
  };
  if (transactions.every(({ outcome }) => outcome !== "unknown")) return committed;
  for (const { steps } of transactions) {
    for (const step of steps) {
      if (step.f === "register" && step.value !== null) notice(step.key, step.value);
      if (step.f === "list") for (const element of step.value) notice(step.key, element);
    }
  }
  return committed;
}

/** What a transaction wrote last to a key: others may see this, and nothing that it wrote there before. */
export function lastWrite({ steps }: RecordedTransaction, key: Key): Element | undefined {
  const step = steps.findLast((step) => step.f === "write" && step.key === key);
  return step?.f === "write" ? step.value : undefined;
}

/** Text for a key, a value, a list: as JSON. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 120 ? `${text.slice(0, 60)}…${text.slice(-59)}` : text;
}

/** Text for a transaction: its line and what it did, as its history has it. */
export function showTransaction({ line, steps }: RecordedTransaction, kind: TransactionKind): string {
  return `line ${line}: ${show(steps.map((step) => stepText(step, kind)))}`;
}

function stepText(step: Step, kind: TransactionKind): readonly unknown[] {
  if (step.f === "write") return [kind === "list-append" ? "append" : "w", step.key, step.value];
  return ["r", step.key, step.f === "lost" ? null : step.value];
}
