import type { Raft, NodeId } from "../consensus/index.ts";

/** Raft's promises between cores (Ongaro and Ousterhout, figure 3), to be checked as often as they can break. */
export class CorePromises {
  readonly #leaders = new Map<number, NodeId>();
  /** The term of what any core has committed, by index. */
  readonly #committed = new Map<number, { readonly term: number; readonly by: NodeId }>();
  /** What stands before the entry of an index and a term. */
  readonly #previousTerms = new Map<string, number>();
  readonly #seen = new WeakMap<Raft, number>();

  /** @throws Error naming the promise that is broken */
  check(cores: Iterable<Raft>): void {
    for (const raft of cores) {
      this.#checkLeader(raft);
      this.#checkTail(raft);
      this.#checkCommitted(raft);
    }
  }

  #checkLeader({ id, role, term }: Raft): void {
    if (role !== "leader") return;
    const other = this.#leaders.get(term) ?? id;
    if (other !== id) throw new Error(`one leader a term: ${other} and ${id} both lead term ${term}`);
    this.#leaders.set(term, id);
  }

  /** Log matching, of what is not committed: an entry's index and term tell all that is before it. */
  #checkTail({ id, log, commit }: Raft): void {
    for (let index = Math.max(commit, log.baseIndex) + 1; index <= log.lastIndex; index++) {
      const entry = `${index} of term ${log.termAt(index)}`;
      const before = log.termAt(index - 1)!;
      const known = this.#previousTerms.get(entry) ?? before;
      if (known !== before)
        throw new Error(`logs match: before ${entry} ${id} holds one of term ${before}, not ${known}`);
      this.#previousTerms.set(entry, known);
    }
  }

  #checkCommitted(raft: Raft): void {
    const { id, log, commit } = raft;
    const seen = this.#seen.get(raft) ?? log.baseIndex;
    if (commit < seen) throw new Error(`commits never go back: ${id} went from ${seen} to ${commit}`);
    for (let index = Math.max(seen, log.baseIndex) + 1; index <= commit; index++) {
      const term = log.termAt(index);
      if (term === undefined) throw new Error(`committed entries are held: ${id} lacks ${index}`);
      const known = this.#committed.get(index);
      if (known === undefined) this.#committed.set(index, { term, by: id });
      else if (known.term !== term) {
        const both = `${known.by} one of term ${known.term}, ${id} one of term ${term}`;
        throw new Error(`committed entries do not change: at ${index} committed ${both}`);
      }
    }
    this.#seen.set(raft, commit);
  }
}
