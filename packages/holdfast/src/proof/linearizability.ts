import { checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import type { Clock } from "../runtime/index.ts";
import { explainOrder, explainViolation, type Violation } from "./explanation.ts";
import { pairOperations, type HistoryEvent, type Operation } from "./history.ts";
import { searchLinearization, type SearchLimits, type SearchResult } from "./linearizability-search.ts";
import type { Model, ModelRun } from "./model.ts";

export interface LinearizabilityOptions {
  /** Gives up after this time with the verdict `unknown`. Needs `clock`. Default: never. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Gives up on a key whose search has to remember more than this. Default 256 MiB. */
  readonly maxBytes?: number;
}

export interface LinearizabilityResult {
  /** `unknown` is no pass: the check ended early. */
  readonly verdict: "ok" | "violation" | "unknown";
  /** How many operations were checked: all but the failed ones. */
  readonly operations: number;
  /** The verdict's reason, for people. */
  readonly explanation: string;
  /** How many configurations the search went through: a measure of the history's difficulty. */
  readonly configurations: number;
  readonly violation?: Violation;
}

const timedOut: SearchResult = { outcome: "timeout", configurations: 0 };

/** Not much more than this is remembered only to explain in the model's own terms what is decided already. */
const explanationBytes = 256 * 1024;

function decide(
  model: Model,
  operations: readonly Operation[],
  limits: SearchLimits,
): { readonly run: ModelRun; readonly result: SearchResult } {
  for (const part of model.parts?.(operations) ?? []) {
    const run = model.start();
    const result = searchLinearization(run, part, limits);
    if (result.outcome === "none") return { run, result };
  }
  const run = model.startForeseeing?.() ?? model.start();
  const result = searchLinearization(run, operations, limits);
  if (result.outcome !== "none" || model.startForeseeing === undefined) return { run, result };
  const plain = model.start();
  const maxBytes = Math.min(limits.maxBytes, explanationBytes + 6 * (run.bytes ?? 0));
  const explained = searchLinearization(plain, operations, { ...limits, maxBytes });
  return explained.outcome === "none" ? { run: plain, result: explained } : { run, result };
}

function objectsOf(model: Model, operations: readonly Operation[]): Map<string | undefined, readonly Operation[]> {
  return model.spansKeys === true
    ? new Map([[undefined, operations]])
    : Map.groupBy(operations, (operation) => operation.key);
}

const defaultMaxBytes = 256 * 1024 * 1024;

/**
 * Whether one order of all operations explains what every client saw, each operation taking effect at one moment
 * between its call and its return (Herlihy and Wing, "Linearizability", 1990). Each key is checked by itself, which
 * decides the same question (their theorem 1; Horn and Kroening, "Faster linearizability checking via
 * P-compositionality", 2015).
 * @throws HistoryError when the history breaks its format's or the model's rules
 */
export function checkLinearizable(
  model: Model,
  history: readonly HistoryEvent[],
  options: LinearizabilityOptions = {},
): LinearizabilityResult {
  checkOptionNames("checkLinearizable", options, ["timeoutMs", "clock", "maxBytes"]);
  const { timeoutMs, clock, maxBytes = defaultMaxBytes } = options;
  if (timeoutMs !== undefined && !(timeoutMs > 0)) {
    throw new InvalidArgumentError("checkLinearizable.timeoutMs", "must be a number > 0", timeoutMs);
  }
  if (timeoutMs !== undefined && clock === undefined) {
    throw new InvalidArgumentError("checkLinearizable.clock", "must be given with timeoutMs", clock);
  }
  if (!(maxBytes > 0)) throw new InvalidArgumentError("checkLinearizable.maxBytes", "must be a number > 0", maxBytes);

  const operations = pairOperations(history);
  const deadline = clock !== undefined && timeoutMs !== undefined ? clock.now() + timeoutMs : undefined;
  const limits = { maxBytes, expired: () => deadline !== undefined && clock !== undefined && clock.now() >= deadline };

  let configurations = 0;
  let undecided: string | undefined;
  for (const [key, ofKey] of objectsOf(model, operations)) {
    const { run, result } = limits.expired() ? { run: model.start(), result: timedOut } : decide(model, ofKey, limits);
    configurations += result.configurations;
    if (result.outcome === "none") {
      const violation = violationOf(key, result, (state) => run.describe(state));
      const explanation = explainViolation(violation);
      return { verdict: "violation", operations: operations.length, explanation, configurations, violation };
    }
    if (result.outcome !== "found") {
      const bound = result.outcome === "timeout" ? `timeoutMs ${timeoutMs}` : `maxBytes ${maxBytes}`;
      undecided ??= `${key === undefined ? "the history" : `key ${JSON.stringify(key)}`} was not decided within ${bound}`;
    }
  }
  return {
    verdict: undecided === undefined ? "ok" : "unknown",
    operations: operations.length,
    explanation: undecided ?? explainOrder(operations),
    configurations,
  };
}

function violationOf(
  key: string | undefined,
  { deadEnds, longest }: Extract<SearchResult, { readonly outcome: "none" }>,
  describe: (state: number) => string,
): Violation {
  const [first] = deadEnds;
  if (first === undefined) throw new Error("a search that found no order met no dead end");
  const partialOrders = deadEnds.map(({ order, length, state }) => ({
    operations: order,
    length,
    state: describe(state),
  }));
  return { key, operation: first.blocked, partialOrders, longest };
}
