import type { ToldError } from "./told-error.ts";

interface FallbackFactOf {
  /** The `name` of the policy that tells. */
  readonly policy: string;
}

/** A fallback has answered for a failure. */
export interface FallbackUsed extends FallbackFactOf {
  readonly type: "fallbackUsed";
  readonly error: ToldError;
  /** Which of a chain: 0, 1, … */
  readonly target: number;
}

/** No fallback had an answer. */
export interface FallbackFailed extends FallbackFactOf {
  readonly type: "fallbackFailed";
  /** The call's, then each fallback's; at most 8. */
  readonly errors: readonly ToldError[];
}

interface CacheFactOf extends FallbackFactOf {
  readonly key: string;
}

/** A cache has answered with a fresh value. */
export interface CacheHit extends CacheFactOf {
  readonly type: "cacheHit";
}

/** A cache had nothing: the call is made. */
export interface CacheMiss extends CacheFactOf {
  readonly type: "cacheMiss";
}

/** A cache has answered with a failure that it remembers. */
export interface CacheNegativeHit extends CacheFactOf {
  readonly type: "cacheNegativeHit";
}

/** A cache has answered with an old value. */
export interface CacheStale extends CacheFactOf {
  readonly type: "cacheStale";
  /** A new one is being loaded; or loading has failed. */
  readonly because: "revalidating" | "error";
}

/** A cache could not load a value. */
export interface CacheLoadFailed extends CacheFactOf {
  readonly type: "cacheLoadFailed";
  readonly error: ToldError;
}

/** A negative cache remembers a failure from now on. */
export interface FailureKept extends CacheFactOf {
  readonly type: "failureKept";
  readonly error: ToldError;
}

/** It has answered with one. */
export interface FailureAnswered extends CacheFactOf {
  readonly type: "failureAnswered";
  readonly error: ToldError;
}

/** What it remembered is over: the call has succeeded. */
export interface FailureOver extends CacheFactOf {
  readonly type: "failureOver";
  readonly error: ToldError;
}

/** A degradation manager's mode is another. */
export interface DegradationModeChanged extends FallbackFactOf {
  readonly type: "degradationModeChanged";
  readonly from: "normal" | "partial" | "full";
  readonly to: "normal" | "partial" | "full";
  /** By a person, not by what was measured. */
  readonly manual: boolean;
}

interface DegradableFactOf extends FallbackFactOf {
  readonly service: string;
  readonly errorRate: number;
}

/** One of its services counts as degraded. */
export interface ServiceDegraded extends DegradableFactOf {
  readonly type: "serviceDegraded";
}

/** It does not any more. */
export interface ServiceRecovered extends DegradableFactOf {
  readonly type: "serviceRecovered";
}

/** What answered instead, where the full way did not. */
export type FallbackFact =
  | FallbackUsed
  | FallbackFailed
  | CacheHit
  | CacheMiss
  | CacheNegativeHit
  | CacheStale
  | CacheLoadFailed
  | FailureKept
  | FailureAnswered
  | FailureOver
  | DegradationModeChanged
  | ServiceDegraded
  | ServiceRecovered;
