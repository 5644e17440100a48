/** What an operator does to a cluster. */
export const operationKinds = [
  /** A machine joins as a learner and is promoted when it has caught up. */
  "addLearner",
  "addVoter",
  /** One that votes and holds no state. */
  "addWitness",
  "remove",
  "removeLeader",
  /** One comes for one that goes, in one change. */
  "replace",
  /** Several come and go over a joint configuration that the operator leaves. */
  "replaceMany",
  "demote",
  "transfer",
  /** A machine is lost for ever, and another takes its place, with an empty disk and a name of its own. */
  "loseOne",
  /** A second change is asked for before the first is over. */
  "twoAtOnce",
  /** What anybody may ask of any member, who sees to it with the others. */
  "memberAdd",
  "memberRemove",
  "memberPromote",
  "moveLeader",
  /** A change is asked for as soon as there is a new leader. */
  "changeAtOnce",
] as const;

export type OperationKind = (typeof operationKinds)[number];
