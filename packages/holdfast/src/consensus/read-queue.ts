import type { Clock, Random } from "../runtime/index.ts";

interface Round {
  readonly waiters: (() => void)[];
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
}

/** Linearizable reads that wait: first for a read index, one round for all that came together, then for its applying. */
export class ReadQueue {
  readonly #options: ReadQueueOptions;
  /** Starts anywhere, so that an answer to this node's earlier life is never taken for one to this life. */
  #lastId: number;
  #waiting: (() => void)[] = [];
  #deferred = false;
  readonly #rounds = new Map<number, Round>();
  #ready: { readonly index: number; readonly waiters: (() => void)[] }[] = [];

  constructor(options: ReadQueueOptions) {
    this.#options = options;
    this.#lastId = options.random.integer(0, 2 ** 51);
  }

  /** Calls `waiter` once the state machine may answer a read that came in now. */
  add(waiter: () => void): void {
    this.#waiting.push(waiter);
    if (this.#deferred) return;
    this.#deferred = true;
    this.#options.clock.defer(() => this.#ask());
  }

  #ask(): void {
    this.#deferred = false;
    if (this.#waiting.length === 0) return;
    const id = ++this.#lastId;
    this.#rounds.set(id, { waiters: this.#waiting, startedAt: this.#options.clock.now() });
    this.#waiting = [];
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
    this.#waiting.push(...round.waiters);
  }

  onApplied(applied: number): void {
    if (this.#ready.length === 0) return;
    const served = this.#ready.filter(({ index }) => index <= applied);
    if (served.length === 0) return;
    this.#ready = this.#ready.filter(({ index }) => index > applied);
    for (const { waiters } of served) for (const waiter of waiters) waiter();
  }

  /** Called from time to time: repeats rounds whose answer was lost, and those that were dropped. */
  tick(): void {
    const { clock, retryMs } = this.#options;
    const now = clock.now();
    for (const [id, { startedAt }] of this.#rounds) {
      if (now - startedAt < retryMs) break;
      this.dropped(id);
    }
    if (!this.#deferred) this.#ask();
  }
}
