/** Automatic recovery has decided something about a failure. */
export interface RecoveryDecided {
  readonly type: "recoveryDecided";
  /** The failure's id. */
  readonly task: string;
  readonly target: string;
  /** Its type. */
  readonly failure: string;
  readonly priority: "critical" | "high" | "medium" | "low";
  /** `accepted`, `held`, `started`, `failed`, `recovered`, … */
  readonly decision: string;
  readonly because: string;
  /** How many were begun so far. */
  readonly attempt: number;
}

/** A failure is over. */
export interface TargetRecovered {
  readonly type: "targetRecovered";
  readonly target: string;
  readonly failure: string;
  /** How many it took; 0 when it got well by itself. */
  readonly attempts: number;
  /** Since it was first reported. */
  readonly durationMs: number;
}

/** Automatic recovery is at its end with a target. */
export interface PersonWanted {
  readonly type: "personWanted";
  readonly target: string;
  readonly because: string;
  /** The types of what fails there. */
  readonly failures: readonly string[];
  /** Every decision so far. */
  readonly record: readonly { readonly at: number; readonly decision: string; readonly because: string }[];
}

export type RecoveryFact = RecoveryDecided | TargetRecovered | PersonWanted;
