import type { Outcome } from "./key-value/command.ts";
import type { RequestIdentity } from "./coordination.ts";
import { CoordinationError } from "./coordination-error.ts";
import type { ProposalSpans } from "./proposal-spans.ts";

interface Waiter {
  readonly deadline: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

interface PendingWrite {
  readonly command: Uint8Array;
  readonly waiters: Set<Waiter>;
  proposedAt: number;
  proposedTerm: number;
}

export interface PendingWritesOptions {
  readonly now: () => number;
  readonly propose: (command: Uint8Array) => void;
  /** Whether this node leads, and the term: what a leader took is not lost while it leads. */
  readonly leading: () => boolean;
  readonly term: () => number;
  /** A proposal unanswered for this long is repeated; the state machine knows a repeated one. */
  readonly retryMs: number;
  readonly maxWaiting: number;
  /** Where traces are wanted. */
  readonly spans?: ProposalSpans | undefined;
}

/** Writes that were proposed and not yet seen applied, by their identity. */
export class PendingWrites {
  readonly #options: PendingWritesOptions;
  readonly #writes = new Map<string, PendingWrite>();
  #waiting = 0;

  constructor(options: PendingWritesOptions) {
    this.#options = options;
  }

  /**
   * Proposes a command and waits until it is applied on this member.
   *
   * @throws CoordinationError TOO_MANY_REQUESTS at the bound, TIMED_OUT at the deadline; the signal's reason on abort
   */
  add(
    identity: RequestIdentity,
    command: Uint8Array,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    if (this.#waiting >= this.#options.maxWaiting) {
      return Promise.reject(new CoordinationError("TOO_MANY_REQUESTS"));
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const key = keyOf(identity);
      const write = this.#writes.get(key) ?? this.#propose(key, command);
      const leave = (reason?: unknown): void => {
        if (write.waiters.delete(waiter)) this.#waiting--;
        signal?.removeEventListener("abort", onAbort);
        if (write.waiters.size > 0 || this.#writes.get(key) !== write) return;
        this.#writes.delete(key);
        this.#options.spans?.abandoned(write.command, reason);
      };
      const onAbort = (): void => {
        leave(signal!.reason);
        reject(signal!.reason as Error);
      };
      const waiter: Waiter = {
        deadline,
        resolve: (outcome) => {
          leave();
          resolve(outcome);
        },
        reject: (error) => {
          leave(error);
          reject(error);
        },
      };
      write.waiters.add(waiter);
      this.#waiting++;
      signal?.addEventListener("abort", onAbort);
    });
  }

  #propose(key: string, command: Uint8Array): PendingWrite {
    const { now, propose, term } = this.#options;
    const write: PendingWrite = { command, waiters: new Set(), proposedAt: now(), proposedTerm: term() };
    this.#writes.set(key, write);
    this.#options.spans?.begin(command);
    propose(command);
    return write;
  }

  /** A command with this identity was applied here. */
  onApplied(identity: RequestIdentity, outcome: Outcome): void {
    const key = keyOf(identity);
    const write = this.#writes.get(key);
    if (write === undefined) return;
    this.#writes.delete(key);
    this.#options.spans?.applied(write.command);
    for (const waiter of write.waiters) waiter.resolve(outcome);
  }

  /** A leader was found: what an earlier one was given may be lost with it. */
  proposeAgain(): void {
    const { now, propose, term } = this.#options;
    for (const write of this.#writes.values()) {
      write.proposedAt = now();
      write.proposedTerm = term();
      this.#options.spans?.again(write.command);
      propose(write.command);
    }
  }

  /** Called from time to time: gives up what is over its time, repeats what may be lost. */
  tick(): void {
    const { now, propose, leading, term, retryMs } = this.#options;
    const time = now();
    this.#options.spans?.tick(time);
    for (const write of this.#writes.values()) {
      for (const waiter of write.waiters) {
        if (waiter.deadline <= time) waiter.reject(new CoordinationError("TIMED_OUT"));
      }
      // A leader keeps what it took, unless too much was uncommitted to take it: then there is no hurry.
      const patience = leading() && write.proposedTerm === term() ? 4 * retryMs : retryMs;
      if (write.waiters.size === 0 || time - write.proposedAt < patience) continue;
      write.proposedAt = time;
      write.proposedTerm = term();
      this.#options.spans?.again(write.command);
      propose(write.command);
    }
  }

  close(error: Error): void {
    for (const write of this.#writes.values()) for (const waiter of write.waiters) waiter.reject(error);
    this.#options.spans?.close(error);
  }
}

function keyOf({ client, sequence }: RequestIdentity): string {
  return `${client}/${sequence}`;
}
