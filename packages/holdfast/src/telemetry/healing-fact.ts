/** What healing does, and what for: `text` says it with the names of the members. */
interface HealingDone {
  readonly action: "restart" | "addLearner" | "promote" | "remove" | "transferLeadership" | "moveLoad" | "scale";
  readonly text: string;
}

/** Something is done to bring the cluster back to full strength. */
export interface HealingStarted extends HealingDone {
  readonly type: "healingStarted";
  readonly because: string;
}

/** It is over. */
export interface HealingEnded extends HealingDone {
  readonly type: "healingEnded";
  readonly outcome: "done" | "refused" | "failed" | "unknown";
  /** Null when it was done. */
  readonly reason: string | null;
  readonly tookMs: number;
}

/** Something would be right to do, and is not done. */
export interface HealingWithheld extends HealingDone {
  readonly type: "healingWithheld";
  readonly because: string;
  /** Which rule is against it. */
  readonly guard: string;
  readonly reason: string;
}

/** Healing has come to its end: somebody has to look. */
export interface HealingPersonWanted {
  readonly type: "healingPersonWanted";
  readonly reason: string;
}

/** The cluster is not at full strength. */
export interface ClusterWeakened {
  readonly type: "clusterWeakened";
  readonly reason: string;
}

/** It is again. */
export interface ClusterRestored {
  readonly type: "clusterRestored";
  /** Since it was not. */
  readonly tookMs: number;
}

export type HealingFact =
  | HealingStarted
  | HealingEnded
  | HealingWithheld
  | HealingPersonWanted
  | ClusterWeakened
  | ClusterRestored;
