/** This node's part in Raft is another. */
export interface RoleChanged {
  readonly type: "roleChanged";
  readonly role: "follower" | "preCandidate" | "candidate" | "leader";
  readonly term: number;
}

/** This node follows another leader, or none. */
export interface LeaderChanged {
  readonly type: "leaderChanged";
  /** Its name; null when none is known. */
  readonly leader: string | null;
  readonly term: number;
}

/** This node led and no longer hears a majority: it has stepped down. */
export interface QuorumLost {
  readonly type: "quorumLost";
  readonly term: number;
}

/** Entries that were never committed gave way to the leader's. */
export interface LogTruncated {
  readonly type: "logTruncated";
  /** The first index dropped, and the last. */
  readonly from: number;
  readonly to: number;
}

export type ConsensusFact = RoleChanged | LeaderChanged | QuorumLost | LogTruncated;
