import type { Clock, Random } from "../runtime/index.ts";

interface Waiter {
  /** Undefined once taken back. */
  ready: (() => void) | undefined;
}

interface Round {
  readonly waiters: readonly Waiter[];
  readonly startedAt: number;
}

export interface ReadQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** A round unanswered for this long is asked again. */
  readonly retryMs: number;
  /** Asks the core for a read index. */
  readonly ask: (id: number) => void;
  readonly applied: () => number;
  /** Who waited has thrown; the others are told all the same. */
  readonly onThrown: () => void;
}

/** Linearizable reads that wait: first for a read index, one round for all that came together, then for its applying. */
export class ReadQueue {
  readonly #options: ReadQueueOptions;
  /** Starts anywhere, so that an answer to this node's earlier life is never taken for one to this life. */
  #lastId: number;
  #waiting: Waiter[] = [];
  #deferred = false;
  readonly #rounds = new Map<number, Round>();
  #ready: { readonly index: number; readonly waiters: readonly Waiter[] }[] = [];

  constructor(options: ReadQueueOptions) {
    this.#options = options;
    this.#lastId = options.random.integer(0, 2 ** 51);
  }

  /** Calls `ready` once the state machine may answer a read that came in now; returns what takes that back. */
  add(ready: () => void): () => void {
    const waiter: Waiter = { ready };
    this.#waiting.push(waiter);
    if (!this.#deferred) {
      this.#deferred = true;
      this.#options.clock.defer(() => this.#ask());
    }
    return () => {
      waiter.ready = undefined;
    };
  }

  #ask(): void {
    this.#deferred = false;
    const waiters = this.#waiting.filter(isWaiting);
    this.#waiting = [];
    if (waiters.length === 0) return;
    const id = ++this.#lastId;
    this.#rounds.set(id, { waiters, startedAt: this.#options.clock.now() });
    this.#options.ask(id);
  }

  answered(id: number, index: number): void {
    const round = this.#rounds.get(id);
    if (round === undefined) return;
    this.#rounds.delete(id);
    this.#ready.push({ index, waiters: round.waiters });
    this.onApplied(this.#options.applied());
  }

  /** Asks again, later, for what nobody could answer. */
  dropped(id: number): void {
    const round = this.#rounds.get(id);
    if (round === undefined) return;
    this.#rounds.delete(id);
    this.#waiting = this.#waiting.concat(round.waiters.filter(isWaiting));
  }

  onApplied(applied: number): void {
    if (this.#ready.length === 0) return;
    const served = this.#ready.filter(({ index }) => index <= applied);
    if (served.length === 0) return;
    this.#ready = this.#ready.filter(({ index }) => index > applied);
    for (const { waiters } of served) for (const waiter of waiters) this.#tell(waiter);
  }

  #tell({ ready }: Waiter): void {
    try {
      ready?.();
    } catch {
      this.#options.onThrown();
    }
  }

  /** Called from time to time: repeats rounds whose answer was lost, and those that were dropped. */
  tick(): void {
    const { clock, retryMs } = this.#options;
    const now = clock.now();
    for (const [id, { startedAt }] of this.#rounds) {
      if (now - startedAt < retryMs) break;
      this.dropped(id);
    }
    this.#ready = this.#ready.filter(({ waiters }) => waiters.some(isWaiting));
    if (!this.#deferred) this.#ask();
  }
}

function isWaiting(waiter: Waiter): boolean {
  return waiter.ready !== undefined;
}
