import type { Clock } from "../runtime/index.ts";
import { ConsensusError, type ConsensusErrorCode } from "./consensus-error.ts";
import type { Fact } from "./effects.ts";
import type { NodeId } from "./entry.ts";
import type { Raft } from "./raft.ts";

interface Waiting {
  readonly to: NodeId;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface TransferRequestOptions {
  readonly raft: Raft;
  readonly clock: Clock;
  /** Feeds the core. */
  readonly ask: (to: NodeId) => void;
}

/** Who waits here for leadership to be handed over: all that ask during one transfer wait for the same end. */
export class TransferRequest {
  readonly #options: TransferRequestOptions;
  #waiting: Waiting[] = [];
  #giveUpAt = 0;
  #refusal: ConsensusErrorCode | undefined;

  constructor(options: TransferRequestOptions) {
    this.#options = options;
  }

  start(to: NodeId): Promise<void> {
    const { raft, clock, ask } = this.#options;
    this.#refusal = undefined;
    ask(to);
    if (this.#refusal !== undefined) return Promise.reject(new ConsensusError(this.#refusal));
    const { transfer } = raft;
    // It was asked to hand leadership to itself.
    if (transfer === undefined) return Promise.resolve();
    if (this.#waiting.length === 0) this.#giveUpAt = clock.now() + 3 * raft.electionTimeoutMs;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ to: transfer.to, resolve, reject });
    });
  }

  refused(reason: ConsensusErrorCode): void {
    this.#refusal = reason;
  }

  onFact(fact: Fact): void {
    if (fact.type === "transferAborted") {
      this.#end("TRANSFER_ABORTED");
    } else if (fact.type === "leaderChanged" && fact.leader !== 0) {
      this.#end(this.#waiting[0]?.to === fact.leader ? undefined : "LEADERSHIP_LOST");
    }
  }

  /** Called from time to time: once this node no longer leads, it may never learn who does. */
  tick(): void {
    if (this.#waiting.length > 0 && this.#options.clock.now() >= this.#giveUpAt) this.#end("LEADERSHIP_LOST");
  }

  close(): void {
    this.#end("STOPPED");
  }

  #end(code: ConsensusErrorCode | undefined): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (code === undefined) resolve();
      else reject(new ConsensusError(code));
    }
  }
}
