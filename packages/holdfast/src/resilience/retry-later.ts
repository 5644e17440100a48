import { takeContext, type WorkContext } from "../runtime/system.ts";
import type { Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import { ResilienceError } from "./resilience-error.ts";
import { rejected } from "./stage.ts";
import { WheelTimer, type TimerWheel } from "./timer-wheel.ts";
import { TimeoutError } from "./timeout-error.ts";

/** A call that ran out of time was to be queued, and the queue was full or closed. `cause` is its timeout. */
export class RetryQueueFullError extends ResilienceError {
  static override readonly brand: string = "RetryQueueFullError";

  constructor(queue: string, maxQueue: number, cause: TimeoutError) {
    super(`the retry queue of ${queue} is full: ${maxQueue} calls waiting`, {
      name: "RetryQueueFullError",
      code: "RETRY_QUEUE_FULL",
      kind: "resource",
      retryable: true,
      cause,
    });
  }
}

export interface RetryLaterOptions {
  /** Calls that wait: an integer >= 1. Default 100. */
  readonly maxQueue: number;
  /** Before the first retry; doubled after each that ran out of time. Milliseconds > 0. Default 1 000. */
  readonly delayMs: number;
  /** The delay is never more: milliseconds >= `delayMs`. Default 30 000. */
  readonly maxDelayMs: number;
  /** Tries of one call from the queue: an integer >= 1. Default 3. */
  readonly maxAttempts: number;
}

/** One try of a queued call. Rejects with a `TimeoutError` to be tried again later, with anything else to be given up. */
export type LaterAttempt = () => Promise<unknown>;

interface Waiting {
  readonly call: Call;
  readonly attempt: LaterAttempt;
  /** One timer tries for all. */
  readonly context: WorkContext;
  readonly timedOut: TimeoutError;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  unlisten: (() => void) | undefined;
  attempts: number;
}

/**
 * Calls that ran out of time and are tried again when there is hope: in order of arrival, one at a time, so that a
 * dependency that comes back is not met by all at once. The first probes; when it succeeds the others follow at once.
 */
export class RetryLater extends WheelTimer {
  readonly #name: string;
  readonly #options: RetryLaterOptions;
  readonly #wheel: TimerWheel;
  /** In order of arrival: a set deletes in constant time and keeps its order. */
  readonly #waiting = new Set<Waiting>();
  #running = false;
  #closed = false;
  #delayMs: number;

  constructor(name: string, options: RetryLaterOptions, wheel: TimerWheel) {
    super();
    this.#name = name;
    this.#options = options;
    this.#wheel = wheel;
    this.#delayMs = options.delayMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Settles when the call was tried with success, or is given up. */
  add(call: Call, timedOut: TimeoutError, attempt: LaterAttempt): Promise<unknown> {
    const { maxQueue } = this.#options;
    if (this.#closed || this.#waiting.size >= maxQueue) {
      return rejected(new RetryQueueFullError(this.#name, maxQueue, timedOut));
    }
    return new Promise((resolve, reject) => {
      const context = takeContext();
      const waiting: Waiting = { call, attempt, context, timedOut, resolve, reject, unlisten: undefined, attempts: 0 };
      waiting.unlisten = call.onAbort(() => this.#leave(waiting, () => reject(call.reason)));
      this.#waiting.add(waiting);
      if (this.#waiting.size === 1 && !this.#running) this.#wheel.start(this, this.#delayMs);
    });
  }

  override expire(): void {
    void this.#drain();
  }

  /** Gives all who wait their own timeout back, and admits nobody more. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting) this.#leave(waiting, () => waiting.reject(waiting.timedOut));
  }

  async #drain(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#first(); next !== undefined; next = this.#first()) {
        if (!(await this.#try(next))) break;
      }
    } finally {
      this.#running = false;
    }
    if (this.#waiting.size > 0) this.#wheel.start(this, this.#delayMs);
    else this.#delayMs = this.#options.delayMs;
  }

  #first(): Waiting | undefined {
    return this.#waiting.values().next().value;
  }

  /** @returns whether the next may follow at once */
  async #try(waiting: Waiting): Promise<boolean> {
    waiting.attempts++;
    try {
      const value = await waiting.context.runInAsyncScope(waiting.attempt);
      // Whoever left while it was tried gets nothing more.
      if (!this.#leave(waiting, () => waiting.resolve(value))) discardResult(value);
    } catch (error) {
      if (error instanceof TimeoutError) {
        this.#delayMs = Math.min(this.#delayMs * 2, this.#options.maxDelayMs);
        if (waiting.attempts >= this.#options.maxAttempts) this.#leave(waiting, () => waiting.reject(error));
        return false;
      }
      this.#leave(waiting, () => waiting.reject(error));
    }
    this.#delayMs = this.#options.delayMs;
    return true;
  }

  #leave(waiting: Waiting, settle: () => void): boolean {
    if (!this.#waiting.delete(waiting)) return false;
    waiting.unlisten?.();
    settle();
    if (this.#waiting.size === 0 && !this.#running) this.#wheel.stop(this);
    return true;
  }
}
