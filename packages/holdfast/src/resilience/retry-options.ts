import {
  checkFunction,
  checkInteger,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  InvalidArgumentError,
} from "../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../runtime/system.ts";
import { exponentialBackoff } from "./backoff.ts";
import { jitters, type Jitter } from "./jitter.ts";
import type { PolicyEvent } from "./policy-event.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { RetryLimit } from "./retry-error.ts";
import { toSchedule, type Schedule, type ScheduleLike } from "./schedule.ts";

export interface RetryOptions {
  /** How often the operation is called at most, the first time included: an integer >= 1. Default 3. */
  readonly maxAttempts?: number;
  /** How long to wait before each further try. Default exponential: 100 ms, 200 ms, 400 ms, … */
  readonly backoff?: ScheduleLike;
  /** How the waits are spread. Default "full": of all it makes the callers of a troubled service least alike. */
  readonly jitter?: Jitter;
  /** No wait is longer, whatever jitter or the other side says; milliseconds >= 0. Default 30 000. */
  readonly maxDelayMs?: number;
  /** No try begins so long after the execution began; milliseconds >= 0. Running tries are not cut. Default Infinity. */
  readonly maxElapsedMs?: number;
  /** Whether an error is worth another try. Default `isRetryable`. */
  readonly retryOn?: (error: unknown, attempt: number) => boolean;
  /** Whether a result is as bad as a failure. One that is given up on is the result. Default: none is. */
  readonly retryOnResult?: (result: unknown) => boolean;
  /** How long the other side asks to wait, of an error or a refused result; milliseconds. Default `retryAfter`. */
  readonly delayFrom?: (failure: unknown) => number | undefined;
  /** What further tries are taken from; share one among all policies that call the same service. Default: none. */
  readonly budget?: RetryBudget;
  /** Whether to try again what a policy inside turned away (CIRCUIT_OPEN, BULKHEAD_FULL, …). Default false. */
  readonly retryRejections?: boolean;
  readonly onEvent?: (event: RetryEvent) => void;
  readonly name?: string;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** A try failed, or its result was refused (`error` is undefined then), and another will follow. */
export interface RetryingEvent extends PolicyEvent {
  readonly type: "retry";
  /** The try that failed: 1, 2, … */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

export interface RecoveredEvent extends PolicyEvent {
  readonly type: "recovered";
  /** How many tries it took; at least 2. */
  readonly attempts: number;
  /** From the end of the first try to the success: what retrying has added to the call. */
  readonly retryingMs: number;
}

export interface RetriesExhaustedEvent extends PolicyEvent {
  readonly type: "retriesExhausted";
  readonly attempts: number;
  readonly reason: RetryLimit;
  readonly error: unknown;
  /** From the end of the first try to the end of the last. */
  readonly retryingMs: number;
}

export type RetryEvent = RetryingEvent | RecoveredEvent | RetriesExhaustedEvent;

export const retryDefaults: {
  readonly maxAttempts: number;
  readonly backoff: Schedule;
  readonly jitter: Jitter;
  readonly maxDelayMs: number;
  readonly maxElapsedMs: number;
  readonly retryRejections: boolean;
} = {
  maxAttempts: 3,
  backoff: exponentialBackoff(),
  jitter: "full",
  maxDelayMs: 30_000,
  maxElapsedMs: Infinity,
  retryRejections: false,
};

export const retryOptionNames: readonly (keyof RetryOptions)[] = [
  "maxAttempts",
  "backoff",
  "jitter",
  "maxDelayMs",
  "maxElapsedMs",
  "retryOn",
  "retryOnResult",
  "delayFrom",
  "budget",
  "retryRejections",
  "onEvent",
  "name",
  "clock",
  "random",
];

/** Checked options: an execution keeps those it began with. */
export interface RetrySettings {
  readonly maxAttempts: number;
  readonly schedule: Schedule;
  readonly jitter: Jitter;
  readonly maxDelayMs: number;
  readonly maxElapsedMs: number;
  readonly retryRejections: boolean;
  readonly retryOn: RetryOptions["retryOn"];
  readonly retryOnResult: RetryOptions["retryOnResult"];
  readonly delayFrom: RetryOptions["delayFrom"];
  readonly budget: RetryBudget | undefined;
  readonly onEvent: RetryOptions["onEvent"];
  readonly name: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Whether anything depends on when the execution began. */
  readonly timed: boolean;
}

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkRetryOptions(options: RetryOptions): RetrySettings {
  checkOptionNames("retry", options, retryOptionNames);
  const {
    maxAttempts = retryDefaults.maxAttempts,
    backoff = retryDefaults.backoff,
    jitter = retryDefaults.jitter,
    maxDelayMs = retryDefaults.maxDelayMs,
    maxElapsedMs = retryDefaults.maxElapsedMs,
    retryRejections = retryDefaults.retryRejections,
    clock = systemClock,
    random = systemRandom,
    name = "",
    budget,
    ...callbacks
  } = options;
  checkInteger("retry.maxAttempts", maxAttempts, 1, Infinity);
  checkOneOf("retry.jitter", jitter, jitters);
  checkNumber("retry.maxDelayMs", maxDelayMs, 0);
  checkNumber("retry.maxElapsedMs", maxElapsedMs, 0, Infinity);
  if (maxAttempts === Infinity && maxElapsedMs === Infinity) {
    throw new InvalidArgumentError("retry.maxAttempts", "must be finite unless maxElapsedMs is", Infinity);
  }
  for (const [option, callback] of Object.entries(callbacks)) checkFunction(`retry.${option}`, callback);
  if (budget !== undefined && typeof budget?.tryWithdraw !== "function") {
    throw new InvalidArgumentError("retry.budget", "must be a retryBudget()", budget);
  }
  if (typeof retryRejections !== "boolean") {
    throw new InvalidArgumentError("retry.retryRejections", "must be true or false", retryRejections);
  }
  const schedule = toSchedule("retry.backoff", backoff);
  return {
    maxAttempts,
    schedule,
    jitter,
    maxDelayMs,
    maxElapsedMs,
    retryRejections,
    retryOn: callbacks.retryOn,
    retryOnResult: callbacks.retryOnResult,
    delayFrom: callbacks.delayFrom,
    onEvent: callbacks.onEvent,
    budget,
    name,
    clock,
    random,
    timed: schedule.timed || maxElapsedMs !== Infinity,
  };
}
