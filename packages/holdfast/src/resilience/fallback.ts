import { systemClock, type Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { checkKnown, fn } from "./check-options.ts";
import { InvalidArgumentError } from "../errors/index.ts";
import type { CallContext, Operation, Policy } from "./policy.ts";
import { publish, type PolicyEvent } from "./policy-event.ts";
import { ResilienceError } from "./resilience-error.ts";
import { policyOf } from "./stage.ts";

/** Makes an answer out of a failure; `context.signal` is the call's. What it throws is its own failure. */
export type FallbackFunction<F> = (error: unknown, context: CallContext) => PromiseLike<F> | F;

export type FallbackEvent =
  | (PolicyEvent & { readonly type: "fallbackUsed"; readonly error: unknown; readonly target: number })
  | (PolicyEvent & { readonly type: "fallbackFailed"; readonly errors: readonly unknown[] });

export interface FallbackOptions {
  /** Whether this failure is answered; others pass through. Default: every one. */
  readonly on?: (error: unknown) => boolean;
  /** Whether this result is as bad as a failure; its error is a `ResultRefusedError`. Default: none is. */
  readonly onResult?: (result: unknown) => boolean;
  readonly onEvent?: (event: FallbackEvent) => void;
  /** Names the policy in its events. Default "". */
  readonly name?: string;
  /** Default the system's. */
  readonly clock?: Clock;
}

export const fallbackDefaults: { readonly name: string } = { name: "" };

/** Neither the operation nor any fallback had an answer; `cause` is the operation's failure. */
export class FallbackFailedError extends ResilienceError {
  /** The operation's failure, then that of each target in order. */
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    const message = `the operation failed and ${errors.length === 2 ? "its fallback" : `${errors.length - 1} fallbacks`} too`;
    super(message, { code: "FALLBACK_FAILED", kind: "system", cause: errors[0] });
    this.errors = errors;
  }
}

/** What a fallback is told when `onResult` refused a result. */
export class ResultRefusedError extends ResilienceError {
  readonly result: unknown;

  constructor(result: unknown) {
    super("the operation's result was refused", { code: "RESULT_REFUSED", kind: "business" });
    this.result = result;
  }
}

/**
 * Answers with a value, or with what a function makes of the failure, when the operation fails for good. Belongs
 * outermost, so that an open breaker and a full bulkhead are answered too. A call that was given up is not answered.
 *
 * A value that is itself a function is given as `() => value`.
 *
 * @throws FallbackFailedError when the function fails as well
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const popular = fallback((error, { signal }) => readPopularItems({ signal }));
 * const items = await popular.execute(() => recommend(user));
 */
export function fallback<F>(target: FallbackFunction<F>, options?: FallbackOptions): Policy<F>;
export function fallback<F>(target: F, options?: FallbackOptions): Policy<F>;
export function fallback<F>(target: FallbackFunction<F> | F, options: FallbackOptions = {}): Policy<F> {
  return chained("fallback", [asFunction(target)], options);
}

/** What each target of a chain may answer. */
type TargetResult<Target> = Target extends (...args: never[]) => infer Result ? Awaited<Result> : Target;

/**
 * Several fallbacks in order: each is told the failure of the one before it, and the first answer counts.
 *
 * @throws FallbackFailedError when all of them fail
 * @throws InvalidArgumentError for an empty list, and for options that break their rules
 * @example
 * fallbackChain([redirect(askReplica), () => readCache(), []]);
 */
export function fallbackChain<const Targets extends readonly unknown[]>(
  targets: Targets,
  options: FallbackOptions = {},
): Policy<TargetResult<Targets[number]>> {
  if (!Array.isArray(targets) || targets.length === 0) {
    throw new InvalidArgumentError("fallbackChain.targets", "must be a list of at least one", targets);
  }
  return chained<TargetResult<Targets[number]>>("fallbackChain", targets.map(asFunction), options);
}

/** A fallback that asks another operation, if wanted through a policy of its own. */
export function redirect<T, F = never>(operation: Operation<T>, policy?: Policy<F>): FallbackFunction<T | F> {
  fn("redirect.operation", operation);
  if (policy === undefined) return (_error, context) => operation(context);
  return (_error, context) => policy.execute(operation, { signal: context.signal });
}

function asFunction(target: unknown): FallbackFunction<unknown> {
  return typeof target === "function" ? (target as FallbackFunction<unknown>) : () => target;
}

function chained<F>(kind: string, targets: readonly FallbackFunction<unknown>[], options: FallbackOptions): Policy<F> {
  checkKnown(kind, options, ["on", "onResult", "onEvent", "name", "clock"]);
  const { on, onResult, onEvent, name = fallbackDefaults.name, clock = systemClock } = options;
  fn(`${kind}.on`, on);
  fn(`${kind}.onResult`, onResult);
  fn(`${kind}.onEvent`, onEvent);

  const answer = async (call: Call, failure: unknown): Promise<unknown> => {
    const errors = [failure];
    for (const [at, target] of targets.entries()) {
      try {
        const value = await target(errors.at(-1), call);
        if (onEvent !== undefined) {
          publish(onEvent, { type: "fallbackUsed", at: clock.wallTime(), policy: name, error: failure, target: at });
        }
        return value;
      } catch (error) {
        // Whoever gave the call up does not want the next target asked.
        if (call.aborted) throw error;
        errors.push(error);
      }
    }
    if (onEvent !== undefined) {
      publish(onEvent, { type: "fallbackFailed", at: clock.wallTime(), policy: name, errors });
    }
    throw new FallbackFailedError(errors);
  };

  const failed = (call: Call, error: unknown): Promise<unknown> => {
    if ((on !== undefined && !on(error)) || call.aborted) return Promise.reject(error);
    return answer(call, error);
  };

  return policyOf<F>(
    {
      run: (call, next) =>
        next(call).then(
          onResult === undefined
            ? undefined
            : (result) => (onResult(result) && !call.aborted ? answer(call, new ResultRefusedError(result)) : result),
          (error: unknown) => failed(call, error),
        ),
    },
    { kind, name },
  );
}
