import type { ToldError } from "./told-error.ts";

interface AttemptFactOf {
  /** The `name` of the policy that tells. */
  readonly policy: string;
}

/** A try has failed, and another will follow. */
export interface Retrying extends AttemptFactOf {
  readonly type: "retry";
  /** The try that failed: 1, 2, … */
  readonly attempt: number;
  readonly delayMs: number;
  /** Null for a result that was refused. */
  readonly error: ToldError | null;
}

/** A call has succeeded after further tries. */
export interface Recovered extends AttemptFactOf {
  readonly type: "recovered";
  readonly attempts: number;
  /** From the end of the first try to the success. */
  readonly retryingMs: number;
}

/** A call has failed in every try that it was given. */
export interface RetriesExhausted extends AttemptFactOf {
  readonly type: "retriesExhausted";
  readonly attempts: number;
  readonly reason: "attempts" | "elapsed" | "budget" | "schedule";
  /** Null for a result that was refused. */
  readonly error: ToldError | null;
  /** From the end of the first try to the end of the last. */
  readonly retryingMs: number;
}

/** A call has taken too long. */
export interface TimedOut extends AttemptFactOf {
  readonly type: "timedOut";
  readonly timeoutMs: number;
  readonly attempt: number;
  readonly mode: "abandoning" | "cooperative";
}

/** What was abandoned at its timeout has ended after all. */
export interface LateOutcome extends AttemptFactOf {
  readonly type: "lateOutcome";
  readonly outcome: "fulfilled" | "rejected";
  readonly durationMs: number;
  readonly attempt: number;
}

interface TierFactOf extends AttemptFactOf {
  readonly tier: string;
  readonly strategy: "immediateError" | "bestEffort" | "gracefulDegradation" | "queueAndRetry";
  readonly timeoutMs: number;
  readonly attempt: number;
}

/** A try of a tier's operation has taken too long. */
export interface TierTimedOut extends TierFactOf {
  readonly type: "tierTimedOut";
}

/** The last one has, and the tier's strategy takes over. */
export interface TierExhausted extends TierFactOf {
  readonly type: "tierExhausted";
}

interface HedgeFactOf extends AttemptFactOf {
  /** 2 for the first hedge. */
  readonly attempt: number;
  readonly delayMs: number;
}

/** A call is slow: another attempt was started beside it. */
export interface Hedged extends HedgeFactOf {
  readonly type: "hedged";
}

/** A call is slow, and the budget has refused another attempt. */
export interface HedgeRefused extends HedgeFactOf {
  readonly type: "hedgeRefused";
}

/** A hedge was faster than the first attempt. */
export interface HedgeWon extends HedgeFactOf {
  readonly type: "hedgeWon";
}

/** An error handler has dealt with a failure. */
export interface ErrorHandled extends AttemptFactOf {
  readonly type: "errorHandled";
  readonly operation: string;
  /** Whether the caller got a value. */
  readonly ok: boolean;
  /** What ended the call. */
  readonly strategy: "retry" | "circuitBreaker" | "fallback" | "bulkhead" | "timeout" | "none";
  readonly attempts: number;
  readonly durationMs: number;
  readonly failure: ToldError;
}

/** How calls were tried, and what became of them. */
export type AttemptFact =
  | Retrying
  | Recovered
  | RetriesExhausted
  | TimedOut
  | LateOutcome
  | TierTimedOut
  | TierExhausted
  | Hedged
  | HedgeRefused
  | HedgeWon
  | ErrorHandled;
