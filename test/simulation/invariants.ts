import { jointCommittedIndex, type Entry, type NodeId, type PeerMessage, type Raft } from "holdfast/consensus";
import { ConfigurationInvariants } from "./configuration-invariants.ts";
import { InvariantViolation } from "./invariant-violation.ts";

/** What is looked at of one running member. */
export interface Observed {
  readonly name: string;
  /** Another one for each life. */
  readonly life: number;
  readonly raft: Raft;
  readonly applied: number;
  /** Undefined for a witness, which has no state. */
  readonly stateHash: string | undefined;
  readonly listenerFailures: number;
  /** By its own clock. */
  readonly now: number;
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
  /** As its member holds it: a witness's is without the command. */
  readonly entry: Entry;
  /** The term in which it was committed, which may be later than its own. */
  readonly committedIn: number;
  readonly by: string;
}

/**
 * Raft's safety properties (Ongaro and Ousterhout, figure 3) and what follows from them, checked after every step.
 *
 * An entry is told by its index and term, so log matching is checked entry by entry: the same index and term must mean
 * the same data after an entry of the same term, on every member, for ever. Where a witness leaves the command out, only
 * the rest is compared.
 */
export class Invariants {
  readonly #seen = new Map<string, Seen>();
  readonly #leaders = new Map<number, string>();
  readonly #byId = new Map<NodeId, Seen>();
  readonly #entries = new Map<string, { readonly previousTerm: number; readonly entry: Entry; readonly by: string }>();
  readonly #committed = new Map<number, Position>();
  #highestCommitted = 0;
  readonly #states = new Map<number, { readonly hash: string; readonly by: string }>();
  readonly #configurations = new ConfigurationInvariants((voter, index) => this.#holds(voter, index));

  check(members: readonly Observed[]): void {
    const elected: Observed[] = [];
    const changed: Observed[] = [];
    const decided: { readonly member: Observed; readonly knownIndex: number }[] = [];
    for (const member of members) {
      const seen = this.#seenOf(member);
      const { raft } = member;
      const knownIndex = seen.checkedIndex;
      if (raft.term !== seen.term || raft.role === "leader") {
        if (this.#checkTerm(member, seen)) elected.push(member);
      }
      if (raft.epoch !== seen.epoch || raft.log.lastIndex !== seen.checkedIndex) {
        this.#checkLog(member, seen);
        changed.push(member);
      }
      if (raft.commit !== seen.commit) {
        this.#checkCommit(member, seen);
        if (raft.role === "leader") decided.push({ member, knownIndex });
      }
      if (member.applied !== seen.applied) this.#checkState(member, seen);
      if (member.listenerFailures > 0) throw new InvariantViolation("nothing throws", `a listener of ${member.name}`);
    }
    if (elected.length > 0) for (const member of members) this.#checkLease(member, elected);
    for (const { name, raft } of changed) this.#configurations.checkLog(name, raft, this.#highestCommitted);
    for (const { member, knownIndex } of decided) {
      this.#configurations.checkDecision(member.name, member.raft, knownIndex);
    }
  }

  /** Whoever is told to lead at once must have what the leader has, to be able to win. */
  onSend({ type, from, to }: PeerMessage): void {
    const leader = this.#byId.get(from)?.raft;
    const successor = this.#byId.get(to)?.raft;
    if (type !== "timeoutNow" || leader === undefined || successor === undefined) return;
    if (successor.term > leader.term || successor.log.lastIndex >= leader.log.lastIndex) return;
    throw new InvariantViolation(
      "a successor has the whole log",
      `at ${successor.log.lastIndex} of ${leader.log.lastIndex} a member was told to lead in term ${leader.term}`,
    );
  }

  /** Whether a member holds a committed entry for good; of one that is down, as it was when it went down. */
  #holds(voter: NodeId, index: number): boolean {
    const raft = this.#byId.get(voter)?.raft;
    if (raft === undefined || raft.syncedIndex < index) return false;
    return index <= raft.log.baseIndex || raft.log.termAt(index) === this.#committed.get(index)?.entry.term;
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
    this.#byId.set(raft.id, seen);
    return seen;
  }

  /** Whether it is the first that is seen of a new leader. */
  #checkTerm({ name, raft }: Observed, seen: Seen): boolean {
    if (raft.term < seen.term) {
      throw new InvariantViolation("monotonic term", `${name} went from term ${seen.term} back to ${raft.term}`);
    }
    seen.term = raft.term;
    if (raft.role !== "leader" || seen.leaderTerm === raft.term) return false;
    seen.leaderTerm = raft.term;
    if (raft.witness) throw new InvariantViolation("a witness never leads", `${name} leads in term ${raft.term}`);
    const other = this.#leaders.get(raft.term);
    if (other !== undefined && other !== name) {
      throw new InvariantViolation("election safety", `${other} and ${name} both lead in term ${raft.term}`);
    }
    this.#leaders.set(raft.term, name);
    this.#checkCompleteness(name, raft);
    return true;
  }

  /** While a leader may believe in its lease, nobody else is elected: else its reads might miss what another commits. */
  #checkLease({ name, raft, now }: Observed, elected: readonly Observed[]): void {
    if (raft.role !== "leader" || raft.reads !== "lease" || raft.transfer !== undefined) return;
    const successor = elected.find((other) => other.raft.term > raft.term);
    if (successor === undefined) return;
    const until = jointCommittedIndex(
      raft.voters,
      (voter) => (voter === raft.id ? Infinity : (raft.progress.get(voter)?.leaseUntil ?? 0)),
      raft.majorityOf,
    );
    if (now >= until) return;
    throw new InvariantViolation(
      "a lease is exclusive",
      `${successor.name} leads in term ${successor.raft.term}, and ${name} has a lease for ${until - now} ms more`,
    );
  }

  #checkCompleteness(name: string, { log, term }: Raft): void {
    for (let index = log.baseIndex + 1; index <= this.#highestCommitted; index++) {
      const committed = this.#committed.get(index);
      // Only what was committed in an earlier term binds a leader; the votes for this one may have been long on the way.
      if (committed === undefined || committed.committedIn >= term) continue;
      if (log.termAt(index) === committed.entry.term) continue;
      throw new InvariantViolation(
        "leader completeness",
        `${name} leads in term ${term} without entry ${index} of term ${committed.entry.term}, which ${committed.by} committed`,
      );
    }
  }

  #checkLog({ name, raft }: Observed, seen: Seen): void {
    const { log } = raft;
    const from = raft.epoch === seen.epoch ? seen.checkedIndex : Math.min(raft.commit, seen.checkedIndex);
    for (let index = Math.max(from, log.baseIndex) + 1; index <= log.lastIndex; index++) {
      const entry = log.at(index)!;
      const { term } = entry;
      const previousTerm = log.termAt(index - 1)!;
      const key = `${index}/${term}`;
      const known = this.#entries.get(key);
      if (known === undefined || (known.entry.kind === "omitted" && known.previousTerm === previousTerm)) {
        this.#entries.set(key, { previousTerm, entry, by: name });
      } else if (known.previousTerm !== previousTerm || !isSame(known.entry, entry)) {
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
        this.#committed.set(index, { entry, committedIn: raft.term, by: name });
        this.#highestCommitted = Math.max(this.#highestCommitted, index);
        this.#configurations.onCommitted(entry);
      } else if (!isSame(known.entry, entry)) {
        throw new InvariantViolation(
          "committed entries are immutable",
          `${known.by} committed entry ${index} of term ${known.entry.term}, ${name} one of term ${entry.term}`,
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
    if (stateHash === undefined) return;
    const known = this.#states.get(applied);
    if (known === undefined) this.#states.set(applied, { hash: stateHash, by: name });
    else if (known.hash !== stateHash) {
      throw new InvariantViolation("state machine safety", `${known.by} and ${name} differ after entry ${applied}`);
    }
  }
}

/** Of entries at the same index. */
function isSame(one: Entry, other: Entry): boolean {
  if (one.term !== other.term) return false;
  if (one.kind === "omitted" || other.kind === "omitted") return true;
  return one.kind === other.kind && sameBytes(one.data, other.data);
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}
