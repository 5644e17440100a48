type Mode = "normal" | "partial" | "full";

/** A service runs in another mode. */
export interface ServiceModeChanged {
  readonly type: "serviceModeChanged";
  readonly service: string;
  readonly from: Mode;
  readonly to: Mode;
  readonly because: string;
  /** Of its calls in the window, 0..1; null when there were too few. */
  readonly errorRate: number | null;
}

/** All services together are in another mode. */
export interface OverallModeChanged {
  readonly type: "overallModeChanged";
  readonly from: Mode;
  readonly to: Mode;
  readonly because: string;
  /** Of the services, 0..1. */
  readonly degradedShare: number;
}

/** A feature is off. */
export interface FeatureShed {
  readonly type: "featureShed";
  readonly feature: string;
  /** Null for one of no single service. */
  readonly service: string | null;
  readonly priority: number;
}

/** A feature is on again. */
export interface FeatureRestored {
  readonly type: "featureRestored";
  readonly feature: string;
  /** Null for one of no single service. */
  readonly service: string | null;
  readonly priority: number;
}

export type DegradationFact = ServiceModeChanged | OverallModeChanged | FeatureShed | FeatureRestored;
