import type { HistoryEvent } from "holdfast/proof";

/** A group of operations that the page can point out: an order that was tried, an anomaly. */
export interface Highlight {
  readonly title: string;
  readonly detail: string;
  /** The lines of the operations' invocations, in the order in which they are numbered. */
  readonly lines: readonly number[];
}

/** What the page shows, a column a property: it stands in the page as JSON. */
export interface PageData {
  /** What times count: milliseconds on the history's clock, or events where it has none. */
  readonly unit: "ms" | "events";
  /** The first call's time. */
  readonly start: number;
  /** How many operations the history has; the page may have fewer. */
  readonly total: number;
  readonly functions: readonly string[];
  readonly keys: readonly string[];
  readonly process: readonly number[];
  /** Indices into `functions`. */
  readonly f: readonly number[];
  /** Indices into `keys`; -1 for none. */
  readonly key: readonly number[];
  readonly line: readonly number[];
  readonly from: readonly number[];
  /** -1 where nobody knows. */
  readonly to: readonly number[];
  /** 0 ok, 1 failed, 2 unknown. */
  readonly outcome: readonly number[];
  readonly input: readonly string[];
  readonly output: readonly string[];
  /** The operation that fits nowhere; -1 for none. */
  readonly violation: number;
  readonly highlights: readonly {
    readonly title: string;
    readonly detail: string;
    readonly operations: readonly number[];
  }[];
}

export interface PageDataOptions {
  /** The line of the violation's operation. */
  readonly violationLine?: number;
  readonly highlights?: readonly Highlight[];
  /** Default 20 000: those nearest to the violation, of its key first. */
  readonly maxOperations?: number;
}

const defaultMaxOperations = 20_000;
const maxValueLength = 2000;

interface Shown {
  readonly process: number;
  readonly f: string;
  readonly key: string | undefined;
  readonly line: number;
  readonly fromNs: number;
  readonly input: unknown;
  toNs: number;
  outcome: 0 | 1 | 2;
  output: unknown;
}

export function pageData(events: readonly HistoryEvent[], options: PageDataOptions = {}): PageData {
  const all = pair(events);
  const shown = select(
    all,
    options.violationLine,
    options.highlights?.[0]?.lines[0],
    options.maxOperations ?? defaultMaxOperations,
  );
  const indexOf = new Map(shown.map(({ line }, index) => [line, index]));
  const functions = [...new Set(shown.map(({ f }) => f))];
  const keys = [...new Set(shown.flatMap(({ key }) => key ?? []))].sort(byNumberThenText);
  const functionIndex = new Map(functions.map((f, index) => [f, index]));
  const keyIndex = new Map(keys.map((key, index) => [key, index]));
  const startNs = shown.reduce((start, { fromNs }) => Math.min(start, fromNs), Number.POSITIVE_INFINITY);
  // Readers of formats without times count the events instead.
  const lastNs = events.reduce((last, { timeNs }) => Math.max(last, timeNs), 0);
  const unit = lastNs <= 2 * events.length ? "events" : "ms";
  const timeOf = (ns: number): number => (unit === "ms" ? ns / 1e6 : ns);
  return {
    unit,
    start: shown.length === 0 ? 0 : timeOf(startNs),
    total: all.length,
    functions,
    keys,
    process: shown.map(({ process }) => process),
    f: shown.map(({ f }) => functionIndex.get(f) ?? 0),
    key: shown.map(({ key }) => (key === undefined ? -1 : (keyIndex.get(key) ?? -1))),
    line: shown.map(({ line }) => line),
    from: shown.map(({ fromNs }) => timeOf(fromNs)),
    to: shown.map(({ toNs, outcome }) => (outcome === 2 ? -1 : timeOf(toNs))),
    outcome: shown.map(({ outcome }) => outcome),
    input: shown.map(({ input }) => text(input)),
    output: shown.map(({ output }) => text(output)),
    violation: indexOf.get(options.violationLine ?? -1) ?? -1,
    highlights: (options.highlights ?? []).map(({ title, detail, lines }) => ({
      title,
      detail,
      operations: lines.flatMap((line) => indexOf.get(line) ?? []),
    })),
  };
}

/** All operations in the order of their calls, those that failed, too. The history was checked before. */
function pair(events: readonly HistoryEvent[]): Shown[] {
  const open = new Map<number, Shown>();
  const operations: Shown[] = [];
  for (const [index, { process, type, f, key, value, timeNs, line = index + 1 }] of events.entries()) {
    if (type === "invoke") {
      const called: Shown = {
        process,
        f,
        key,
        line,
        fromNs: timeNs,
        input: value,
        toNs: timeNs,
        outcome: 2,
        output: null,
      };
      open.set(process, called);
      operations.push(called);
      continue;
    }
    const called = open.get(process);
    if (called === undefined) continue;
    called.output = value;
    called.toNs = timeNs;
    called.outcome = ({ ok: 0, fail: 1, info: 2 } as const)[type];
  }
  return operations;
}

function select(
  all: readonly Shown[],
  violationLine: number | undefined,
  markedLine: number | undefined,
  most: number,
): readonly Shown[] {
  if (all.length <= most) return all;
  const violation = all.find(({ line }) => line === violationLine);
  const candidates = violation === undefined ? all : all.filter(({ key }) => key === violation.key);
  const place = candidates.findIndex(({ line }) => line === (violationLine ?? markedLine));
  // What came before explains more than what came after.
  const start = Math.max(0, Math.min(place - Math.floor(most * 0.75), candidates.length - most));
  return candidates.slice(start, start + most);
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "";
  const json = JSON.stringify(value);
  return json.length > maxValueLength ? `${json.slice(0, maxValueLength)}…` : json;
}

function byNumberThenText(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (!Number.isNaN(difference) && difference !== 0) return difference;
  return a < b ? -1 : Number(a > b);
}
