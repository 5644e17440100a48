import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../errors/base.ts";
import { systemClock, type Clock } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import type { ExecuteOptions, Operation, Policy } from "./policy.ts";
import { hears, publish, type PolicyEvent } from "./policy-event.ts";
import { RetryLater, type RetryLaterOptions } from "./retry-later.ts";
import { policyOf, type Next, type Stage } from "./stage.ts";
import { TimedCall, type TimeLimit } from "./timed-call.ts";
import type { TimeoutError } from "./timeout-error.ts";
import { queueAndRetryDefaults, timeoutTiers, type TierFallback, type TimeoutTier } from "./timeout-tier.ts";
import { wheelOf, type TimerWheel } from "./timer-wheel.ts";

export interface TieredTimeoutOptions<Answer> {
  /** Tiers by type of operation, besides or instead of `timeoutTiers`. */
  readonly tiers?: Readonly<Record<string, TimeoutTier<Answer>>>;
  readonly onEvent?: (event: TieredTimeoutEvent) => void;
  readonly name?: string;
  readonly clock?: Clock;
}

export interface TieredTimeoutEvent extends PolicyEvent {
  /** A try ran out of time; or the last one did, and the tier's strategy takes over. */
  readonly type: "tierTimedOut" | "tierExhausted";
  readonly tier: string;
  readonly strategy: TierFallback<unknown>["strategy"];
  readonly timeoutMs: number;
  readonly attempt: number;
}

export interface TierMetrics {
  /** Tries that ran out of time. */
  readonly timedOut: number;
  /** Calls whose last try did. */
  readonly exhausted: number;
  /** Calls that wait to be tried again. */
  readonly queued: number;
}

export interface TieredTimeout<Answer> extends Disposable {
  readonly name: string;
  /** @throws what the policy of `type` throws */
  execute<T>(type: string, operation: Operation<T>, options?: ExecuteOptions): Promise<T | Answer>;
  /** The policy of a type, for pipelines; types without a tier of their own share the default one's. */
  policy(type: string): Policy<Answer>;
  /** By the tiers' names. */
  readonly metrics: Readonly<Record<string, TierMetrics>>;
  /** Gives calls that wait to be tried again their timeout; later ones are not queued any more. */
  close(): void;
}

/**
 * Timeouts by type of operation: each type has its limit, its retries with growing limits, and its strategy for when they
 * are used up.
 *
 * @throws InvalidArgumentError for tiers out of range
 * @example
 * const limits = tieredTimeout({
 *   tiers: { search: { timeoutMs: 800, retries: 1, multiplier: 2, fallback: { strategy: "bestEffort" } } },
 * });
 * const rows = await limits.execute("database", ({ signal }) => query("select 1", { signal }));
 */
export function tieredTimeout<Answer = never>(options: TieredTimeoutOptions<Answer> = {}): TieredTimeout<Answer> {
  checkOptionNames("tieredTimeout", options, ["tiers", "onEvent", "name", "clock"]);
  checkFunction("tieredTimeout.onEvent", options.onEvent);
  const stages = new Map<string, TierStage>();
  const policies = new Map<string, Policy<Answer>>();
  for (const [type, tier] of Object.entries<TimeoutTier<unknown>>({ ...timeoutTiers, ...options.tiers })) {
    checkTier(`tieredTimeout.tiers.${type}`, tier);
    const stage = new TierStage(type, tier, options);
    stages.set(type, stage);
    policies.set(type, policyOf<Answer>(stage, { kind: "tieredTimeout", name: type, options: { ...tier } }));
  }
  const policy = (type: string): Policy<Answer> => policies.get(type) ?? (policies.get("default") as Policy<Answer>);
  const close = (): void => {
    for (const stage of stages.values()) stage.later?.close();
  };
  return {
    name: options.name ?? "",
    execute: (type, operation, options) => policy(type).execute(operation, options),
    policy,
    get metrics() {
      return Object.fromEntries([...stages].map(([type, stage]) => [type, stage.metrics()]));
    },
    close,
    [Symbol.dispose]: close,
  };
}

class TierStage implements Stage, TimeLimit {
  readonly name: string;
  readonly wheel: TimerWheel;
  readonly timesCalls = false;
  readonly later: RetryLater | undefined;
  readonly #tier: TimeoutTier<unknown>;
  readonly #fallback: TierFallback<unknown>;
  readonly #policy: string;
  readonly #clock: Clock;
  readonly #onEvent: ((event: TieredTimeoutEvent) => void) | undefined;
  #timedOut = 0;
  #exhausted = 0;

  constructor(type: string, tier: TimeoutTier<unknown>, options: TieredTimeoutOptions<unknown>) {
    this.name = type;
    this.#tier = tier;
    this.#fallback = tier.fallback ?? { strategy: "immediateError" };
    this.#policy = options.name ?? "";
    this.#clock = options.clock ?? systemClock;
    this.#onEvent = options.onEvent;
    this.wheel = wheelOf(this.#clock);
    const fallback = this.#fallback;
    if (fallback.strategy === "queueAndRetry") this.later = new RetryLater(type, laterOptions(fallback), this.wheel);
  }

  run(call: Call, next: Next): Promise<unknown> {
    return this.#try(call, next, 1);
  }

  metrics(): TierMetrics {
    return { timedOut: this.#timedOut, exhausted: this.#exhausted, queued: this.later?.size ?? 0 };
  }

  onTimedOut(timed: TimedCall): void {
    this.#timedOut++;
    this.#tell("tierTimedOut", timed.limitMs, timed.attempt);
  }

  onLate(_timed: TimedCall, outcome: "fulfilled" | "rejected", result: unknown): void {
    if (outcome === "fulfilled") discardResult(result);
  }

  #try(call: Call, next: Next, attempt: number): Promise<unknown> {
    const { timeoutMs, multiplier, retries } = this.#tier;
    const timed = new TimedCall(this, call, timeoutMs * multiplier ** (attempt - 1), true, attempt);
    return timed.run(next).then(undefined, (error: unknown) => {
      // Only what ran out of time here is this policy's business.
      if (error !== timed.error || timed.error === undefined) throw error;
      return attempt <= retries ? this.#try(call, next, attempt + 1) : this.#exhaust(call, next, timed.error, timed);
    });
  }

  #exhaust(call: Call, next: Next, error: TimeoutError, last: TimedCall): unknown {
    const fallback = this.#fallback;
    this.#exhausted++;
    this.#tell("tierExhausted", last.limitMs, last.attempt);
    const limited = (attempt: number, limitMs: number): Promise<unknown> =>
      new TimedCall(this, call, limitMs, true, attempt).run(next);
    let attempt = last.attempt;
    switch (fallback.strategy) {
      case "immediateError":
        throw error;
      case "bestEffort":
        return limited(attempt + 1, fallback.timeoutMs ?? 3 * this.#tier.timeoutMs);
      case "gracefulDegradation":
        return fallback.degraded(error, call);
      default:
        return (this.later as RetryLater).add(call, error, () => limited(++attempt, last.limitMs));
    }
  }

  #tell(type: TieredTimeoutEvent["type"], timeoutMs: number, attempt: number): void {
    if (!hears(this.#onEvent, type)) return;
    publish<TieredTimeoutEvent>(this.#onEvent, {
      type,
      at: this.#clock.wallTime(),
      policy: this.#policy,
      tier: this.name,
      strategy: this.#fallback.strategy,
      timeoutMs,
      attempt,
    });
  }
}

function checkTier(name: string, tier: TimeoutTier<unknown>): void {
  checkOptionNames(name, tier, ["timeoutMs", "retries", "multiplier", "fallback"]);
  checkNumber(`${name}.timeoutMs`, tier.timeoutMs, 0);
  checkInteger(`${name}.retries`, tier.retries, 0);
  checkNumber(`${name}.multiplier`, tier.multiplier, 1);
  const fallback = tier.fallback;
  if (fallback === undefined) return;
  if (typeof fallback !== "object" || fallback === null) {
    throw new InvalidArgumentError(`${name}.fallback`, "must be an object", fallback);
  }
  const at = `${name}.fallback`;
  checkOneOf(`${at}.strategy`, fallback.strategy, [
    "immediateError",
    "bestEffort",
    "gracefulDegradation",
    "queueAndRetry",
  ]);
  if (fallback.strategy === "bestEffort") {
    checkOptionNames(at, fallback, ["strategy", "timeoutMs"]);
    if (fallback.timeoutMs !== undefined) checkNumber(`${at}.timeoutMs`, fallback.timeoutMs, 0);
  } else if (fallback.strategy === "gracefulDegradation") {
    checkOptionNames(at, fallback, ["strategy", "degraded"]);
    if (typeof fallback.degraded !== "function") {
      throw new InvalidArgumentError(`${at}.degraded`, "must be a function", fallback.degraded);
    }
  } else if (fallback.strategy === "queueAndRetry") {
    checkOptionNames(at, fallback, ["strategy", ...Object.keys(queueAndRetryDefaults)]);
    const { maxQueue, delayMs, maxDelayMs, maxAttempts } = laterOptions(fallback);
    checkInteger(`${at}.maxQueue`, maxQueue, 1);
    checkNumber(`${at}.delayMs`, delayMs, 1);
    checkNumber(`${at}.maxDelayMs`, maxDelayMs, delayMs);
    checkInteger(`${at}.maxAttempts`, maxAttempts, 1);
  } else checkOptionNames(at, fallback, ["strategy"]);
}

function laterOptions(fallback: Partial<RetryLaterOptions>): RetryLaterOptions {
  const defaults = queueAndRetryDefaults;
  return {
    maxQueue: fallback.maxQueue ?? defaults.maxQueue,
    delayMs: fallback.delayMs ?? defaults.delayMs,
    maxDelayMs: fallback.maxDelayMs ?? defaults.maxDelayMs,
    maxAttempts: fallback.maxAttempts ?? defaults.maxAttempts,
  };
}
