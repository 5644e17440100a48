import type { Anomalies } from "./anomaly.ts";
import { lastWrite, show } from "./committed.ts";
import type { Element, Key, Step } from "./micro-operation.ts";
import type { RecordedTransaction, Writers } from "./recorded-transaction.ts";

/** Whether what a transaction read agrees with what it read and wrote before. */
export function checkInternalReads(transaction: RecordedTransaction, found: Anomalies): void {
  const reads = new Map<Key, readonly Element[] | Element | null>();
  const written = new Map<Key, Element[]>();
  for (const step of transaction.steps) {
    if (step.f === "write") {
      if (foresees(reads.get(step.key), step.value)) {
        const explain = (): string =>
          `line ${transaction.line} read ${show(step.value)} from key ${show(step.key)} before it wrote it`;
        found.add("internal", [transaction], explain, step.key);
      }
      const own = written.get(step.key);
      if (own === undefined) written.set(step.key, [step.value]);
      else own.push(step.value);
      continue;
    }
    if (step.f === "lost") continue;
    const own = written.get(step.key) ?? [];
    const before = reads.get(step.key);
    reads.set(step.key, step.value);
    const [key, value] = [show(step.key), show(step.value)];
    if (!holdsOwn(step, own)) {
      const explain = (): string => `line ${transaction.line} wrote ${show(own)} to key ${key} and then read ${value}`;
      found.add("internal", [transaction], explain, step.key);
    } else if (before !== undefined && !repeats(step, before, own)) {
      const explain = (): string => `line ${transaction.line} read key ${key} as ${show(before)} and then as ${value}`;
      found.add("non-repeatable-read", [transaction], explain, step.key);
    }
    // From here on what it reads contains them.
    if (step.f === "list") written.set(step.key, []);
  }
}

function foresees(read: readonly Element[] | Element | null | undefined, value: Element): boolean {
  return typeof read === "object" && read !== null ? read.includes(value) : read === value;
}

type Read = Extract<Step, { readonly f: "list" | "register" }>;

/** A list ends with the last of the own elements, and has those before in their order; a register has the last. */
function holdsOwn(read: Read, own: readonly Element[]): boolean {
  if (own.length === 0) return true;
  if (read.f === "register") return read.value === own.at(-1);
  if (read.value.at(-1) !== own.at(-1)) return false;
  let place = 0;
  for (const element of own) {
    place = read.value.indexOf(element, place) + 1;
    if (place === 0) return false;
  }
  return true;
}

function repeats(read: Read, before: readonly Element[] | Element | null, own: readonly Element[]): boolean {
  if (read.f === "register") return own.length > 0 || read.value === before;
  const { value } = read;
  const expected = before as readonly Element[];
  if (value.length !== expected.length + own.length) return false;
  return value.every((element, i) => element === (i < expected.length ? expected[i] : own[i - expected.length]));
}

/**
 * Two that read the same version of a key and replaced it: in whatever order, the second did not know of the first. In
 * lists whose order is in doubt the last element does not tell the version, but the whole list does.
 */
export function checkLostUpdates(
  transactions: readonly RecordedTransaction[],
  doubtful: ReadonlySet<Key>,
  found: Anomalies,
): void {
  const updates = new Map<Key, Map<Element | null, RecordedTransaction>>();
  for (const transaction of transactions) {
    if (transaction.outcome !== "ok") continue;
    for (const [key, version] of updatedVersions(transaction, doubtful)) {
      const ofKey = updates.get(key) ?? new Map<Element | null, RecordedTransaction>();
      updates.set(key, ofKey);
      const other = ofKey.get(version);
      if (other === undefined) {
        ofKey.set(version, transaction);
        continue;
      }
      const [one, two] = [lastWrite(other, key), lastWrite(transaction, key)];
      const seen = version === null ? "without a value" : `at ${show(version)}`;
      const explain = (): string =>
        `lines ${other.line} and ${transaction.line} both read key ${show(key)} ${seen}, ` +
        `and then wrote ${show(one)} and ${show(two)} to it`;
      found.add("lost-update", [other, transaction], explain, key);
    }
  }
}

/** The keys that a transaction read before it wrote to them, and what tells the version that it saw there. */
function updatedVersions({ steps }: RecordedTransaction, doubtful: ReadonlySet<Key>): Map<Key, Element | null> {
  const seen = new Map<Key, Element | null>();
  const updated = new Map<Key, Element | null>();
  const written = new Set<Key>();
  for (const step of steps) {
    if (step.f === "write") {
      const version = seen.get(step.key);
      if (version !== undefined && !written.has(step.key)) updated.set(step.key, version);
      written.add(step.key);
    }
    if (step.f === "list") {
      seen.set(step.key, doubtful.has(step.key) ? JSON.stringify(step.value) : (step.value.at(-1) ?? null));
    }
    if (step.f === "register") seen.set(step.key, step.value);
  }
  return updated;
}

/** What every single read may be blamed for: a value that nobody wrote, or that was taken back, or not final. */
export function checkRead(
  reader: RecordedTransaction,
  key: Key,
  value: Element,
  transactions: readonly RecordedTransaction[],
  writers: Writers,
  found: Anomalies,
): void {
  const number = writers.get(key)?.get(value);
  const what = (): string => `line ${reader.line} read ${show(value)} from key ${show(key)}`;
  if (number === undefined) {
    found.add("garbage-read", [reader], () => `${what()}, which nobody wrote`, key);
    return;
  }
  const writer = transactions[number]!;
  if (writer.outcome === "failed") {
    found.add("G1a", [writer, reader], () => `${what()}, which line ${writer.line} wrote and took back`, key);
    return;
  }
  const last = lastWrite(writer, key);
  if (last === value) return;
  found.add("G1b", [writer, reader], () => `${what()}, which line ${writer.line} replaced by ${show(last)} later`, key);
}
