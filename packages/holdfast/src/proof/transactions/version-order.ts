import { digraph } from "./digraph.ts";
import { componentCycles } from "./find-cycles.ts";
import type { Element, Key } from "./micro-operation.ts";
import type { RecordedTransaction } from "./recorded-transaction.ts";
import type { Pulse } from "./strong-components.ts";

/** Why one version of a register comes before another. */
export type VersionReason = "written after it" | "replaced" | "real time";

/** One version comes before another, since this transaction, or these two, say so. */
export interface VersionStep {
  readonly before: Element;
  readonly after: Element;
  readonly reason: VersionReason;
  readonly transactions: readonly RecordedTransaction[];
}

/** What is known of the order of one key's versions. The initial one, null, comes before all. */
export interface VersionOrder {
  readonly key: Key;
  /** Every version that some transaction wrote and did not take back. */
  readonly versions: ReadonlySet<Element>;
  readonly steps: readonly VersionStep[];
}

/** Steps that lead back to where they begin. */
export type VersionCycle = readonly VersionStep[];

/** Cycles among the versions of a key; when there is any, nothing is known of their order. */
export function versionCycles({ versions, steps }: VersionOrder, pulse: Pulse): VersionCycle[] {
  const numbers = new Map([...versions].map((version, i) => [version, i] as const));
  const from = steps.map(({ before }) => numbers.get(before)!);
  const to = steps.map(({ after }) => numbers.get(after)!);
  const edges = digraph(numbers.size, from, to);
  return componentCycles(edges, pulse).map((cycle) => cycle.edges.map((edge) => steps[edges.origins[edge]!]!));
}

/** What a transaction did to one key. */
export interface KeyUse {
  readonly transaction: RecordedTransaction;
  /** The version that it saw before it wrote any: undefined when it did not look. */
  readonly read: Element | null | undefined;
  /** In order. */
  readonly writes: readonly Element[];
}

/** Steps within transactions: what one wrote after another, or after what it had read there. */
export function stepsWithin(
  uses: readonly KeyUse[],
  versions: ReadonlySet<Element>,
  afterReads: boolean,
): VersionStep[] {
  const steps: VersionStep[] = [];
  for (const { transaction, read, writes } of uses) {
    const [first] = writes;
    const transactions = [transaction];
    if (
      afterReads &&
      first !== undefined &&
      read !== undefined &&
      read !== null &&
      versions.has(read) &&
      read !== first
    ) {
      steps.push({ before: read, after: first, reason: "replaced", transactions });
    }
    for (const [i, after] of writes.entries()) {
      if (i > 0) steps.push({ before: writes[i - 1]!, after, reason: "written after it", transactions });
    }
  }
  return steps;
}

/**
 * Steps in real time, for keys each of which is linearizable by itself: what one transaction left there comes before
 * what another, called after it returned, found. Between transactions with others in between nothing need be said.
 */
export function stepsInRealTime(uses: readonly KeyUse[], versions: ReadonlySet<Element>): VersionStep[] {
  const calls = uses.toSorted((a, b) => a.transaction.callNs - b.transaction.callNs);
  const returns = uses
    .filter(({ transaction }) => transaction.outcome === "ok")
    .sort((a, b) => a.transaction.returnNs - b.transaction.returnNs);
  const steps: VersionStep[] = [];
  /** Those that returned, without those that returned before another of them was called. */
  let front: KeyUse[] = [];
  let returned = 0;
  for (const use of calls) {
    for (; returned < returns.length && returns[returned]!.transaction.returnNs < use.transaction.callNs; returned++) {
      const done = returns[returned]!;
      front = front.filter(({ transaction }) => transaction.returnNs >= done.transaction.callNs);
      front.push(done);
    }
    const after = use.read === undefined ? use.writes[0] : use.read;
    for (const earlier of front) {
      const before = earlier.writes.at(-1) ?? earlier.read;
      if (before === after || before === null || before === undefined || !versions.has(before)) continue;
      const transactions = [earlier.transaction, use.transaction];
      // Null after a value: as if the value came before itself, by way of null.
      if (after === null) steps.push({ before, after: before, reason: "real time", transactions });
      else if (after !== undefined && versions.has(after))
        steps.push({ before, after, reason: "real time", transactions });
    }
  }
  return steps;
}
