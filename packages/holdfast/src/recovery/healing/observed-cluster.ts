/**
 * `answers`: whoever looks and the leader both hear it. `silent`: it may live, and they do not. `starting`: it has a
 * process that is not ready yet. `stopped`: its supervisor knows that there is no process.
 */
export type Liveness = "answers" | "silent" | "starting" | "stopped";

/** A member, as whoever looks sees it. */
export interface ObservedMember {
  /** By which actions mean it; never used again. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly kind: "voter" | "learner" | "witness";
  /** False: somebody else's. It counts for the quorum, and is left alone. */
  readonly isManaged: boolean;
  readonly liveness: Liveness;
  /** For how long it has been so. */
  readonly sinceMs: number;
  /** Why it can never run again under its id (its data is gone, its supervisor has given it up); null while it can. */
  readonly lost: string | null;
  /** What a failure detector says that hears it on another way; null where there is none. */
  readonly gossip: "alive" | "suspect" | "dead" | "left" | null;
  /** Entries that are committed and that it has not applied; null while unknown. */
  readonly lagEntries: number | null;
  readonly isSlow: boolean;
  readonly isDiskFull: boolean;
  /** In any unit, the same for all; null where nobody measures. */
  readonly load: number | null;
  readonly zone: string | null;
  /** Whether somebody can start it anew now. */
  readonly canRestart: boolean;
}

/** A cluster at one moment. */
export interface Observation {
  /** The id of the member that leads and hears a majority; null when there is none. */
  readonly leader: string | null;
  /** No change of the members is under way. */
  readonly isSettled: boolean;
  readonly members: readonly ObservedMember[];
}

export function votersIn({ members }: Observation): readonly ObservedMember[] {
  return members.filter(({ kind }) => kind !== "learner");
}

export function learnersIn({ members }: Observation): readonly ObservedMember[] {
  return members.filter(({ kind }) => kind === "learner");
}

export function doesAnswer({ liveness }: ObservedMember): boolean {
  return liveness === "answers";
}

export function memberIn({ members }: Observation, id: string): ObservedMember | undefined {
  return members.find((member) => member.id === id);
}

/** Whether those who answer can decide. */
export function canDecide(voters: readonly ObservedMember[]): boolean {
  return voters.filter(doesAnswer).length >= Math.floor(voters.length / 2) + 1;
}
