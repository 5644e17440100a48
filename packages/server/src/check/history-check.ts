import {
  checkLinearizable,
  models,
  type HistoryEvent,
  type IsolationLevel,
  type ModelName,
  type Operation,
  type PartialOrder,
} from "holdfast/proof";
import type { Clock } from "holdfast/runtime";
import { usageError } from "../cli/exit.ts";
import type { Highlight } from "./page-data.ts";

export interface HistoryCheckOptions {
  /** Undefined: the model's own. */
  readonly initial: unknown;
  /** Undefined: the check's own. */
  readonly level: IsolationLevel | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** What a check says of a history, for programs, for people and for the page. */
export interface HistoryCheckResult {
  readonly verdict: "ok" | "violation" | "unknown";
  readonly operations: number;
  readonly explanation: string;
  /** What the document has beside it, by kind of check. */
  readonly more: Readonly<Record<string, unknown>>;
  /** The line of the operation that fits nowhere. */
  readonly violationLine?: number;
  readonly highlights: readonly Highlight[];
}

/** @throws HistoryError, and InvalidArgumentError or ExitError (usage) for an option that it does not take */
export type HistoryCheck = (events: readonly HistoryEvent[], options: HistoryCheckOptions) => HistoryCheckResult;

/** Whether there is an order of the operations, each at one moment within its call, that the model explains. */
export function linearizable(name: ModelName): HistoryCheck {
  return (events, options) => {
    noLevel(name, options);
    const { initial, timeoutMs, clock } = options;
    const model = models[name](initial === undefined ? {} : { initial });
    const result = checkLinearizable(model, events, { timeoutMs, clock });
    const { verdict, operations, explanation, violation } = result;
    if (violation === undefined) return { verdict, operations, explanation, more: {}, highlights: [] };
    const { key, operation, partialOrders, longest } = violation;
    return {
      verdict,
      operations,
      explanation,
      more: {
        violation: {
          ...(key === undefined ? {} : { key }),
          operation: brief(operation),
          partialOrders: partialOrders.map((order) => ({
            operations: order.operations.map(({ line }) => line),
            length: order.length,
            state: order.state,
          })),
        },
      },
      violationLine: operation.line,
      highlights: partialOrders.map((order, index) =>
        highlight(order, index, index === 0 ? longest.slice(-maxMarked) : order.operations),
      ),
    };
  };
}

/** @throws ExitError (usage) */
export function noInitial(name: string, { initial }: HistoryCheckOptions): void {
  if (initial !== undefined) throw usageError(`--init means nothing to ${name}`);
}

/** @throws ExitError (usage) */
export function noLevel(name: string, { level }: HistoryCheckOptions): void {
  if (level !== undefined) throw usageError(`--level means nothing to ${name}`);
}

function brief({ line, process, f, input, output }: Operation): object {
  return { line, process, f, input, output: output ?? null };
}

/** Of the longest order the page has more than the explanation: what can still be told apart. */
const maxMarked = 100;

function highlight({ length, state }: PartialOrder, index: number, operations: readonly Operation[]): Highlight {
  const lines = operations.map(
    ({ f, input, output, outcome, line }, at) =>
      `${at + 1}. ${f}(${shown(input)}) -> ${outcome === "ok" ? JSON.stringify(output) : "unknown"} (line ${line})`,
  );
  const part =
    operations.length < length
      ? `The last ${operations.length} of ${length} operations in one of the longest orders.`
      : `One of the longest orders.`;
  return {
    title: `order ${index + 1}: leaves ${state.slice(0, 60)}`,
    detail: `${part} It leaves ${state}, after which the violation cannot follow.\n${lines.join("\n")}`,
    lines: operations.map(({ line }) => line),
  };
}

function shown(value: unknown): string {
  return value === null ? "" : JSON.stringify(value);
}
