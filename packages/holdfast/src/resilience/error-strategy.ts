import { checkOneOf, checkOptionNames } from "../errors/base.ts";
import type { AnyFailure } from "../errors/index.ts";
import { severityOf, type Severity } from "../errors/base.ts";

/**
 * What is done about a failure.
 * - `retry`: the operation is tried again
 * - `circuitBreaker`: the failure counts against the operation's breaker, which turns calls away when there are too many
 * - `fallback`: the operation's fallback answers
 * - `bulkhead`: the operation is confined to its bulkhead until it succeeds again
 * - `timeout`: the operation is held to its time limit until it succeeds again
 * - `none`: the failure is passed on
 */
export type ErrorStrategy = "retry" | "circuitBreaker" | "fallback" | "bulkhead" | "timeout" | "none";

/** One strategy for what may go away by itself; for anything else, and when the tries are used up, one a severity. */
export type StrategyTable = Readonly<Record<"transient" | Severity, ErrorStrategy>>;

/** Says it itself, of each failure; `triesLeft` is false once the tries are used up. */
export type ChooseStrategy = (failure: AnyFailure, triesLeft: boolean) => ErrorStrategy;

export const errorStrategies: StrategyTable = {
  transient: "retry",
  critical: "circuitBreaker",
  high: "fallback",
  medium: "bulkhead",
  low: "timeout",
};

const words: readonly ErrorStrategy[] = ["retry", "circuitBreaker", "fallback", "bulkhead", "timeout", "none"];

/** @throws InvalidArgumentError for a table with other rows, or other strategies */
export function chooserOf(given: Partial<StrategyTable> | ChooseStrategy | undefined): ChooseStrategy {
  if (typeof given === "function") return given;
  const name = "createErrorHandler.strategies";
  checkOptionNames(name, given ?? {}, Object.keys(errorStrategies));
  const table = { ...errorStrategies, ...given };
  for (const [row, strategy] of Object.entries(table)) checkOneOf(`${name}.${row}`, strategy, words);
  return (failure, triesLeft) => {
    if (failure.retryable && triesLeft) return table.transient;
    const strategy = table[severityOf(failure)];
    return strategy === "retry" && !triesLeft ? "none" : strategy;
  };
}
