import type { BreakerReason, BreakerState } from "./breaker-state.ts";
import type { PolicyEvent } from "./policy-event.ts";

/** The breaker's state changed. */
export interface BreakerStateEvent extends PolicyEvent {
  readonly type:
    | "breakerOpened"
    | "breakerHalfOpened"
    | "breakerRampUpStarted"
    | "breakerClosed"
    | "breakerForcedOpen"
    | "breakerDisabled"
    | "breakerMetricsOnly";
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: BreakerReason;
  /** How long it stays open; 0 for other states, Infinity when forced open. */
  readonly openMs: number;
}

/** A call was turned away. */
export interface BreakerRejectedEvent extends PolicyEvent {
  readonly type: "breakerRejected";
  readonly state: BreakerState;
  readonly remainingOpenMs: number;
}

export type BreakerEvent = BreakerStateEvent | BreakerRejectedEvent;

/** The event that tells of a state's beginning. */
export const eventTypeOf: Readonly<Record<BreakerState, BreakerStateEvent["type"]>> = {
  open: "breakerOpened",
  halfOpen: "breakerHalfOpened",
  rampUp: "breakerRampUpStarted",
  closed: "breakerClosed",
  forcedOpen: "breakerForcedOpen",
  disabled: "breakerDisabled",
  metricsOnly: "breakerMetricsOnly",
};
