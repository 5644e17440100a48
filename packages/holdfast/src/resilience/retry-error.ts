import { HoldfastError } from "../errors/base.ts";
import { ResilienceError } from "./resilience-error.ts";

/** What there was not enough of for another try. */
export type RetryLimit = "attempts" | "elapsed" | "budget" | "schedule";

/** The operation failed in every try it was given; `cause` is the last failure. Not retried by another retry outside. */
export class RetriesExhaustedError extends ResilienceError {
  static override readonly brand: string = "RetriesExhaustedError";

  /** How often the operation was called. */
  readonly attempts: number;
  /** `attempts`: `maxAttempts`; `elapsed`: `maxElapsedMs`; `budget`: the retry budget; `schedule`: the backoff ended. */
  readonly reason: RetryLimit;
  /** What the tries threw, in order; at most the last 32. Tries whose result was refused are not among them. */
  readonly errors: readonly unknown[];

  constructor(policy: string, attempts: number, reason: RetryLimit, errors: readonly unknown[]) {
    const cause = errors.at(-1);
    const who = policy === "" ? "" : `${policy}: `;
    const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
    super(`${who}no success after ${tries} (limit: ${reason})${cause instanceof Error ? `: ${cause.message}` : ""}`, {
      name: "RetriesExhaustedError",
      code: "RETRIES_EXHAUSTED",
      kind: HoldfastError.is(cause) ? cause.kind : "system",
      cause,
    });
    this.attempts = attempts;
    this.reason = reason;
    this.errors = errors;
  }

  override toJSON(): Record<string, unknown> {
    return {
      ...super.toJSON(),
      attempts: this.attempts,
      reason: this.reason,
      errors: this.errors.map((error) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))),
    };
  }
}
