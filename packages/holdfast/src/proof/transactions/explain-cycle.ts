import { isTimed } from "../explanation.ts";
import { show, showTransaction } from "./committed.ts";
import { dependency } from "./dependency-graph.ts";
import type { CycleStep } from "./find-cycles.ts";
import type { TransactionKind } from "./micro-operation.ts";
import type { RecordedTransaction } from "./recorded-transaction.ts";

/** Why each transaction of a cycle comes before the next, and what each of them did. */
export function explainCycle(
  steps: readonly CycleStep[],
  transactions: readonly RecordedTransaction[],
  kind: TransactionKind,
): string {
  const reasons = steps.map((step) => `  ${explainStep(step, transactions)}`);
  const shown = steps.map(({ from }) => `  ${showTransaction(transactions[from]!, kind)}`);
  return [`${steps.length} transactions, each of which comes before the next`, ...reasons, "where", ...shown].join(
    "\n",
  );
}

function explainStep({ from, to, bit, evidence }: CycleStep, transactions: readonly RecordedTransaction[]): string {
  const [one, two] = [transactions[from]!, transactions[to]!];
  const order = `line ${one.line} before line ${two.line}`;
  if (bit === dependency.process) return `${order}: one after the other in process ${one.process}`;
  if (bit === dependency.realtime) {
    if (!isTimed(two)) return `${order}: it returned before the other was called`;
    return `${order}: it returned at ${milliseconds(one.returnNs)}, the other was called at ${milliseconds(two.callNs)}`;
  }
  if (evidence === undefined) return order;
  const [key, before, after] = [show(evidence.key), show(evidence.before), show(evidence.after)];
  if (bit === dependency.wr) return `${order}: it wrote ${before} to key ${key}, which the other read (wr)`;
  if (bit === dependency.ww) return `${order}: it wrote ${before} to key ${key}, the other ${after} after that (ww)`;
  const version = evidence.before === null ? "without a value" : `at ${before}`;
  const replaced = bit === dependency.update ? " and replaced it" : "";
  return `${order}: it read key ${key} ${version}${replaced}, before the other wrote ${after} (rw)`;
}

function milliseconds(ns: number): string {
  return `${(ns / 1e6).toFixed(3)} ms`;
}
