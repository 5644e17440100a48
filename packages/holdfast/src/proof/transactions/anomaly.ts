import { anomalyKind, type AnomalyName } from "./isolation-level.ts";
import type { Key } from "./micro-operation.ts";
import type { RecordedTransaction } from "./recorded-transaction.ts";

/** Something that a history shows and some level forbids. */
export interface Anomaly {
  readonly name: AnomalyName;
  /** What it is usually called: `write skew`. */
  readonly title: string;
  /** The values that prove it. */
  readonly explanation: string;
  /** The lines of the transactions' invocations; in a cycle, each comes before the next and the last before the first. */
  readonly lines: readonly number[];
  readonly key?: Key;
}

export interface Anomalies {
  /** `explain` is asked only for those that are kept. */
  add(name: AnomalyName, transactions: readonly RecordedTransaction[], explain: () => string, key?: Key): void;
  has(name: AnomalyName): boolean;
  /** How often each was found, those not kept as well. */
  readonly counts: ReadonlyMap<AnomalyName, number>;
  /** At most `maxExamples` of each name, in the order in which they were found. */
  readonly kept: readonly Anomaly[];
}

/** A history that broke at all often broke everywhere: the first few say as much as all. */
const maxExamples = 8;

export function anomalies(): Anomalies {
  const counts = new Map<AnomalyName, number>();
  const kept: Anomaly[] = [];
  return {
    counts,
    kept,
    has: (name) => counts.has(name),
    add(name, transactions, explain, key) {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      if (count > maxExamples) return;
      const explanation = explain();
      const lines = transactions.map(({ line }) => line);
      kept.push({ name, title: anomalyKind(name).title, explanation, lines, ...(key === undefined ? {} : { key }) });
    },
  };
}
