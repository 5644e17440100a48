interface DrillFactOf {
  /** Its name. */
  readonly drill: string;
}

/** A drill has begun. */
export interface DrillStarted extends DrillFactOf {
  readonly type: "drillStarted";
}

/** It has come to its next phase. */
export interface DrillPhaseBegan extends DrillFactOf {
  readonly type: "drillPhaseBegan";
  /** `setup`, `steady state before`, `load and faults`, … */
  readonly phase: string;
}

/** It is over. */
export interface DrillEnded extends DrillFactOf {
  readonly type: "drillEnded";
  readonly verdict: "passed" | "failed" | "timeout" | "inconclusive";
  /** Why; empty when it passed. */
  readonly reason: string;
  readonly durationMs: number;
}

/** What a drill did. */
export type DrillFact = DrillStarted | DrillPhaseBegan | DrillEnded;
