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
 * - `read-before-term-commit`: a leader gives read indexes before it has committed an entry of its term.
 * - `install-older-snapshot`: a snapshot is installed also when it is behind what is committed here.
 * - `commit-beyond-verified`: heartbeats make followers commit also entries that were not compared with the leader's.
 * - `lease-from-receipt`: a leader's lease begins when the followers' answers arrive, not when it asked.
 * - `lease-survives-pause`: a leader believes its lease by the last tick's time, however long ago that was.
 * - `transfer-without-catch-up`: leadership is handed over before the new leader has the whole log.
 * - `joint-majority-over-union`: while voters change, one majority of old and new voters together decides.
 * - `second-change-while-uncommitted`: members change again before the last change is committed.
 * - `change-before-term-commit`: members change before the leader has committed an entry of its term.
 * - `learner-counted`: learners count towards majorities.
 * - `configuration-not-rolled-back`: a configuration stays in use after its entry was cut off the log.
 * - `removed-leader-counts-itself`: a leader that is not among the voters any more counts as one.
 * - `leases-renewed-in-snapshot`: a snapshot says of each lease of the key-value model that it was kept alive just now.
 * - `watchers-miss-snapshot`: watchers are not told that a snapshot has replaced the state, and of what it brought.
 * - `compaction-lost-in-snapshot`: a snapshot leaves out which revisions of the key-value model were given up.
 * - `witness-leads`: a witness stands for election, and leads with what it does not hold.
 * - `witness-ahead`: a witness is sent entries that those who may lead do not hold yet, though they keep up.
 */
export type PlantedBug =
  | "acknowledge-before-sync"
  | "vote-not-persisted"
  | "previous-term-unchecked"
  | "old-term-committed"
  | "truncate-on-append"
  | "wrong-even-majority"
  | "sessions-lost-in-snapshot"
  | "stale-read"
  | "read-before-term-commit"
  | "install-older-snapshot"
  | "commit-beyond-verified"
  | "lease-from-receipt"
  | "lease-survives-pause"
  | "transfer-without-catch-up"
  | "joint-majority-over-union"
  | "second-change-while-uncommitted"
  | "change-before-term-commit"
  | "learner-counted"
  | "configuration-not-rolled-back"
  | "removed-leader-counts-itself"
  | "leases-renewed-in-snapshot"
  | "watchers-miss-snapshot"
  | "compaction-lost-in-snapshot"
  | "witness-leads"
  | "witness-ahead";

/** All of them; the simulator of whole clusters finds each. */
export const plantedBugs: readonly PlantedBug[] = [
  "acknowledge-before-sync",
  "vote-not-persisted",
  "previous-term-unchecked",
  "old-term-committed",
  "truncate-on-append",
  "wrong-even-majority",
  "sessions-lost-in-snapshot",
  "stale-read",
  "read-before-term-commit",
  "install-older-snapshot",
  "commit-beyond-verified",
  "lease-from-receipt",
  "lease-survives-pause",
  "transfer-without-catch-up",
  "joint-majority-over-union",
  "second-change-while-uncommitted",
  "change-before-term-commit",
  "learner-counted",
  "configuration-not-rolled-back",
  "removed-leader-counts-itself",
  "leases-renewed-in-snapshot",
  "watchers-miss-snapshot",
  "compaction-lost-in-snapshot",
  "witness-leads",
  "witness-ahead",
];
