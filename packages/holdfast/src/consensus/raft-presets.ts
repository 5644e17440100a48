/** Timers that belong together. */
export interface RaftPreset {
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
}

/**
 * Timers for two kinds of clusters.
 *
 * - `standard`, the default: etcd's. A pause of 400 ms (a collection of garbage, a moved machine, a busy disk) costs no
 *   election; a leader that dies is replaced within about a second.
 * - `fast`: for members in one data centre with round trips of a few milliseconds. A leader that dies is replaced within
 *   300 ms: the first of the followers notices after 120 to 240 ms, less the more there are, and winning the votes takes
 *   two round trips and a sync. Six heartbeats fit in an election timeout, so that losing some is nothing; a pause of
 *   80 ms costs nothing either, and one of 200 ms mostly an election.
 */
export const raftPresets: { readonly standard: RaftPreset; readonly fast: RaftPreset } = {
  standard: { heartbeatMs: 100, electionTimeoutMs: 500 },
  fast: { heartbeatMs: 20, electionTimeoutMs: 120 },
};
