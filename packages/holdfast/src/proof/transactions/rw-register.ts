import type { Anomalies } from "./anomaly.ts";
import { show } from "./committed.ts";
import { dependency, type DependencyGraph, type Overwrite } from "./dependency-graph.ts";
import { checkRead } from "./direct-anomalies.ts";
import type { Element, Key } from "./micro-operation.ts";
import type { Recorded } from "./list-append.ts";
import type { Pulse } from "./strong-components.ts";
import {
  stepsInRealTime,
  stepsWithin,
  versionCycles,
  type KeyUse,
  type VersionCycle,
  type VersionOrder,
  type VersionStep,
} from "./version-order.ts";

/** What is taken for granted about the order of a register's versions, since reads do not show it. */
export interface VersionAssumptions {
  /** What a transaction writes to a key comes after what it read there. */
  readonly writesFollowReads: boolean;
  /** Each key by itself is linearizable. */
  readonly linearizableKeys: boolean;
}

/**
 * A register shows only its last version, so their order is inferred, and partial (Kingsbury and Alvaro, "Elle", 2020,
 * section 5). Adds what follows from it to the graph.
 * @returns the keys whose order is in doubt; of those the graph knows only who read from whom
 */
export function addRegisterDependencies(
  recorded: Recorded,
  assumptions: VersionAssumptions,
  graph: DependencyGraph,
  found: Anomalies,
  pulse: Pulse,
): Set<Key> {
  const doubtful = new Set<Key>();
  const { readers, uses } = usesByKey(recorded, graph, found);
  for (const [key, ofKey] of uses) {
    pulse();
    const order = versionOrder(key, ofKey, recorded, assumptions);
    const cycles = versionCycles(order, pulse);
    for (const cycle of cycles) reportCycle(key, cycle, found);
    if (cycles.length > 0) doubtful.add(key);
    else addKey(order, readers.get(key) ?? new Map<Element | null, Set<number>>(), recorded, graph);
  }
  return doubtful;
}

type Readers = Map<Key, Map<Element | null, Set<number>>>;

/** Goes through all steps once: who read which version, who used which key how, and what any read shows by itself. */
function usesByKey(
  { transactions, writers, committed }: Recorded,
  graph: DependencyGraph,
  found: Anomalies,
): { readonly readers: Readers; readonly uses: Map<Key, KeyUse[]> } {
  const readers: Readers = new Map();
  const uses = new Map<Key, KeyUse[]>();
  for (const transaction of transactions) {
    if (committed[transaction.number] === 0) continue;
    const own = new Map<
      Key,
      { transaction: typeof transaction; read: Element | null | undefined; writes: Element[] }
    >();
    for (const step of transaction.steps) {
      if (step.f !== "write" && step.f !== "register") continue;
      const { key, value } = step;
      let use = own.get(key);
      if (use === undefined) own.set(key, (use = { transaction, read: undefined, writes: [] }));
      if (step.f === "write") {
        use.writes.push(step.value);
        continue;
      }
      if (value !== null && writers.get(key)?.get(value) === transaction.number) continue;
      if (use.writes.length === 0) use.read = value;
      const ofKey = readers.get(key) ?? new Map<Element | null, Set<number>>();
      readers.set(key, ofKey);
      const ofVersion = ofKey.get(value) ?? new Set<number>();
      ofKey.set(value, ofVersion);
      if (ofVersion.has(transaction.number)) continue;
      ofVersion.add(transaction.number);
      if (value === null) continue;
      checkRead(transaction, key, value, transactions, writers, found);
      const writer = writers.get(key)?.get(value);
      if (writer === undefined || committed[writer] === 0) continue;
      graph.add(dependency.wr, writer, transaction.number, { key, before: value, after: null });
    }
    for (const [key, use] of own) {
      const ofKey = uses.get(key);
      if (ofKey === undefined) uses.set(key, [use]);
      else ofKey.push(use);
    }
  }
  return { readers, uses };
}

function versionOrder(
  key: Key,
  uses: readonly KeyUse[],
  { writers, committed }: Recorded,
  { writesFollowReads, linearizableKeys }: VersionAssumptions,
): VersionOrder {
  const versions = new Set<Element>();
  for (const [value, writer] of writers.get(key) ?? []) if (committed[writer] === 1) versions.add(value);
  const steps = stepsWithin(uses, versions, writesFollowReads);
  if (linearizableKeys) steps.push(...stepsInRealTime(uses, versions));
  return { key, versions, steps };
}

function addKey(
  { key, versions, steps }: VersionOrder,
  readers: ReadonlyMap<Element | null, ReadonlySet<number>>,
  { writers }: Recorded,
  graph: DependencyGraph,
): void {
  const ofKey = writers.get(key) ?? new Map<Element, number>();
  const writerOf = (version: Element): number => ofKey.get(version)!;
  const after = Map.groupBy(steps, ({ before }) => before);
  const later = new Set(steps.map((step) => step.after));
  for (const version of versions) {
    const next = overwrites(after.get(version) ?? [], writerOf);
    for (const { writer, value } of next) {
      graph.add(dependency.ww, writerOf(version), writer, { key, before: version, after: value });
    }
    graph.addOverwrites(key, version, [...(readers.get(version) ?? [])], next);
  }
  const first = new Map<number, Overwrite>();
  for (const value of versions) {
    const writer = writerOf(value);
    if (!later.has(value) && !first.has(writer)) first.set(writer, { writer, value });
  }
  graph.addOverwrites(key, null, [...(readers.get(null) ?? [])], [...first.values()]);
}

function overwrites(steps: readonly VersionStep[], writerOf: (version: Element) => number): Overwrite[] {
  const byWriter = new Map<number, Overwrite>();
  for (const { after } of steps) {
    const writer = writerOf(after);
    if (!byWriter.has(writer)) byWriter.set(writer, { writer, value: after });
  }
  return [...byWriter.values()];
}

function reportCycle(key: Key, cycle: VersionCycle, found: Anomalies): void {
  const inTime = cycle.some(({ reason }) => reason === "real time");
  const lines = cycle.map(describe);
  const transactions = [...new Set(cycle.flatMap((step) => step.transactions))];
  const explain = (): string => `the versions of key ${show(key)} come before themselves: ${lines.join("; ")}`;
  found.add(inTime ? "cyclic-versions-realtime" : "cyclic-versions", transactions, explain, key);
}

function describe({ before, after, reason, transactions }: VersionStep): string {
  const [one, two] = transactions.map(({ line }) => line);
  if (before === after)
    return `line ${one} left ${show(before)}, and line ${two}, called after it returned, found nothing`;
  const order = `${show(before)} before ${show(after)}`;
  if (reason === "real time") return `${order}, as line ${one} returned before line ${two} was called`;
  return reason === "replaced" ? `${order}, which line ${one} read and replaced` : `${order}, both by line ${one}`;
}
