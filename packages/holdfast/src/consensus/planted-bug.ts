/**
 * Known bugs that can be switched on to prove that the simulator finds them. For tests only: each breaks a promise.
 *
 * - `acknowledge-before-sync`: replies leave before what they promise is durable.
 * - `vote-not-persisted`: the record of a vote is not written, so a restart forgets it.
 * - `previous-term-unchecked`: an append is accepted wherever there is an entry before it, whatever its term.
 * - `old-term-committed`: entries of earlier terms are committed by counting (Raft, figure 8).
 * - `truncate-on-append`: every append drops what follows it, also an old one that arrives late.
 * - `wrong-even-majority`: half of an even number of voters counts as a majority.
 * - `sessions-lost-in-snapshot`: a snapshot leaves out which requests were applied.
 * - `stale-read`: a leader answers reads without asking whether it still leads.
 */
export type PlantedBug =
  | "acknowledge-before-sync"
  | "vote-not-persisted"
  | "previous-term-unchecked"
  | "old-term-committed"
  | "truncate-on-append"
  | "wrong-even-majority"
  | "sessions-lost-in-snapshot"
  | "stale-read";

export const plantedBugs: readonly PlantedBug[] = [
  "acknowledge-before-sync",
  "vote-not-persisted",
  "previous-term-unchecked",
  "old-term-committed",
  "truncate-on-append",
  "wrong-even-majority",
  "sessions-lost-in-snapshot",
  "stale-read",
];
