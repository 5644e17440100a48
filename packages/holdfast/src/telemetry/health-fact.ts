type State = "healthy" | "degraded" | "unhealthy";

/** A component of the service is otherwise than it was: after its thresholds, not after every check. */
export interface ComponentHealthChanged {
  readonly type: "componentHealthChanged";
  readonly component: string;
  /** `unknown` when nothing was heard for too long, or it is no component any more. */
  readonly state: State | "unknown";
  readonly was: State | "unknown";
  /** What its check said; null when it said nothing. */
  readonly details: string | null;
}

/** The service as a whole is otherwise than it was. */
export interface HealthChanged {
  readonly type: "healthChanged";
  readonly state: State;
  readonly isLive: boolean;
  readonly isReady: boolean;
  readonly isDraining: boolean;
}

export type HealthFact = ComponentHealthChanged | HealthChanged;
