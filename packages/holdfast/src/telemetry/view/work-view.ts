/** An execution of a recovery plan. */
export interface PlanView {
  readonly execution: string;
  readonly plan: string;
  readonly status: "pending" | "running" | "rollingBack" | "completed" | "failed" | "cancelled";
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly steps: readonly {
    readonly id: string;
    readonly type: string;
    readonly status: string;
    readonly attempts: number;
    readonly error: string | null;
  }[];
  /** Steps that wait for a person. */
  readonly approvals: readonly string[];
  readonly cause: string | null;
}

/** A drill that runs here, or has run lately. */
export interface DrillView {
  readonly drill: string;
  readonly verdict: "running" | "passed" | "failed" | "timeout" | "inconclusive";
  readonly phase: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly measures: { readonly [name: string]: string | number | boolean | null };
}

/** A fault in effect. */
export interface FaultView {
  readonly id: string;
  readonly target: string;
  readonly kind: string;
  readonly parameters: { readonly [name: string]: unknown };
  readonly injectedAt: number;
  /** When it ends by itself. */
  readonly endsAt: number;
  /** How often it has had an effect; null where the target cannot tell. */
  readonly struck: number | null;
}
