/** A cluster as the member that serves it sees it: what it heard itself, and what the others told it. */
export interface ClusterView {
  /** Milliseconds since 1970, by the clock of `servedBy`. */
  readonly at: number;
  /** The name of the member, or of the supervisor, that put this together. */
  readonly servedBy: string;
  readonly clusterId: string;
  /** Whom a majority of those who answer follows; null when there is nobody. */
  readonly leader: string | null;
  readonly term: number;
  readonly quorum: QuorumView;
  /** By name. */
  readonly members: readonly MemberView[];
  /** Entries committed a second, over the last seconds; null while unknown. */
  readonly commitsPerSecond: number | null;
}

/** Whether the cluster can decide. */
export interface QuorumView {
  readonly needed: number;
  /** Voters that answer. */
  readonly answering: number;
  readonly voters: number;
}

/** `silent`: its process may live, and does not answer; `stopped`: its supervisor knows that there is no process. */
export type MemberLiveness = "answers" | "silent" | "stopped" | "left";

export interface MemberView {
  readonly id: string;
  readonly name: string;
  readonly liveness: MemberLiveness;
  /** How long it has been so, in milliseconds; null where nobody knows. */
  readonly sinceMs: number | null;
  readonly role: "leader" | "follower" | "preCandidate" | "candidate" | null;
  readonly isLearner: boolean;
  readonly isWitness: boolean;
  readonly term: number | null;
  readonly commitIndex: number | null;
  readonly appliedIndex: number | null;
  /** Entries that the leader has committed and this one has not applied; null while unknown. */
  readonly lagEntries: number | null;
  readonly storeBytes: number | null;
  readonly residentBytes: number | null;
  readonly clientUrl: string | null;
  readonly httpUrl: string | null;
  /** What it says of its way to the others. A cut that only one side notices is one of one direction. */
  readonly links: readonly LinkView[];
}

export interface LinkView {
  readonly to: string;
  /** `unknown`: nothing was to be heard lately, so that nobody can tell. */
  readonly state: "up" | "suspect" | "down" | "unknown";
  /** Since it last heard the other, in milliseconds. */
  readonly lastHeardMs: number;
  /** What it goes by: the messages by which the members agree, or the gossip by which they watch each other. */
  readonly source?: "raft" | "gossip";
}
