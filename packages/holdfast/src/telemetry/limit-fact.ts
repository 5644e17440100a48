interface LimitFactOf {
  /** The `name` of the policy that tells. */
  readonly policy: string;
}

interface BulkheadFactOf extends LimitFactOf {
  readonly active: number;
  readonly waiting: number;
}

/** A bulkhead is full: a call waits. */
export interface BulkheadQueued extends BulkheadFactOf {
  readonly type: "bulkheadQueued";
}

/** A bulkhead and its queue are full: a call was turned away. */
export interface BulkheadRejected extends BulkheadFactOf {
  readonly type: "bulkheadRejected";
}

/** A call has waited for a bulkhead as long as it may. */
export interface BulkheadWaitTimeout extends BulkheadFactOf {
  readonly type: "bulkheadWaitTimeout";
}

/** A rate limiter has turned a call away. */
export interface RateLimitRejected extends LimitFactOf {
  readonly type: "rateLimitRejected";
  /** Whose limit; null where all share one. */
  readonly key: string | null;
  readonly retryAfterMs: number;
}

/** A rate limiter lets a call wait. */
export interface RateLimitWaiting extends LimitFactOf {
  readonly type: "rateLimitWaiting";
  readonly key: string | null;
  readonly waitMs: number;
}

/** A throttle has held a call back, because the other side refuses many. */
export interface Throttled extends LimitFactOf {
  readonly type: "throttled";
  readonly rejectProbability: number;
}

/** A concurrency limiter has turned a call away. */
export interface ConcurrencyLimited extends LimitFactOf {
  readonly type: "concurrencyLimited";
  readonly limit: number;
  readonly inFlight: number;
}

/** A concurrency limiter has found another limit. */
export interface ConcurrencyLimitChanged extends LimitFactOf {
  readonly type: "concurrencyLimitChanged";
  readonly from: number;
  readonly to: number;
}

/** What bulkheads and limiters did. */
export type LimitFact =
  | BulkheadQueued
  | BulkheadRejected
  | BulkheadWaitTimeout
  | RateLimitRejected
  | RateLimitWaiting
  | Throttled
  | ConcurrencyLimited
  | ConcurrencyLimitChanged;
