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

/** Other members count from now on; told again once that is committed, or taken back. */
export interface ConfigurationChanged {
  readonly type: "configurationChanged";
  /** The names of those who vote; an id in hexadecimal for one that has not told its name. */
  readonly voters: readonly string[];
  /** Those who voted before, while both must agree; else empty. */
  readonly outgoing: readonly string[];
  /** Those who get everything and decide nothing. */
  readonly learners: readonly string[];
  /** Where in the log. */
  readonly index: number;
  readonly committed: boolean;
}

/** This node's disk has been at one write for so long; a leader whose disk hangs hands over. */
export interface DiskStalled {
  readonly type: "diskStalled";
  readonly waitMs: number;
}

/** The write has ended. */
export interface DiskRecovered {
  readonly type: "diskRecovered";
}

export type ConsensusFact =
  | RoleChanged
  | LeaderChanged
  | QuorumLost
  | LogTruncated
  | ConfigurationChanged
  | DiskStalled
  | DiskRecovered;
