import { systemClock, type Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { checkFunction, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import type { CallContext, Operation, Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { ResilienceError } from "./resilience-error.ts";
import { policyOf, type Next, type Stage } from "./stage.ts";

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

/** What can be changed of a fallback while it runs. */
export interface FallbackUpdate<F> extends Pick<FallbackOptions, "on" | "onResult"> {
  readonly target?: FallbackFunction<F> | F;
}

/** What can be changed of a chain while it runs. */
export interface FallbackChainUpdate<F> extends Pick<FallbackOptions, "on" | "onResult"> {
  readonly targets?: readonly (FallbackFunction<F> | F)[];
}

/** Counts since the policy was made. */
export interface FallbackMetrics {
  /** Failures that were answered. */
  readonly used: number;
  /** Failures that nothing had an answer to. */
  readonly failed: number;
}

/** An intersection, not an extension: pipelines read off it what it may answer. */
export type FallbackPolicy<F> = Policy<F> & {
  readonly metrics: FallbackMetrics;
  /**
   * Changes what is given, for calls from now on; calls under way keep what they began with.
   * @throws InvalidArgumentError, changing nothing
   */
  update(options: FallbackUpdate<F>): void;
};

export type FallbackChainPolicy<F> = Policy<F> & {
  readonly metrics: FallbackMetrics;
  /** As of `fallback`; the list of targets is replaced as a whole. @throws InvalidArgumentError, changing nothing */
  update(options: FallbackChainUpdate<F>): void;
};

export const fallbackDefaults: { readonly name: string } = { name: "" };

/** Neither the operation nor any fallback had an answer; `cause` is the operation's failure. */
export class FallbackFailedError extends ResilienceError {
  static override readonly brand: string = "FallbackFailedError";

  /** The operation's failure, then that of each target in order. */
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    const message = `the operation failed and ${errors.length === 2 ? "its fallback" : `${errors.length - 1} fallbacks`} too`;
    super(message, { name: "FallbackFailedError", code: "FALLBACK_FAILED", kind: "system", cause: errors[0] });
    this.errors = errors;
  }
}

/** What a fallback is told when `onResult` refused a result. */
export class ResultRefusedError extends ResilienceError {
  static override readonly brand: string = "ResultRefusedError";

  readonly result: unknown;

  constructor(result: unknown) {
    super("the operation's result was refused", {
      name: "ResultRefusedError",
      code: "RESULT_REFUSED",
      kind: "business",
    });
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
export function fallback<F>(target: FallbackFunction<F>, options?: FallbackOptions): FallbackPolicy<F>;
export function fallback<F>(target: F, options?: FallbackOptions): FallbackPolicy<F>;
export function fallback<F>(target: FallbackFunction<F> | F, options: FallbackOptions = {}): FallbackPolicy<F> {
  const stage = new FallbackStage("fallback", [asFunction(target)], options);
  const update = (changes: FallbackUpdate<F>): void => {
    checkOptionNames("fallback", changes, ["target", "on", "onResult"]);
    // A target that is there and undefined is the answer undefined.
    stage.update("target" in changes ? [asFunction(changes.target)] : undefined, changes);
  };
  return {
    ...policyOf<F>(stage, { kind: "fallback", name: stage.name }),
    get metrics() {
      return stage.metrics();
    },
    update,
  };
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
): FallbackChainPolicy<TargetResult<Targets[number]>> {
  type Result = TargetResult<Targets[number]>;
  const stage = new FallbackStage("fallbackChain", asFunctions(targets), options);
  const update = (changes: FallbackChainUpdate<Result>): void => {
    checkOptionNames("fallbackChain", changes, ["targets", "on", "onResult"]);
    stage.update(changes.targets === undefined ? undefined : asFunctions(changes.targets), changes);
  };
  const description = {
    kind: "fallbackChain",
    name: stage.name,
    get options() {
      return { targets: stage.settings.targets.length };
    },
  };
  return {
    ...policyOf<Result>(stage, description),
    get metrics() {
      return stage.metrics();
    },
    update,
  };
}

/** A fallback that asks another operation, if wanted through a policy of its own. */
export function redirect<T, F = never>(operation: Operation<T>, policy?: Policy<F>): FallbackFunction<T | F> {
  checkFunction("redirect.operation", operation);
  if (policy === undefined) return (_error, context) => operation(context);
  return (_error, context) => policy.execute(operation, { signal: context.signal });
}

function asFunction(target: unknown): FallbackFunction<unknown> {
  return typeof target === "function" ? (target as FallbackFunction<unknown>) : () => target;
}

function asFunctions(targets: readonly unknown[]): readonly FallbackFunction<unknown>[] {
  if (!Array.isArray(targets) || targets.length === 0) {
    throw new InvalidArgumentError("fallbackChain.targets", "must be a list of at least one", targets);
  }
  return targets.map(asFunction);
}

interface Settings extends Pick<FallbackOptions, "on" | "onResult"> {
  readonly targets: readonly FallbackFunction<unknown>[];
}

class FallbackStage implements Stage {
  /** Replaced as a whole: a call keeps those that it began with. */
  settings: Settings;
  used = 0;
  failed = 0;
  readonly name: string;
  readonly #kind: string;
  readonly #onEvent: FallbackOptions["onEvent"];
  readonly #clock: Clock;

  constructor(kind: string, targets: Settings["targets"], options: FallbackOptions) {
    checkOptionNames(kind, options, ["on", "onResult", "onEvent", "name", "clock"]);
    checkFunction(`${kind}.onEvent`, options.onEvent);
    this.#kind = kind;
    this.#onEvent = options.onEvent;
    this.name = options.name ?? fallbackDefaults.name;
    this.#clock = options.clock ?? systemClock;
    this.settings = this.#checked(targets, options);
  }

  update(targets: Settings["targets"] | undefined, changes: Pick<FallbackOptions, "on" | "onResult">): void {
    this.settings = this.#checked(targets ?? this.settings.targets, { ...this.settings, ...changes });
  }

  metrics(): FallbackMetrics {
    return { used: this.used, failed: this.failed };
  }

  run(call: Call, next: Next): Promise<unknown> {
    const { settings } = this;
    const { onResult } = settings;
    return next(call).then(
      onResult === undefined
        ? undefined
        : (result) => {
            if (!onResult(result) || call.aborted) return result;
            return this.#answer(call, new ResultRefusedError(result), settings);
          },
      (error: unknown) => {
        if ((settings.on !== undefined && !settings.on(error)) || call.aborted) throw error;
        return this.#answer(call, error, settings);
      },
    );
  }

  #checked(targets: Settings["targets"], { on, onResult }: Pick<FallbackOptions, "on" | "onResult">): Settings {
    checkFunction(`${this.#kind}.on`, on);
    checkFunction(`${this.#kind}.onResult`, onResult);
    return { targets, ...(on === undefined ? {} : { on }), ...(onResult === undefined ? {} : { onResult }) };
  }

  async #answer(call: Call, failure: unknown, { targets }: Settings): Promise<unknown> {
    const errors = [failure];
    for (const [at, target] of targets.entries()) {
      try {
        const value = await target(errors.at(-1), call);
        this.used++;
        if (hears(this.#onEvent, "fallbackUsed")) {
          publish(this.#onEvent, { type: "fallbackUsed", ...this.#origin(), error: failure, target: at });
        }
        return value;
      } catch (error) {
        // Whoever gave the call up does not want the next target asked.
        if (call.aborted) throw error;
        errors.push(error);
      }
    }
    this.failed++;
    if (hears(this.#onEvent, "fallbackFailed")) {
      publish(this.#onEvent, { type: "fallbackFailed", ...this.#origin(), errors });
    }
    throw new FallbackFailedError(errors);
  }

  #origin(): { readonly at: number; readonly policy: string } {
    return { at: this.#clock.wallTime(), policy: this.name };
  }
}
