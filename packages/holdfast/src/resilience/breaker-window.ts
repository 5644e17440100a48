/** The bits of a call's outcome: neither is a success, both a failure that also took too long. */
export const outcome = { success: 0, failure: 1, slow: 2 } as const;

/** Which recent calls a breaker decides on. */
export type WindowOptions =
  /** `failures` in a row; a success starts again. */
  | { readonly kind: "consecutive"; readonly failures: number }
  /** The last `size` calls, 1 to 1 000 000; a quarter of a byte each. */
  | { readonly kind: "count"; readonly size: number }
  /**
   * The calls of the last `ms` milliseconds, in `buckets` parts (1 to 1 000, default 10): a call is forgotten between
   * `ms - ms / buckets` and `ms` after it ended.
   */
  | { readonly kind: "time"; readonly ms: number; readonly buckets?: number }
  /** `failures` within any `ms` milliseconds, to the millisecond; 1 to 100 000 failures, 8 bytes each. */
  | { readonly kind: "period"; readonly ms: number; readonly failures: number };

/** What a window remembers, as JSON; ages instead of times, so that another process can go on with it. */
export type WindowState =
  | { readonly kind: "consecutive"; readonly failures: number }
  /** A digit a call, the oldest first: 0 success, 1 failure, 2 slow, 3 both. */
  | { readonly kind: "count"; readonly outcomes: string }
  | { readonly kind: "time"; readonly buckets: readonly BucketState[] }
  /** How long ago each failure was, the oldest first. */
  | { readonly kind: "period"; readonly agesMs: readonly number[] };

/** The calls of one bucket, whose middle was `ageMs` ago. */
export interface BucketState {
  readonly ageMs: number;
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

/** Where a window takes the time from, monotonic milliseconds. */
export interface Now {
  now(): number;
}

/**
 * The recent calls. Recording and reading cost the same however many calls there are; nothing runs in the background:
 * what is too old leaves when the window is recorded to or told to `expire`.
 */
export interface BreakerWindow {
  readonly kind: WindowOptions["kind"];
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  /** Whether an absolute limit is reached; windows that are judged by their rates have none. */
  readonly limitReached: boolean;
  /** Adds a call that ended now; `bits` of `outcome`. Leaves no outdated call behind. */
  record(bits: number, clock: Now): void;
  /** Forgets what is too old. */
  expire(clock: Now): void;
  clear(): void;
  save(clock: Now): WindowState;
  /** Takes over what fits of a window of the same kind; this one must be empty. */
  restore(state: WindowState, clock: Now): void;
}
