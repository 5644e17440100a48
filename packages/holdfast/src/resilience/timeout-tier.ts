import type { CallContext } from "./policy.ts";
import type { RetryLaterOptions } from "./retry-later.ts";
import type { TimeoutError } from "./timeout-error.ts";

/** What a tier does when the last try ran out of time. */
export type TierFallback<Answer> =
  /** Rejects with the last timeout. */
  | { readonly strategy: "immediateError" }
  /** Tries once more with a longer limit, milliseconds; default three times the tier's `timeoutMs`. */
  | { readonly strategy: "bestEffort"; readonly timeoutMs?: number }
  /** Answers something lesser. */
  | {
      readonly strategy: "gracefulDegradation";
      readonly degraded: (error: TimeoutError, context: CallContext) => PromiseLike<Answer> | Answer;
    }
  /** Waits in a queue and is tried again later, in order of arrival; see `RetryLaterOptions`. */
  | ({ readonly strategy: "queueAndRetry" } & Partial<RetryLaterOptions>);

/** How long one kind of operation may take, and what follows when it takes longer. */
export interface TimeoutTier<Answer = never> {
  /** Limit of the first try: milliseconds >= 0. */
  readonly timeoutMs: number;
  /** Tries after the first, of operations that ran out of time; other failures are not retried here. Integer >= 0. */
  readonly retries: number;
  /** Each try's limit is the one before times this: >= 1. */
  readonly multiplier: number;
  /** Default: immediateError. */
  readonly fallback?: TierFallback<Answer>;
}

/** The tiers that are there unless others of their name are given; `default` serves types that nobody named. */
export const timeoutTiers: {
  readonly database: TimeoutTier;
  readonly externalApi: TimeoutTier;
  readonly cache: TimeoutTier;
  readonly default: TimeoutTier;
} = {
  database: { timeoutMs: 5_000, retries: 2, multiplier: 2 },
  externalApi: { timeoutMs: 10_000, retries: 3, multiplier: 1.5 },
  cache: { timeoutMs: 100, retries: 1, multiplier: 1 },
  default: { timeoutMs: 10_000, retries: 0, multiplier: 1 },
};

export const queueAndRetryDefaults: RetryLaterOptions = {
  maxQueue: 100,
  delayMs: 1_000,
  maxDelayMs: 30_000,
  maxAttempts: 3,
};
