import type { Raft } from "holdfast/consensus";

/** A promise that was broken. */
export class InvariantViolation extends Error {
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = "InvariantViolation";
    this.invariant = invariant;
  }
}

/** What is looked at of one running member. */
export interface Observed {
  readonly name: string;
  /** Another one for each life. */
  readonly life: number;
  readonly raft: Raft;
  readonly applied: number;
  readonly stateHash: string;
}

interface Seen {
  life: number;
  raft: Raft;
  term: number;
  commit: number;
  applied: number;
  /** The log was looked at up to here, in this epoch. */
  checkedIndex: number;
  epoch: number;
  leaderTerm: number;
}

interface Position {
  readonly term: number;
  /** The term in which it was committed, which may be later than its own. */
  readonly committedIn: number;
  readonly data: Uint8Array;
  readonly by: string;
}

/**
 * Raft's safety properties (Ongaro and Ousterhout, figure 3) and what follows from them, checked after every step.
 *
 * An entry is told by its index and term, so log matching is checked entry by entry: the same index and term must mean
 * the same data after an entry of the same term, on every member, for ever.
 */
export class Invariants {
  readonly #seen = new Map<string, Seen>();
  readonly #leaders = new Map<number, string>();
  readonly #entries = new Map<
    string,
    { readonly previousTerm: number; readonly data: Uint8Array; readonly by: string }
  >();
  readonly #committed = new Map<number, Position>();
  #highestCommitted = 0;
  readonly #states = new Map<number, { readonly hash: string; readonly by: string }>();

  check(members: Iterable<Observed>): void {
    for (const member of members) {
      const seen = this.#seenOf(member);
      const { raft } = member;
      if (raft.term !== seen.term || raft.role === "leader") this.#checkTerm(member, seen);
      if (raft.epoch !== seen.epoch || raft.log.lastIndex !== seen.checkedIndex) this.#checkLog(member, seen);
      if (raft.commit !== seen.commit) this.#checkCommit(member, seen);
      if (member.applied !== seen.applied) this.#checkState(member, seen);
    }
  }

  #seenOf(member: Observed): Seen {
    const { name, life, raft, applied } = member;
    const known = this.#seen.get(name);
    if (known?.life === life) return known;
    const seen = {
      life,
      raft,
      term: raft.term,
      commit: raft.log.baseIndex,
      applied,
      checkedIndex: raft.log.baseIndex,
      epoch: raft.epoch,
      leaderTerm: 0,
    };
    this.#seen.set(name, seen);
    return seen;
  }

  #checkTerm({ name, raft }: Observed, seen: Seen): void {
    if (raft.term < seen.term) {
      throw new InvariantViolation("monotonic term", `${name} went from term ${seen.term} back to ${raft.term}`);
    }
    seen.term = raft.term;
    if (raft.role !== "leader" || seen.leaderTerm === raft.term) return;
    seen.leaderTerm = raft.term;
    const other = this.#leaders.get(raft.term);
    if (other !== undefined && other !== name) {
      throw new InvariantViolation("election safety", `${other} and ${name} both lead in term ${raft.term}`);
    }
    this.#leaders.set(raft.term, name);
    this.#checkCompleteness(name, raft);
  }

  #checkCompleteness(name: string, { log, term }: Raft): void {
    for (let index = log.baseIndex + 1; index <= this.#highestCommitted; index++) {
      const committed = this.#committed.get(index);
      // Only what was committed in an earlier term binds a leader; the votes for this one may have been long on the way.
      if (committed === undefined || committed.committedIn >= term) continue;
      if (log.termAt(index) === committed.term) continue;
      throw new InvariantViolation(
        "leader completeness",
        `${name} leads in term ${term} without entry ${index} of term ${committed.term}, which ${committed.by} committed`,
      );
    }
  }

  #checkLog({ name, raft }: Observed, seen: Seen): void {
    const { log } = raft;
    const from = raft.epoch === seen.epoch ? seen.checkedIndex : Math.min(raft.commit, seen.checkedIndex);
    for (let index = Math.max(from, log.baseIndex) + 1; index <= log.lastIndex; index++) {
      const { term, data } = log.at(index)!;
      const previousTerm = log.termAt(index - 1)!;
      const key = `${index}/${term}`;
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { previousTerm, data, by: name });
      else if (known.previousTerm !== previousTerm || !sameBytes(known.data, data)) {
        throw new InvariantViolation(
          "log matching",
          `${known.by} and ${name} differ at entry ${index} of term ${term}`,
        );
      }
    }
    seen.checkedIndex = log.lastIndex;
    seen.epoch = raft.epoch;
  }

  #checkCommit({ name, raft }: Observed, seen: Seen): void {
    const { log, commit } = raft;
    if (commit < seen.commit) {
      throw new InvariantViolation("monotonic commit", `${name} went from ${seen.commit} back to ${commit}`);
    }
    for (let index = Math.max(seen.commit, log.baseIndex) + 1; index <= commit; index++) {
      const entry = log.at(index);
      if (entry === undefined) {
        throw new InvariantViolation("committed entries are held", `${name} committed ${index} and does not hold it`);
      }
      const known = this.#committed.get(index);
      if (known === undefined) {
        this.#committed.set(index, { term: entry.term, committedIn: raft.term, data: entry.data, by: name });
        this.#highestCommitted = Math.max(this.#highestCommitted, index);
      } else if (known.term !== entry.term || !sameBytes(known.data, entry.data)) {
        throw new InvariantViolation(
          "committed entries are immutable",
          `${known.by} committed entry ${index} of term ${known.term}, ${name} one of term ${entry.term}`,
        );
      }
    }
    seen.commit = commit;
  }

  #checkState({ name, applied, stateHash }: Observed, seen: Seen): void {
    if (applied < seen.applied) {
      throw new InvariantViolation("monotonic applied", `${name} went from ${seen.applied} back to ${applied}`);
    }
    seen.applied = applied;
    const known = this.#states.get(applied);
    if (known === undefined) this.#states.set(applied, { hash: stateHash, by: name });
    else if (known.hash !== stateHash) {
      throw new InvariantViolation("state machine safety", `${known.by} and ${name} differ after entry ${applied}`);
    }
  }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
