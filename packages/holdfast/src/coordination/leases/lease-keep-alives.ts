import type { Clock, Timer } from "../../runtime/index.ts";
import type { Answer } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { LeaseId } from "../key-value/key-value.ts";
import type { LeaseKeepAliveResponse } from "./lease.ts";

/** Times to live in the order of the ids asked for. */
export interface LeaseRenewals {
  readonly ttlSeconds: readonly number[];
}

export interface LeaseKeepAlivesOptions {
  readonly clock: Clock;
  /** Writes one command for all these leases. */
  readonly renew: (ids: readonly LeaseId[], deadline: number, signal: AbortSignal) => Promise<Answer<LeaseRenewals>>;
  readonly maxWaiting: number;
}

interface Waiter {
  readonly id: LeaseId;
  readonly deadline: number;
  readonly resolve: (answer: Answer<LeaseKeepAliveResponse>) => void;
  readonly reject: (error: Error) => void;
}

interface Batch {
  readonly waiters: Set<Waiter>;
  /** Aborted when nobody waits any more. */
  readonly gone: AbortController;
}

/** Batches leave this far apart, unless one is full. A short one: a lease is kept alive for seconds. */
const windowMs = 20;
const maxBatch = 4096;

/** Keep-alives of many leases, which leave together: each is small, and a holder sends one every few seconds. */
export class LeaseKeepAlives {
  readonly #options: LeaseKeepAlivesOptions;
  readonly #waiters = new Set<Waiter>();
  #collecting: Batch | undefined;
  #timer: Timer | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(options: LeaseKeepAlivesOptions) {
    this.#options = options;
  }

  /**
   * @throws CoordinationError TOO_MANY_REQUESTS at the bound, TIMED_OUT at the deadline, and what the write is refused
   * with; the signal's reason on abort
   */
  add(id: LeaseId, deadline: number, signal: AbortSignal | undefined): Promise<Answer<LeaseKeepAliveResponse>> {
    if (this.#waiters.size >= this.#options.maxWaiting) {
      return Promise.reject(new CoordinationError("TOO_MANY_REQUESTS"));
    }
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const batch = (this.#collecting ??= this.#begin());
      const leave = (): void => {
        signal?.removeEventListener("abort", onAbort);
        this.#waiters.delete(waiter);
        batch.waiters.delete(waiter);
        if (batch.waiters.size === 0 && batch !== this.#collecting) batch.gone.abort();
      };
      const onAbort = (): void => waiter.reject(signal!.reason as Error);
      const waiter: Waiter = {
        id,
        deadline,
        resolve: (answer) => {
          leave();
          resolve(answer);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      batch.waiters.add(waiter);
      signal?.addEventListener("abort", onAbort);
      if (batch.waiters.size >= maxBatch) this.#send(batch);
    });
  }

  tick(now: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.deadline <= now) waiter.reject(new CoordinationError("TIMED_OUT"));
    }
  }

  close(error: Error): void {
    this.#timer?.cancel();
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  #begin(): Batch {
    const { clock } = this.#options;
    const batch: Batch = { waiters: new Set(), gone: new AbortController() };
    const waitMs = this.#sentAt + windowMs - clock.now();
    if (waitMs <= 0) clock.defer(() => this.#send(batch));
    else this.#timer = clock.setTimer(waitMs, () => this.#send(batch));
    return batch;
  }

  #send(batch: Batch): void {
    if (batch !== this.#collecting) return;
    this.#collecting = undefined;
    const { clock, renew } = this.#options;
    if (batch.waiters.size === 0) return;
    this.#sentAt = clock.now();
    const positions = new Map<LeaseId, number>();
    let deadline = 0;
    for (const waiter of batch.waiters) {
      if (!positions.has(waiter.id)) positions.set(waiter.id, positions.size);
      deadline = Math.max(deadline, waiter.deadline);
    }
    void this.#answer(batch, positions, renew([...positions.keys()], deadline, batch.gone.signal));
  }

  async #answer(
    { waiters }: Batch,
    positions: ReadonlyMap<LeaseId, number>,
    renewing: Promise<Answer<LeaseRenewals>>,
  ): Promise<void> {
    try {
      const { ttlSeconds, header } = await renewing;
      for (const waiter of waiters) {
        waiter.resolve({ id: waiter.id, ttlSeconds: ttlSeconds[positions.get(waiter.id)!]!, header });
      }
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error as Error);
    }
  }
}
