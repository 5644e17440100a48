import type { Anomalies } from "./anomaly.ts";
import { show } from "./committed.ts";
import { dependency, type DependencyGraph, type Overwrite } from "./dependency-graph.ts";
import { checkRead } from "./direct-anomalies.ts";
import type { Element, Key } from "./micro-operation.ts";
import type { RecordedTransaction, Writers } from "./recorded-transaction.ts";
import type { Pulse } from "./strong-components.ts";

interface ListRead {
  readonly reader: RecordedTransaction;
  readonly list: readonly Element[];
}

/** What the reads of lists are judged by. */
export interface Recorded {
  readonly transactions: readonly RecordedTransaction[];
  readonly writers: Writers;
  /** By transaction. */
  readonly committed: Uint8Array;
}

/**
 * A list shows the whole order of its versions: the longest read is that order, and every other read must be a beginning
 * of it (Kingsbury and Alvaro, "Elle", 2020, section 4). Adds what follows to the graph.
 * @returns the keys whose order is in doubt, of which the graph has nothing
 */
export function addListDependencies(
  recorded: Recorded,
  graph: DependencyGraph,
  found: Anomalies,
  pulse: Pulse,
): Set<Key> {
  const doubtful = new Set<Key>();
  for (const [key, reads] of readsByKey(recorded.transactions)) {
    pulse();
    const longest = reads.reduce((a, b) => (b.list.length > a.list.length ? b : a));
    if (isOrdered(key, longest, reads, recorded, found)) addKey(key, longest.list, reads, recorded, graph, found);
    else doubtful.add(key);
  }
  return doubtful;
}

function readsByKey(transactions: readonly RecordedTransaction[]): Map<Key, ListRead[]> {
  const reads = new Map<Key, ListRead[]>();
  for (const reader of transactions) {
    for (const step of reader.steps) {
      if (step.f !== "list") continue;
      const ofKey = reads.get(step.key);
      if (ofKey === undefined) reads.set(step.key, [{ reader, list: step.value }]);
      else ofKey.push({ reader, list: step.value });
    }
  }
  return reads;
}

/** Judges every list that is no beginning of the longest, and the longest; whether it is an order of the versions. */
function isOrdered(
  key: Key,
  longest: ListRead,
  reads: readonly ListRead[],
  recorded: Recorded,
  found: Anomalies,
): boolean {
  let ordered = checkElements(key, longest, recorded, found) && keepsOrders(key, longest, recorded, found);
  for (const read of reads) {
    if (read.list.every((element, i) => element === longest.list[i])) continue;
    ordered = false;
    checkElements(key, read, recorded, found);
    const explain = (): string =>
      `line ${longest.reader.line} read key ${show(key)} as ${show(longest.list)}, ` +
      `and line ${read.reader.line} as ${show(read.list)}: neither is a beginning of the other`;
    found.add("incompatible-order", [longest.reader, read.reader], explain, key);
  }
  return ordered;
}

/** What is wrong with a list whatever others read. False when an element is there twice. */
function checkElements(key: Key, { reader, list }: ListRead, recorded: Recorded, found: Anomalies): boolean {
  const { transactions, writers } = recorded;
  let aborted: RecordedTransaction | undefined;
  for (const element of list) {
    const number = writers.get(key)?.get(element);
    const writer = number === undefined ? undefined : transactions[number]!;
    if (writer === undefined || writer.outcome === "failed") {
      checkRead(reader, key, element, transactions, writers, found);
      aborted ??= writer;
    } else if (aborted !== undefined) {
      const before = aborted;
      const explain = (): string =>
        `line ${writer.line} added ${show(element)} to key ${show(key)} after what line ${before.line} wrote there ` +
        `and took back, as line ${reader.line} read: ${show(list)}`;
      found.add("dirty-update", [before, writer], explain, key);
      aborted = undefined;
    }
  }
  if (new Set(list).size === list.length) return true;
  const explain = (): string =>
    `line ${reader.line} read key ${show(key)} as ${show(list)}, which has an element twice`;
  found.add("duplicate-elements", [reader], explain, key);
  return false;
}

/** Whether a list has what each transaction appended in the order in which it did, with nothing left out. */
function keepsOrders(
  key: Key,
  { reader, list }: ListRead,
  { transactions, writers }: Recorded,
  found: Anomalies,
): boolean {
  const ofKey = writers.get(key);
  const left = new Map<number, Element[]>();
  for (const element of list) {
    const number = ofKey?.get(element);
    if (number === undefined) continue;
    const writer = transactions[number]!;
    let appended = left.get(number);
    if (appended === undefined) left.set(number, (appended = appends(writer, key).reverse()));
    if (appended.pop() === element) continue;
    const explain = (): string =>
      `line ${writer.line} appended ${show(appends(writer, key))} to key ${show(key)}, ` +
      `and line ${reader.line} read it as ${show(list)}`;
    found.add("incompatible-order", [writer, reader], explain, key);
    return false;
  }
  return true;
}

function appends({ steps }: RecordedTransaction, key: Key): Element[] {
  return steps.flatMap((step) => (step.f === "write" && step.key === key ? [step.value] : []));
}

function addKey(
  key: Key,
  order: readonly Element[],
  reads: readonly ListRead[],
  { transactions, writers, committed }: Recorded,
  graph: DependencyGraph,
  found: Anomalies,
): void {
  const ofKey = writers.get(key) ?? new Map<Element, number>();
  /** By place: who appended the element there, -1 when nobody did whose writes count. */
  const writerAt = order.map((element) => {
    const writer = ofKey.get(element);
    return writer === undefined || committed[writer] === 0 ? -1 : writer;
  });
  /** By place: where the next element stands that counts. */
  const nextAt = new Int32Array(order.length + 1).fill(order.length);
  for (let i = order.length - 1; i >= 0; i--) nextAt[i] = writerAt[i] === -1 ? nextAt[i + 1]! : i;

  const version = (length: number): Element | null => order[length - 1] ?? null;
  for (let i = nextAt[0]!; i < order.length;) {
    const next = nextAt[i + 1]!;
    if (next < order.length) {
      graph.add(dependency.ww, writerAt[i]!, writerAt[next]!, { key, before: order[i]!, after: order[next]! });
    }
    i = next;
  }

  const readersOfLast: number[] = [];
  for (const { reader, list } of reads) {
    const { length } = list;
    if (length > 0) {
      const writer = writerAt[length - 1]!;
      if (writer >= 0 && writer !== reader.number) {
        graph.add(dependency.wr, writer, reader.number, { key, before: version(length), after: null });
        checkRead(reader, key, list[length - 1]!, transactions, writers, found);
      }
    }
    const next = nextAt[length]!;
    if (next === order.length) readersOfLast.push(reader.number);
    else
      graph.add(dependency.rw, reader.number, writerAt[next]!, { key, before: version(length), after: order[next]! });
  }

  // What was appended and never seen stands after everything that was.
  const seen = new Set(order);
  const unseen = new Map<number, Overwrite>();
  for (const [value, writer] of ofKey) {
    if (committed[writer] === 1 && !seen.has(value) && !unseen.has(writer)) unseen.set(writer, { writer, value });
  }
  const last = writerAt.findLastIndex((writer) => writer >= 0);
  for (const { writer, value } of unseen.values()) {
    if (last >= 0) graph.add(dependency.ww, writerAt[last]!, writer, { key, before: order[last]!, after: value });
  }
  graph.addOverwrites(key, version(order.length), [...new Set(readersOfLast)], [...unseen.values()]);
}
