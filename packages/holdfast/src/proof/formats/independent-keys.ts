import { HistoryError } from "../history-error.ts";
import type { HistoryEvent } from "../history.ts";
import { isTuple } from "./jepsen-operation.ts";

/** Whether every call names a key: all are tuples, and one at least could not be a plain value of its function. */
export function hasIndependentKeys(events: readonly HistoryEvent[]): boolean {
  let telling = false;
  for (const { type, f, key, value } of events) {
    if (type !== "invoke") continue;
    if (key !== undefined || !isTuple(value)) return false;
    if (f === "cas" && !Array.isArray(value[1])) return false;
    telling ||= value[1] === null || f === "cas";
  }
  return telling;
}

/** Takes the keys out of `[key value]`. @throws HistoryError for a call that has none, or an answer of another key */
export function splitIndependentKeys(events: HistoryEvent[]): void {
  const keyOf = new Map<number, string>();
  for (const [index, event] of events.entries()) {
    const { process, type, value } = event;
    const line = event.line ?? index + 1;
    const tuple = isTuple(value) ? value : undefined;
    if (type === "invoke") {
      if (tuple === undefined) throw new HistoryError(line, `value must be [key value] (got ${JSON.stringify(value)})`);
      keyOf.set(process, nameOf(tuple[0]));
    }
    const key = keyOf.get(process);
    if (key === undefined) continue;
    const same = tuple !== undefined && nameOf(tuple[0]) === key;
    if (type === "ok" && !same) {
      throw new HistoryError(line, `value must be [key value] of key ${key} (got ${JSON.stringify(value)})`);
    }
    events[index] = { ...event, key, value: same ? tuple[1] : value };
  }
}

function nameOf(key: unknown): string {
  return typeof key === "string" ? key : JSON.stringify(key);
}
