import { HistoryError } from "../history-error.ts";
import type { EventType, HistoryEvent } from "../history.ts";

/** An operation as Jepsen writes it, once its EDN is read. */
export interface JepsenOperation {
  readonly process?: unknown;
  readonly type?: unknown;
  readonly f?: unknown;
  readonly value?: unknown;
  /** Nanoseconds; the older files and the logs have none. */
  readonly time?: unknown;
}

const eventTypes: readonly EventType[] = ["invoke", "ok", "fail", "info"];

/** Every event has a name of its own in memory otherwise. */
const maxSharedNames = 1000;

/** Turns Jepsen's operations into events; undefined for those of no client. */
export type JepsenEvents = (operation: JepsenOperation, line: number) => HistoryEvent | undefined;

/**
 * To Jepsen's checkers an operation's place in the history is its time. So times that stand still or go back are
 * moved on by the nanosecond that keeps the order.
 */
export function jepsenEvents(): JepsenEvents {
  let lastNs = -1;
  const names = new Map<string, string>();

  function shared(name: string): string {
    const known = names.get(name);
    if (known !== undefined) return known;
    if (names.size < maxSharedNames) names.set(name, name);
    return name;
  }

  return ({ process, type, f, value, time }, line) => {
    if (process === undefined) throw broken(line, ":process", "must be there", process);
    if (typeof process !== "number") return undefined;
    if (!isCount(process)) throw broken(line, ":process", "must be an integer >= 0", process);
    const known = eventTypes.find((candidate) => candidate === type);
    if (known === undefined) throw broken(line, ":type", "must be :invoke, :ok, :fail or :info", type);
    if (typeof f !== "string" || f === "") throw broken(line, ":f", "must be a name", f);
    if (time !== undefined && time !== null && !Number.isSafeInteger(time)) {
      throw broken(line, ":time", "must be an integer", time);
    }
    lastNs = Math.max(lastNs + 1, typeof time === "number" ? time : 0);
    return { process, type: known, f: shared(f), value: result(known, f, value ?? null), timeNs: lastNs, line };
  };
}

/** Of a compare-and-set that succeeded Jepsen repeats the arguments. */
function result(type: unknown, f: string, value: unknown): unknown {
  if (type !== "ok" || f !== "cas") return value;
  return isTuple(value) && Array.isArray(value[1]) ? [value[0], true] : true;
}

/** Jepsen's independent keys: `[key value]`. */
export function isTuple(value: unknown): value is readonly [unknown, unknown] {
  return Array.isArray(value) && value.length === 2 && (typeof value[0] !== "object" || value[0] === null);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function broken(line: number, field: string, rule: string, value: unknown): HistoryError {
  return new HistoryError(line, `${field} ${rule} (got ${JSON.stringify(value)?.slice(0, 80) ?? "nothing"})`);
}
