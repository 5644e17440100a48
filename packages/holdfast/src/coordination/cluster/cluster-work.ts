import { ConsensusError, learnerReady, type RaftNode } from "../../consensus/index.ts";
import type { ClusterChange, ClusterRequest } from "./cluster-change.ts";
import { judge, type ClusterView } from "./cluster-rules.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { CoordinationErrorCode } from "../coordination-error.ts";
import type { MemberInfo } from "../coordination.ts";
import { committedConfiguration, isSettled } from "./member-list.ts";

export interface ClusterWorkOptions {
  readonly node: () => RaftNode;
  readonly now: () => number;
  readonly cluster: ClusterState;
  readonly published: () => readonly MemberInfo[];
  readonly peerUrlsOf: (id: number) => readonly string[];
  /** Everybody ever heard of here: whoever is in no configuration any more has left. */
  readonly known: () => Iterable<bigint>;
  /** Hands a change to the log; nothing is promised. */
  readonly propose: (change: ClusterChange) => void;
  readonly autoPromote: boolean;
}

/** After so long a request that the leader keeps failing at is given up: who asked has stopped waiting. */
const patienceMs = 10_000;
/** An answer that does not come back from the log is given again. */
const answerAgainMs = 1_000;

interface Answered {
  readonly refused: CoordinationErrorCode | undefined;
  at: number;
}

/**
 * What a leader does for the cluster: carries out what members ask for, one after the other, promotes learners that are
 * ready, and notes who has left. Any leader may find a request half done by the one before it.
 */
export class ClusterWork {
  readonly #options: ClusterWorkOptions;
  /** When this leader first saw each request. */
  readonly #seen = new Map<number, number>();
  readonly #answered = new Map<number, Answered>();
  #term = 0;
  /** When it began to lead, or a little later. */
  #since = 0;
  #busy = false;

  constructor(options: ClusterWorkOptions) {
    this.#options = options;
  }

  tick(): void {
    const { node, cluster, now } = this.#options;
    const { raft, applied } = node();
    // What a leader before has answered must be applied first.
    if (raft.role !== "leader" || raft.log.termAt(applied) !== raft.term) return;
    if (raft.term !== this.#term) this.#begin(raft.term);
    if (this.#busy || raft.transfer !== undefined || !isSettled(node())) return;
    for (const number of this.#answered.keys()) if (!cluster.asks.has(number)) this.#answered.delete(number);
    for (const number of this.#seen.keys()) if (!cluster.asks.has(number)) this.#seen.delete(number);
    this.#noteRemoved();
    // To a leader that has just begun everybody seems to be there.
    const knowsWhoIsThere = now() - this.#since >= raft.electionTimeoutMs;
    for (const [number, request] of cluster.asks) {
      const answered = this.#answered.get(number);
      if (answered === undefined) {
        if (request.type !== "moveLeader" && !knowsWhoIsThere) return;
        return void this.#run(number, request);
      }
      if (now() - answered.at < answerAgainMs) continue;
      answered.at = now();
      this.#tell(number, answered.refused);
    }
    if (this.#options.autoPromote && knowsWhoIsThere) this.#promoteReady();
  }

  #begin(term: number): void {
    this.#term = term;
    this.#since = this.#options.now();
    this.#seen.clear();
    this.#answered.clear();
  }

  async #run(number: number, request: ClusterRequest): Promise<void> {
    const { node, now } = this.#options;
    const term = this.#term;
    const seenAt = this.#seen.get(number) ?? now();
    this.#seen.set(number, seenAt);
    this.#busy = true;
    let refused: CoordinationErrorCode | undefined;
    try {
      const verdict = judge(request, this.#view());
      if (verdict.verdict === "refused") refused = verdict.code;
      else if (verdict.verdict === "change") await node().changeConfiguration(verdict.changes);
      else if (verdict.verdict === "transfer") await node().transferLeadership(verdict.to);
    } catch (error) {
      // What a member of another version asks for may be nothing that can be.
      if (!(error instanceof ConsensusError)) refused = "NOT_SUPPORTED";
      else if (request.type === "moveLeader") refused = "TRANSFER_FAILED";
      else if (now() - seenAt < patienceMs) return;
      else refused = "TIMED_OUT";
    } finally {
      this.#busy = false;
    }
    // Another leader finds the request in its state, and what has been done about it in the configuration.
    if (term === this.#term) this.#answered.set(number, { refused, at: now() });
    this.#tell(number, refused);
  }

  #tell(number: number, refused: CoordinationErrorCode | undefined): void {
    this.#options.propose(refused === undefined ? { type: "answer", number } : { type: "answer", number, refused });
  }

  /** Ids of members that were removed, also by a leader that could not write it down. */
  #noteRemoved(): void {
    const { node, cluster, known, propose } = this.#options;
    const { voters, learners } = committedConfiguration(node());
    const ids = new Set([...known()].filter((id) => !cluster.removed.has(id)));
    for (const id of [...voters, ...learners]) ids.delete(BigInt(id));
    if (ids.size > 0) propose({ type: "removed", ids: [...ids] });
  }

  #promoteReady(): void {
    const { raft } = this.#options.node();
    const id = raft.configuration.learners.find((learner) => learnerReady(raft, learner));
    if (id === undefined) return;
    const verdict = judge({ type: "memberPromote", id: BigInt(id) }, this.#view());
    if (verdict.verdict !== "change") return;
    this.#busy = true;
    const over = (): void => void (this.#busy = false);
    // Refused or uncertain: the next tick looks again.
    this.#options.node().changeConfiguration(verdict.changes).then(over, over);
  }

  #view(): ClusterView {
    const { node, published, peerUrlsOf } = this.#options;
    const { raft } = node();
    const started = new Set(published().map(({ id }) => Number(id)));
    return {
      configuration: raft.configuration,
      self: raft.id,
      isStarted: (id) =>
        started.has(id) || (raft.configuration.witnesses.includes(id) && (raft.progress.get(id)?.match ?? 0) > 0),
      isHeard: (id) => {
        const heardAt = raft.progress.get(id)?.heardAt;
        return id === raft.id || (heardAt !== undefined && raft.now - heardAt < raft.electionTimeoutMs);
      },
      isReady: (id) => learnerReady(raft, id),
      peerUrlsOf,
    };
  }
}
