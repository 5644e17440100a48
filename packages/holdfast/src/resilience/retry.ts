import { checkOptionNames } from "../errors/base.ts";
import { policyOf } from "./stage.ts";
import type { Policy } from "./policy.ts";
import { checkRetryOptions, retryOptionNames, type RetryOptions } from "./retry-options.ts";
import { RetryStage } from "./retry-stage.ts";

/** Counts since the policy was made. Calls that succeed at once are not counted. */
export interface RetryMetrics {
  /** Further tries, over all calls. */
  readonly retries: number;
  /** Calls that succeeded after further tries. */
  readonly recovered: number;
  /** Calls that ran out of tries, time, budget or schedule. */
  readonly exhausted: number;
}

export interface RetryPolicy extends Policy {
  readonly metrics: RetryMetrics;
  /**
   * Changes the options given, for calls that start from now on; calls under way keep theirs.
   *
   * @throws InvalidArgumentError, changing nothing
   */
  update(options: RetryOptions): void;
}

/**
 * Calls an operation again when it fails in a way that may go away.
 *
 * An error that is not worth another try is passed on as it is, from whichever try it comes. One that is, but for which
 * no try is left, becomes the `cause` of a RetriesExhaustedError that has the errors of all tries. A refused result for
 * which no try is left is the result. An abort of the caller ends the wait at once.
 *
 * Between tries the process is kept alive. A wait of no length is a turn of the event loop, not a timer.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const patient = retry({ maxAttempts: 5, backoff: exponentialBackoff({ baseMs: 200 }), maxDelayMs: 10_000 });
 * const answer = await patient.execute(({ signal }) => fetch("http://127.0.0.1:8080/", { signal }));
 */
export function retry(options: RetryOptions = {}): RetryPolicy {
  let given = options;
  const stage = new RetryStage(checkRetryOptions(options));
  const policy = policyOf<never>(stage, {
    kind: "retry",
    get name() {
      return stage.settings.name;
    },
    get options() {
      const { maxAttempts, jitter, maxDelayMs, maxElapsedMs, retryRejections } = stage.settings;
      return { maxAttempts, jitter, maxDelayMs, maxElapsedMs, retryRejections };
    },
  });
  return Object.defineProperties(policy, {
    metrics: {
      enumerable: true,
      get: (): RetryMetrics => ({ retries: stage.retries, recovered: stage.recovered, exhausted: stage.exhausted }),
    },
    update: {
      enumerable: true,
      value: (changes: RetryOptions): void => {
        checkOptionNames("retry", changes, retryOptionNames);
        const merged = { ...given, ...changes };
        stage.settings = checkRetryOptions(merged);
        given = merged;
      },
    },
  }) as typeof policy & RetryPolicy;
}
