import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";

export interface TxnComparison {
  readonly key: string;
  readonly target: "value" | "createRevision" | "modRevision" | "version";
  readonly result: "equal" | "notEqual" | "greater" | "less";
  readonly operand: unknown;
}

export interface TxnOperation {
  readonly f: "put" | "get" | "del";
  readonly key: string;
  readonly value: unknown;
}

export interface TxnPlan {
  readonly compare: readonly TxnComparison[];
  readonly success: readonly TxnOperation[];
  readonly failure: readonly TxnOperation[];
}

const targets: ReadonlySet<unknown> = new Set<TxnComparison["target"]>([
  "value",
  "createRevision",
  "modRevision",
  "version",
]);
const results: ReadonlySet<unknown> = new Set<TxnComparison["result"]>(["equal", "notEqual", "greater", "less"]);
const functions: ReadonlySet<unknown> = new Set<TxnOperation["f"]>(["put", "get", "del"]);

/**
 * The arguments of a `txn`: `{ compare: [[key, target, result, operand], …], success: [["put", key, value], …],
 * failure: … }`.
 * @throws HistoryError for anything else
 */
export function readTxn({ input, line }: Operation): TxnPlan {
  const { compare = [], success = [], failure = [] } = (input ?? {}) as Readonly<Record<string, unknown>>;
  return {
    compare: list(compare, "compare", line).map((part) => {
      const [key, target, result, operand = null] = part;
      if (typeof key !== "string" || !targets.has(target) || !results.has(result)) throw broken("compare", part, line);
      return { key, target, result, operand } as TxnComparison;
    }),
    success: operations(success, "success", line),
    failure: operations(failure, "failure", line),
  };
}

function operations(value: unknown, field: string, line: number): TxnOperation[] {
  return list(value, field, line).map((part) => {
    const [f, key, argument = null] = part;
    if (!functions.has(f) || typeof key !== "string") throw broken(field, part, line);
    return { f, key, value: argument } as TxnOperation;
  });
}

function list(value: unknown, field: string, line: number): unknown[][] {
  if (Array.isArray(value) && value.every((part) => Array.isArray(part))) return value;
  throw broken(field, value, line);
}

function broken(field: string, value: unknown, line: number): HistoryError {
  const rule = field === "compare" ? "[key, target, result, operand]" : '["put" | "get" | "del", key, value]';
  return new HistoryError(line, `txn.${field} must be a list of ${rule} (got ${JSON.stringify(value)})`);
}
