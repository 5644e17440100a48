import { CoordinationError } from "./coordination-error.ts";

interface Waiter {
  readonly deadline: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface PendingReadsOptions {
  /** Calls back when the state machine may answer a linearizable read asked for now; returns what takes that back. */
  readonly read: (ready: () => void) => () => void;
  readonly maxWaiting: number;
}

/** Linearizable reads that wait for their turn. */
export class PendingReads {
  readonly #options: PendingReadsOptions;
  readonly #waiters = new Set<Waiter>();

  constructor(options: PendingReadsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when a linearizable read may be answered.
   *
   * @throws CoordinationError TOO_MANY_REQUESTS at the bound, TIMED_OUT at the deadline; the signal's reason on abort
   */
  add(deadline: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiters.size >= this.#options.maxWaiting) {
      return Promise.reject(new CoordinationError("TOO_MANY_REQUESTS"));
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      let takeBack = (): void => undefined;
      const leave = (): boolean => {
        signal?.removeEventListener("abort", onAbort);
        return this.#waiters.delete(waiter);
      };
      const onAbort = (): void => waiter.reject(signal!.reason as Error);
      const waiter: Waiter = {
        deadline,
        resolve: () => leave() && resolve(),
        reject: (error) => {
          if (!leave()) return;
          takeBack();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort);
      takeBack = this.#options.read(waiter.resolve);
    });
  }

  tick(now: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.deadline <= now) waiter.reject(new CoordinationError("TIMED_OUT"));
    }
  }

  close(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}
