/** What an instance of a service tells of itself every few seconds, and the cluster it belongs to shows. */
export interface ServiceReport {
  /** 1 to 128 characters; instances of one service share it. */
  readonly service: string;
  /** Tells the instances of a service apart. */
  readonly instance: string;
  /** Milliseconds since 1970, by the clock of the instance. */
  readonly at: number;
  readonly startedAt: number;
  /** Null where no health is kept. */
  readonly health: HealthView | null;
  /** At most 500. */
  readonly policies: readonly PolicyView[];
  /** The commonest groups of errors, at most 50. */
  readonly errors: readonly ErrorGroupView[];
  /** What a bound left out of the lists above. */
  readonly omitted: number;
}

export type HealthState = "healthy" | "degraded" | "unhealthy";

export interface HealthView {
  readonly state: HealthState;
  readonly isLive: boolean;
  readonly isReady: boolean;
  readonly isDraining: boolean;
  readonly components: readonly {
    readonly name: string;
    readonly state: HealthState | "unknown";
    readonly isCritical: boolean;
    readonly details: string | null;
    /** Milliseconds since 1970; null before the first check. */
    readonly checkedAt: number | null;
    /** Milliseconds since 1970, since when it is in this state, as far as the instance knows. */
    readonly since?: number;
  }[];
}

/** An instance that reports no more. */
export interface AbsentInstance {
  readonly service: string;
  readonly instance: string;
  /** It said so itself, or it has fallen silent. */
  readonly reason: "left" | "silent";
  /** Milliseconds since 1970, when it was heard last, by the clock of whoever heard it. */
  readonly at: number;
}

/** Reports that were not taken, since whoever got them has started. */
export interface RefusedReports {
  readonly count: number;
  /** Why the last one was not. */
  readonly detail: string;
  /** Milliseconds since 1970, when that was. */
  readonly at: number;
}

/** One policy, or another instrumented thing that calls go through. */
export interface PolicyView {
  /** `circuitBreaker`, `bulkhead`, `rateLimiter`, …: the name of its factory. */
  readonly kind: string;
  readonly name: string;
  /** `closed`, `open`, `halfOpen`, a mode, …; null for what has no states. */
  readonly state: string | null;
  /** Somebody has set the state by hand, and it stays. */
  readonly isForced: boolean;
  /** Over the last ten seconds. */
  readonly callsPerSecond: number;
  /** Failed of those calls, 0..1; null when there were none. */
  readonly failureRatio: number | null;
  /** Of the same calls; null when there were none, or nobody measures. */
  readonly durationMs: { readonly p50: number; readonly p90: number; readonly p99: number } | null;
  /** Since the start, by what happened: `succeeded`, `failed`, `rejected`, `timedOut`, `retried`, … */
  readonly counts: { readonly [name: string]: number };
  /** Present values: `active`, `waiting`, `limit`, … */
  readonly gauges: { readonly [name: string]: number };
  /** What it was given, flat, as text. */
  readonly configuration: { readonly [name: string]: string };
}

export interface ErrorGroupView {
  readonly fingerprint: string;
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
  readonly ratePerSecond: number;
  readonly firstAt: number;
  readonly lastAt: number;
}
