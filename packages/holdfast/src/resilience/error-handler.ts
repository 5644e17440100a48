import { checkFunction, checkInteger, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import type { AnyFailure, Classify } from "../errors/index.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import { chooserOf, type ChooseStrategy, type ErrorStrategy, type StrategyTable } from "./error-strategy.ts";
import { checkOperationRules, GuardedOperation, type Judge, type OperationRules } from "./guarded-operation.ts";
import type { CallContext, ExecuteOptions, Operation } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { RetriesExhaustedError } from "./retry-error.ts";
import { isRejection } from "./retryable.ts";

export interface ErrorHandlerOptions {
  /** What turns an error into a failure of a kind: `classify` of `holdfast/errors`, or one of `createClassifier`. */
  readonly classify: Classify;
  /** A table, or a function that says it of each failure. Rows left out are those of `errorStrategies`. */
  readonly strategies?: Partial<StrategyTable> | ChooseStrategy;
  /** How operations are protected, by name. */
  readonly operations?: Readonly<Record<string, OperationRules>>;
  /** How operations are protected that have no rules of their own. */
  readonly otherOperations?: OperationRules;
  /** How many operations are remembered: an integer >= 1, default 1 000. The one unused longest is forgotten first. */
  readonly maxOperations?: number;
  readonly onEvent?: (event: ErrorHandledEvent) => void;
  readonly name?: string;
  readonly clock?: Clock;
}

/** How a call ended. `strategy` is what ended it: `none` for a call that succeeded at once. */
export type Handled<T> = HandledValue<T> | HandledFailure;

interface HandledCall {
  readonly strategy: ErrorStrategy;
  /** How often the operation was called; 0 when a policy turned the call away. */
  readonly attempts: number;
  readonly durationMs: number;
}

export interface HandledValue<T> extends HandledCall {
  readonly ok: true;
  readonly value: T;
  /** What the fallback answered for; undefined for the operation's own value. */
  readonly failure: AnyFailure | undefined;
}

export interface HandledFailure extends HandledCall {
  readonly ok: false;
  readonly failure: AnyFailure;
}

export interface ErrorHandledEvent extends PolicyEvent {
  readonly type: "errorHandled";
  readonly operation: string;
  readonly ok: boolean;
  readonly strategy: ErrorStrategy;
  readonly attempts: number;
  readonly durationMs: number;
  readonly failure: AnyFailure;
}

export interface ErrorHandler {
  /**
   * Runs an operation and does what its failures call for.
   *
   * @throws the signal's reason when the caller gave up; nothing else
   */
  run<T>(name: string, operation: Operation<T>, options?: ExecuteOptions): Promise<Handled<T>>;
  /** As `run`, but gives the value, or throws the failure. */
  execute<T>(name: string, operation: Operation<T>, options?: ExecuteOptions): Promise<T>;
  /** The policies of an operation, and whether it is confined or limited now. */
  operation(name: string): GuardedOperation;
  /** How many calls with a failure each strategy has ended. */
  readonly metrics: Readonly<Record<ErrorStrategy, number>>;
}

export const errorHandlerDefaults: { readonly maxOperations: 1_000 } = { maxOperations: 1_000 };

/**
 * Owns operations: runs each by name, classifies what it throws, and carries out what the failure calls for.
 *
 * What may go away is retried. Anything else, and what is left when the tries are used up, is handled by severity, as
 * `errorStrategies` says: critical failures trip the operation's breaker, high ones are answered by its fallback, after
 * medium ones it is confined to its bulkhead, and after low ones held to its time limit, until it succeeds again. What a
 * policy turned away is answered by the fallback as well, if there is one.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const handler = createErrorHandler({ classify, operations: { prices: { fallback: () => lastKnownPrices } } });
 * const handled = await handler.run("prices", ({ signal }) => fetchPrices({ signal }));
 * if (!handled.ok) log.error(handled.failure.message, errorContext(handled.failure));
 */
export function createErrorHandler(options: ErrorHandlerOptions): ErrorHandler {
  const { classify, operations: rules = {}, otherOperations = {}, onEvent, name: policy = "" } = checked(options);
  const { maxOperations = errorHandlerDefaults.maxOperations, clock = systemClock } = options;
  const choose = chooserOf(options.strategies);
  const operations = new Map<string, GuardedOperation>();
  const metrics: Record<ErrorStrategy, number> = {
    retry: 0,
    circuitBreaker: 0,
    fallback: 0,
    bulkhead: 0,
    timeout: 0,
    none: 0,
  };
  const failures = new WeakMap<object, AnyFailure>();
  const judge: Judge = {
    strategyOf: (error, triesLeft) => choose(judge.failureOf(error), triesLeft),
    failureOf: (error) => {
      if (typeof error !== "object" || error === null) return classify(error);
      let failure = failures.get(error);
      if (failure === undefined) {
        failure = classify(error);
        failures.set(error, failure);
      }
      return failure;
    },
  };
  // Rules that cannot be kept are refused now, not at the first call.
  for (const [name, own] of Object.entries(rules)) void new GuardedOperation(name, withClock(own, clock), judge);
  void new GuardedOperation("", withClock(otherOperations, clock), judge);

  function operationOf(name: string): GuardedOperation {
    if (typeof name !== "string" || name === "") {
      throw new InvalidArgumentError("errorHandler.name", "must be the operation's name", name);
    }
    const known = operations.get(name);
    const operation =
      known ??
      new GuardedOperation(name, withClock(Object.hasOwn(rules, name) ? rules[name] : otherOperations, clock), judge);
    // The map keeps the order of use.
    if (known !== undefined) operations.delete(name);
    operations.set(name, operation);
    if (operations.size > maxOperations) operations.delete(operations.keys().next().value as string);
    return operation;
  }

  function ended<Outcome extends Handled<unknown>>(operation: string, outcome: Outcome): Outcome {
    const { failure, ok, strategy, attempts, durationMs } = outcome;
    if (failure === undefined) return outcome;
    metrics[strategy]++;
    if (hears(onEvent, "errorHandled")) {
      const at = clock.wallTime();
      publish(onEvent, { type: "errorHandled", at, policy, operation, ok, strategy, attempts, durationMs, failure });
    }
    return outcome;
  }

  async function run<T>(name: string, operation: Operation<T>, execution: ExecuteOptions = {}): Promise<Handled<T>> {
    if (typeof operation !== "function") {
      throw new InvalidArgumentError("errorHandler.operation", "must be a function", operation);
    }
    const guarded = operationOf(name);
    const startedAt = clock.now();
    let attempts = 0;
    const facts = (): { attempts: number; durationMs: number } => ({ attempts, durationMs: clock.now() - startedAt });
    const counted = (context: CallContext): PromiseLike<T> | T => {
      attempts++;
      return operation(context);
    };
    try {
      const value = await guarded.run(counted, execution);
      return { ok: true, value, failure: undefined, strategy: attempts > 1 ? "retry" : "none", ...facts() };
    } catch (error) {
      throwIfGivenUp(execution);
      const exhausted = error instanceof RetriesExhaustedError;
      const failure = judge.failureOf(exhausted ? error.cause : error);
      const chosen = isRejection(error) ? turnedAway(error, guarded) : choose(failure, !exhausted);
      if (chosen === "bulkhead") guarded.confined = true;
      if (chosen === "timeout") guarded.limited = true;
      if (chosen !== "fallback" || guarded.fallback === undefined) {
        return ended(name, { ok: false, failure, strategy: chosen === "fallback" ? "none" : chosen, ...facts() });
      }
      try {
        const context = { signal: execution.signal ?? new AbortController().signal, attempt: attempts + 1 };
        const value = (await guarded.fallback(failure, context)) as T;
        return ended(name, { ok: true, value, failure, strategy: "fallback", ...facts() });
      } catch (error) {
        throwIfGivenUp(execution);
        return ended(name, { ok: false, failure: judge.failureOf(error), strategy: "fallback", ...facts() });
      }
    }
  }

  return {
    run,
    execute: async (name, operation, execution) => {
      const handled = await run(name, operation, execution);
      if (handled.ok) return handled.value;
      throw handled.failure;
    },
    operation: operationOf,
    get metrics() {
      return { ...metrics };
    },
  };
}

function throwIfGivenUp({ signal }: ExecuteOptions): void {
  if (signal?.aborted === true) throw signal.reason;
}

function turnedAway(error: unknown, { fallback }: GuardedOperation): ErrorStrategy {
  if (fallback !== undefined) return "fallback";
  return String((error as { readonly code?: unknown }).code).startsWith("BULKHEAD") ? "bulkhead" : "circuitBreaker";
}

/** One clock for all policies of a handler. */
function withClock(rules: OperationRules = {}, clock: Clock): OperationRules {
  const { retry, circuitBreaker, bulkhead, timeout } = rules;
  return {
    ...rules,
    retry: { clock, ...retry },
    circuitBreaker: { clock, ...circuitBreaker },
    bulkhead: { clock, ...bulkhead },
    timeout: { clock, ...timeout },
  };
}

function checked(options: ErrorHandlerOptions): ErrorHandlerOptions {
  const known = [
    "classify",
    "strategies",
    "operations",
    "otherOperations",
    "maxOperations",
    "onEvent",
    "name",
    "clock",
  ];
  checkOptionNames("createErrorHandler", options, known);
  if (typeof options.classify !== "function") {
    throw new InvalidArgumentError("createErrorHandler.classify", "must be a function", options.classify);
  }
  checkFunction("createErrorHandler.onEvent", options.onEvent);
  const { maxOperations = errorHandlerDefaults.maxOperations, operations = {}, otherOperations = {} } = options;
  checkInteger("createErrorHandler.maxOperations", maxOperations, 1);
  checkOptionNames("createErrorHandler.operations", operations, Object.keys(operations));
  for (const [name, rules] of Object.entries(operations)) {
    checkOperationRules(`createErrorHandler.operations.${name}`, rules);
  }
  checkOperationRules("createErrorHandler.otherOperations", otherOperations);
  return options;
}
