import { HistoryError } from "./history-error.ts";

/**
 * What happened to an operation: it was called, it took effect (`ok`), it certainly did not (`fail`), or nobody knows
 * (`info`: it may take effect at any later time, or never).
 */
export type EventType = "invoke" | "ok" | "fail" | "info";

/** One line of a history. */
export interface HistoryEvent {
  /** Who acts; one operation at a time, and none after an `info`. An integer >= 0. */
  readonly process: number;
  readonly type: EventType;
  /** The function, as the model names it: `read`, `put`, … */
  readonly f: string;
  /** Which object, where a history has several. */
  readonly key?: string;
  /** The arguments on `invoke`, the result on `ok`, a reason or null otherwise. Any JSON. */
  readonly value: unknown;
  /** Nanoseconds since the history's start, on one clock for all processes. A safe integer. */
  readonly timeNs: number;
  /** Its line in the file it was read from; without one, its position in the history stands for it. */
  readonly line?: number;
}

/** A call and how it ended; one that failed is none. */
export interface Operation {
  readonly process: number;
  readonly f: string;
  readonly key: string | undefined;
  readonly input: unknown;
  /** Undefined when the outcome is unknown. */
  readonly output: unknown;
  readonly outcome: "ok" | "unknown";
  readonly callNs: number;
  /** Infinity when the outcome is unknown. */
  readonly returnNs: number;
  /** The invocation's line, or its position in the history, from 1. */
  readonly line: number;
}

const eventTypes: ReadonlySet<unknown> = new Set<EventType>(["invoke", "ok", "fail", "info"]);

/** Reads JSON lines. @throws HistoryError naming the line, the field, the rule and the value */
export function parseHistory(text: string): HistoryEvent[] {
  const lines = text.split("\n");
  while (lines.at(-1)?.trim() === "") lines.pop();
  return lines.map((line, index) => parseHistoryLine(line, index + 1));
}

/** Writes JSON lines, each ended by a line feed. */
export function formatHistory(events: Iterable<HistoryEvent>): string {
  let text = "";
  for (const { line: _, ...event } of events) text += `${JSON.stringify(event)}\n`;
  return text;
}

/** Reads one event. @throws HistoryError */
export function parseHistoryLine(text: string, line: number): HistoryEvent {
  let event: unknown;
  try {
    event = parseJson(text);
  } catch (cause) {
    throw new HistoryError(line, `must be one JSON object (got ${JSON.stringify(text.slice(0, 40))})`, { cause });
  }
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw new HistoryError(line, "must be one JSON object");
  }
  const { process, type, f, key, value, timeNs } = event as { readonly [field in keyof HistoryEvent]?: unknown };
  if (!isCount(process)) throw broken(line, "process", "must be an integer >= 0", process);
  if (!eventTypes.has(type)) throw broken(line, "type", "must be invoke, ok, fail or info", type);
  if (typeof f !== "string" || f === "") throw broken(line, "f", "must be a name", f);
  if (key !== undefined && typeof key !== "string") throw broken(line, "key", "must be a string", key);
  if (value === undefined) throw broken(line, "value", "must be there, null for none", value);
  if (!isCount(timeNs)) throw broken(line, "timeNs", "must be an integer >= 0", timeNs);
  return { process, type: type as EventType, f, ...(key === undefined ? {} : { key }), value, timeNs };
}

const longNumber: RegExp = /\d{16}/;

/** An integer that a number cannot hold stays text: two that differ must not become equal. */
function parseJson(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text) as unknown;
  const exact = (_: string, value: unknown, { source = "" }: { readonly source?: string } = {}): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;
  return JSON.parse(text, exact) as unknown;
}

/**
 * Pairs each invocation with its completion, in the order of invocation. An operation that never completed, or
 * completed with `info`, has an unknown outcome; one that failed is left out, because it did not happen.
 * @throws HistoryError when a process overlaps itself, completes what it did not invoke, goes on after an unknown
 *   outcome, or goes back in time
 */
export function pairOperations(events: readonly HistoryEvent[]): Operation[] {
  const open = new Map<number, { readonly invoke: HistoryEvent; readonly line: number }>();
  const retired = new Set<number>();
  const lastNs = new Map<number, number>();
  const operations: Operation[] = [];
  for (const [index, event] of events.entries()) {
    const line = event.line ?? index + 1;
    const pending = open.get(event.process);
    if (retired.has(event.process)) {
      throw new HistoryError(line, `process ${event.process} goes on after an unknown outcome`);
    }
    if (event.type === "invoke") {
      if (pending !== undefined) {
        throw new HistoryError(line, `process ${event.process} still waits for the operation of line ${pending.line}`);
      }
      if (event.timeNs < (lastNs.get(event.process) ?? 0)) {
        const rule = `must not be before the process's last completion, ${lastNs.get(event.process)}`;
        throw broken(line, "timeNs", rule, event.timeNs);
      }
      open.set(event.process, { invoke: event, line });
      continue;
    }
    if (pending === undefined) {
      throw new HistoryError(line, `process ${event.process} completes an operation it did not invoke`);
    }
    checkCompletion(pending.invoke, event, line);
    if (event.type === "info") {
      retired.add(event.process);
      continue;
    }
    open.delete(event.process);
    lastNs.set(event.process, event.timeNs);
    if (event.type === "ok") operations.push(operation(pending.invoke, pending.line, event));
  }
  for (const { invoke, line } of open.values()) operations.push(operation(invoke, line, undefined));
  return operations.sort((a, b) => a.line - b.line);
}

function checkCompletion(invoke: HistoryEvent, completion: HistoryEvent, line: number): void {
  if (completion.f !== invoke.f) {
    throw new HistoryError(line, `process ${invoke.process} invoked ${invoke.f} and completes ${completion.f}`);
  }
  if (completion.key !== undefined && completion.key !== invoke.key) {
    throw broken(line, "key", `must be the invocation's, ${JSON.stringify(invoke.key)}`, completion.key);
  }
  if (completion.timeNs < invoke.timeNs) {
    throw broken(line, "timeNs", `must not be before the invocation's, ${invoke.timeNs}`, completion.timeNs);
  }
}

function operation(invoke: HistoryEvent, line: number, ok: HistoryEvent | undefined): Operation {
  return {
    process: invoke.process,
    f: invoke.f,
    key: invoke.key,
    input: invoke.value,
    output: ok?.value,
    outcome: ok === undefined ? "unknown" : "ok",
    callNs: invoke.timeNs,
    returnNs: ok?.timeNs ?? Number.POSITIVE_INFINITY,
    line,
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function broken(line: number, field: string, rule: string, value: unknown): HistoryError {
  return new HistoryError(line, `${field} ${rule} (got ${JSON.stringify(value) ?? "nothing"})`);
}
