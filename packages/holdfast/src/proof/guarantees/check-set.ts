import { checkOptionNames } from "../../errors/base.ts";
import { HistoryError } from "../history-error.ts";
import { pairOperations, type HistoryEvent, type Operation } from "../history.ts";

export interface SetCheckOptions {
  /** Whether a read must see all that was acknowledged before it was called; else it may be late. Default false. */
  readonly linearizable?: boolean;
}

export interface SetCheck {
  /** `unknown`: there was no read, or none after some acknowledged element. Not a pass. */
  readonly verdict: "ok" | "violation" | "unknown";
  /** How many elements clients tried to add, and of how many they heard that they are in. */
  readonly attempts: number;
  readonly acknowledged: number;
  /** Acknowledged or seen, and then missing for good. */
  readonly lost: readonly unknown[];
  /** Seen, though nobody added them, or the adding had failed. */
  readonly unexpected: readonly unknown[];
  /** Of unknown outcome, and seen. */
  readonly recovered: readonly unknown[];
  /** Missed by reads that were called after they were known to be in, and seen later. */
  readonly stale: readonly { readonly element: unknown; readonly longestMs: number }[];
  /** Twice in one read. */
  readonly duplicated: readonly unknown[];
  /** Acknowledged, and of no consequence, since no read was called later. */
  readonly unread: readonly unknown[];
  /** The verdict's reason, for people. */
  readonly explanation: string;
}

interface Element {
  readonly value: unknown;
  readonly add: Operation | undefined;
  /** When it was first known to be in: at an acknowledgement, or at a read that saw it. */
  knownNs: number;
  /** The last return of a read that saw it, and the last call of one that should have and did not. */
  seenNs: number;
  missedNs: number;
  /** Whether a read was called after it was known, or saw it. */
  read: boolean;
  twice: boolean;
}

/**
 * Whether a set that only grows kept what it acknowledged: operations `add`, each with an element of its own, and `read`,
 * which gives all elements as a list. End the run with a read after everything has come to rest: without, elements that
 * are gone for good cannot be told from late ones.
 * @throws HistoryError when the history breaks its format's rules, adds an element twice, or has several keys
 */
export function checkSet(history: readonly HistoryEvent[], options: SetCheckOptions = {}): SetCheck {
  checkOptionNames("checkSet", options, ["linearizable"]);
  const operations = pairOperations(history);
  const elements = addedElements(operations);
  const attempts = elements.size;
  const reads = operations
    .filter(({ f, outcome }) => f === "read" && outcome === "ok")
    .sort((a, b) => a.callNs - b.callNs);
  for (const read of reads) noteSeen(read, elements);
  for (const read of reads) noteMissed(read, elements);

  const all = [...elements.values()];
  const values = (chosen: (element: Element) => boolean): unknown[] => all.filter(chosen).map(({ value }) => value);
  const missed = ({ add, missedNs }: Element): boolean => add !== undefined && missedNs > 0;
  const isLost = (element: Element): boolean => missed(element) && element.missedNs > element.seenNs;
  const lost = values(isLost);
  const unexpected = values(({ add }) => add === undefined);
  const duplicated = values(({ twice }) => twice);
  const unread = values(({ add, read }) => add?.outcome === "ok" && !read);
  const stale = all
    .filter((element) => missed(element) && !isLost(element))
    .map(({ value, knownNs, missedNs }) => ({ element: value, longestMs: (missedNs - knownNs) / 1e6 }));

  const wrong = [
    ...told("lost", lost),
    ...told("unexpected", unexpected),
    ...told("twice in a read", duplicated),
    ...(options.linearizable === true
      ? told(
          "seen late",
          stale.map(({ element }) => element),
        )
      : []),
  ];
  const doubt = reads.length === 0 ? ["nobody read the set"] : told("read by nobody since", unread);
  const acknowledged = all.filter(({ add }) => add?.outcome === "ok").length;
  return {
    verdict: wrong.length > 0 ? "violation" : doubt.length > 0 ? "unknown" : "ok",
    attempts,
    acknowledged,
    lost,
    unexpected,
    recovered: values(({ add, seenNs }) => add?.outcome === "unknown" && seenNs >= 0),
    stale,
    duplicated,
    unread,
    explanation:
      [...wrong, ...doubt].join("; ") || `${reads.length} reads lost none of ${acknowledged} acknowledged elements`,
  };
}

const shown = 5;

function told(what: string, elements: readonly unknown[]): string[] {
  if (elements.length === 0) return [];
  const first = elements.slice(0, shown).map((element) => JSON.stringify(element));
  const others = elements.length > shown ? ` and ${elements.length - shown} more` : "";
  return [`${what}: ${first.join(", ")}${others}`];
}

function addedElements(operations: readonly Operation[]): Map<string, Element> {
  const elements = new Map<string, Element>();
  const [first] = operations;
  for (const operation of operations) {
    const { f, key, input, line, outcome, returnNs } = operation;
    if (key !== first?.key) throw new HistoryError(line, "a set has one key, or none");
    if (f === "read") continue;
    if (f !== "add") throw new HistoryError(line, `a set has add and read, and no function ${JSON.stringify(f)}`);
    const text = JSON.stringify(input);
    const before = elements.get(text);
    if (before !== undefined) throw new HistoryError(line, `adds ${text} as line ${before.add?.line} does`);
    elements.set(text, element(input, operation, outcome === "ok" ? returnNs : Infinity));
  }
  return elements;
}

function element(value: unknown, add: Operation | undefined, knownNs: number): Element {
  return { value, add, knownNs, seenNs: -1, missedNs: 0, read: false, twice: false };
}

function noteSeen({ line, output, returnNs }: Operation, elements: Map<string, Element>): void {
  if (!Array.isArray(output)) throw new HistoryError(line, `read gives a list (got ${JSON.stringify(output)})`);
  const here = new Set<string>();
  for (const value of output as readonly unknown[]) {
    const text = JSON.stringify(value);
    let found = elements.get(text);
    if (found === undefined) elements.set(text, (found = element(value, undefined, Infinity)));
    if (here.has(text)) found.twice = true;
    here.add(text);
    found.knownNs = Math.min(found.knownNs, returnNs);
    found.seenNs = Math.max(found.seenNs, returnNs);
    found.read = true;
  }
}

function noteMissed({ output, callNs }: Operation, elements: ReadonlyMap<string, Element>): void {
  const here = new Set((output as readonly unknown[]).map((value) => JSON.stringify(value)));
  for (const [text, found] of elements) {
    if (found.knownNs >= callNs) continue;
    found.read = true;
    if (here.has(text)) continue;
    found.missedNs = Math.max(found.missedNs, callNs);
  }
}
