interface BreakerFactOf {
  /** The `name` of the policy that tells. */
  readonly policy: string;
}

type State = "closed" | "open" | "halfOpen" | "rampUp" | "forcedOpen" | "disabled" | "metricsOnly";

interface BreakerChange extends BreakerFactOf {
  readonly from: State;
  readonly to: State;
  /** What decided: `failures`, `slowCalls`, `openOn`, `probes`, `probeTimeout`, `time`, `manual`, `opinions`, … */
  readonly reason: string;
  /** How long it stays open; 0 for other states, null: until somebody lifts it. */
  readonly openMs: number | null;
}

/** A circuit breaker turns all calls away. */
export interface BreakerOpened extends BreakerChange {
  readonly type: "breakerOpened";
}

/** It lets a few calls through, to see whether they work again. */
export interface BreakerHalfOpened extends BreakerChange {
  readonly type: "breakerHalfOpened";
}

/** It lets more and more calls through. */
export interface BreakerRampUpStarted extends BreakerChange {
  readonly type: "breakerRampUpStarted";
}

/** It lets all calls through. */
export interface BreakerClosed extends BreakerChange {
  readonly type: "breakerClosed";
}

/** Somebody has opened it by hand. */
export interface BreakerForcedOpen extends BreakerChange {
  readonly type: "breakerForcedOpen";
}

/** Somebody has switched it off: it lets all calls through and records nothing. */
export interface BreakerDisabled extends BreakerChange {
  readonly type: "breakerDisabled";
}

/** Somebody has told it to record and never to open. */
export interface BreakerMetricsOnly extends BreakerChange {
  readonly type: "breakerMetricsOnly";
}

/** A circuit breaker has turned a call away. */
export interface BreakerRejected extends BreakerFactOf {
  readonly type: "breakerRejected";
  readonly state: State;
  /** Null: until somebody lifts it. */
  readonly remainingOpenMs: number | null;
}

/** What circuit breakers did. */
export type BreakerFact =
  | BreakerOpened
  | BreakerHalfOpened
  | BreakerRampUpStarted
  | BreakerClosed
  | BreakerForcedOpen
  | BreakerDisabled
  | BreakerMetricsOnly
  | BreakerRejected;
