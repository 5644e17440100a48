import { systemClock, type Clock, type Timer } from "../runtime/system.ts";

interface VirtualTimer extends Timer {
  readonly due: number;
  readonly callback: () => void;
}

/** The shortest a timer takes, as in Node: a loop of sleeps of no length must not stop time. */
const shortestTimerMs = 1;

/** 2026-01-01T00:00:00Z, when virtual time starts. */
const startOfTime = 1_767_225_600_000;

/**
 * A clock that stands still until a test moves it: for testing one policy or component. Whole programs with several
 * processes, networks and disks run in `simulate()` instead.
 *
 * @example
 * const clock = new VirtualClock();
 * const result = retry({ clock }).execute(flaky);
 * await clock.advance(10_000);
 * expect(await result).toBe("done");
 */
export class VirtualClock implements Clock {
  /** By time, then by the order of setting. */
  readonly #timers: VirtualTimer[] = [];
  #now = 0;
  #wallOffset = startOfTime;
  #deferred = 0;

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return Math.floor(this.#wallOffset + this.#now);
  }

  /** Timers and sleeps that wait; a test that ends with any has found a leak. */
  get pending(): number {
    return this.#timers.length;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const due = this.#now + (delayMs > shortestTimerMs ? delayMs : shortestTimerMs);
    const timer: VirtualTimer = { due, callback, cancel: () => this.#remove(timer) };
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1] as VirtualTimer).due > due) at--;
    this.#timers.splice(at, 0, timer);
    return timer;
  }

  /** A later turn comes by itself, whether time moves or not. */
  defer(callback: () => void): void {
    this.#deferred++;
    systemClock.defer(() => {
      this.#deferred--;
      callback();
    });
  }

  sleep(delayMs: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal;
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.setTimer(delayMs, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Moves the wall clock alone, backwards when negative, as a time server's correction does. */
  jumpWallTime(byMs: number): void {
    this.#wallOffset += byMs;
  }

  /**
   * Lets `byMs` pass: what is due runs in order, each at its own time, and before and after each everything that can
   * go on without time passing goes on. What a callback throws, this throws. `advance(0)` only lets things go on.
   */
  async advance(byMs: number): Promise<void> {
    if (!(byMs >= 0 && byMs < Infinity)) {
      throw new RangeError(`advance.byMs must be a finite number >= 0 (got ${byMs})`);
    }
    const until = this.#now + byMs;
    await this.#settle();
    for (let next = this.#timers[0]; next !== undefined && next.due <= until; next = this.#timers[0]) {
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.due);
      next.callback();
      await this.#settle();
    }
    this.#now = Math.max(this.#now, until);
  }

  /** A turn of the real event loop comes after all microtasks; once more for what they deferred. */
  async #settle(): Promise<void> {
    do await new Promise<void>((resolve) => systemClock.defer(resolve));
    while (this.#deferred > 0);
  }

  #remove(timer: VirtualTimer): void {
    const at = this.#timers.indexOf(timer);
    if (at >= 0) this.#timers.splice(at, 1);
  }
}
