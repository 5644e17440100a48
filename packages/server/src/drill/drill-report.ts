/** `timeout`: the cluster did not come back in time. `inconclusive`: the fault did not happen, or the check did not end. */
export type DrillVerdict = "passed" | "failed" | "timeout" | "inconclusive";

/** One fault that was injected, as observed. */
export interface DrillFault {
  readonly kind: "kill";
  readonly target: string;
  readonly pid: number;
  readonly role: string;
  readonly term: number;
  /** Milliseconds since the load began. */
  readonly atMs: number;
  /** From the signal until the process was gone. */
  readonly diedAfterMs: number;
  /** From the signal until the member was ready again. */
  readonly readyAfterMs: number | null;
}

export interface DrillMeasures {
  readonly runs: number;
  readonly nodes: number;
  readonly clients: number;
  readonly operations: number;
  readonly acknowledgedWrites: number;
  /** Writes nobody got an answer to: they may count or not. */
  readonly unknownWrites: number;
  /** Acknowledged writes of unique keys that were not there at the end; null when it did not come to that. */
  readonly lostWrites: number | null;
  /** Time without service: from the kill to the first write acknowledged in a newer term; the median of the runs. */
  readonly gapMs: number | null;
  readonly medianGapMs: number | null;
  readonly worstGapMs: number | null;
  readonly gapsMs: readonly number[];
  /** The longest time between two acknowledged writes while load ran. */
  readonly longestSilenceMs: number | null;
  /** From the end of the load until all members had applied the same entries. */
  readonly convergedMs: number | null;
  /** Null when the check did not end. */
  readonly linearizable: boolean | null;
}

export interface DrillReport {
  readonly drill: string;
  readonly verdict: DrillVerdict;
  /** Why, for people. */
  readonly reason: string;
  readonly measures: DrillMeasures;
  readonly faults: readonly DrillFault[];
  /** The recorded history, when it was kept. */
  readonly history: string | null;
}
