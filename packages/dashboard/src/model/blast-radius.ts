import type { ClusterView, FaultTargetView, FaultView } from "holdfast/telemetry";

/** What a fault may hurt. */
export interface BlastRadius {
  /** The members that it may hurt, and does not hurt yet. */
  readonly members: readonly string[];
  readonly includesLeader: boolean;
  /** Voters that answer and that no fault may hurt, then. */
  readonly unhurt: number;
  readonly needed: number;
  readonly quorumSurvives: boolean;
}

/** Counts the worst: every member that a fault may hurt counts as hurt, those of the faults in effect too. */
export function blastRadius(
  cluster: ClusterView,
  target: FaultTargetView,
  active: readonly FaultView[],
  targets: readonly FaultTargetView[],
): BlastRadius {
  const already = new Set(active.flatMap((fault) => targets.find(({ name }) => name === fault.target)?.members ?? []));
  const hurt = new Set([...already, ...target.members]);
  const unhurt = cluster.members.filter(
    ({ name, liveness, isLearner }) => liveness === "answers" && !isLearner && !hurt.has(name),
  ).length;
  return {
    members: target.members.filter((name) => !already.has(name)),
    includesLeader: cluster.leader !== null && target.members.includes(cluster.leader),
    unhurt,
    needed: cluster.quorum.needed,
    quorumSurvives: unhurt >= cluster.quorum.needed,
  };
}
