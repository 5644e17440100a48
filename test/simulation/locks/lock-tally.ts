/** What happened, for a test to see that something did. */
export interface LockTally {
  grants: number;
  /** Acquisitions that found somebody in front of them. */
  waits: number;
  timeouts: number;
  /** Holders that were told to stop, and holders that learned it from the store. */
  lost: number;
  fencedOut: number;
  /** Writes let in and turned away by the guards. */
  admitted: number;
  stale: number;
  sessions: number;
  lostSessions: number;
}
