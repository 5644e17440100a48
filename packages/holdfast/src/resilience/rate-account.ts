import type { Clock } from "../runtime/system.ts";
import type { RateWindow } from "./rate-window.ts";

/** How long it may take until waiters whose turn has come are served: less than a timer's grain. */
const overdueMs = 0.001;

/** Somebody who waits for permits. */
export interface RateWaiter {
  readonly permits: number;
  readonly deadline: number;
  /** Its turn has come, and the permits are taken. */
  grant(): void;
  /** Its time is over; permits would be free in so many milliseconds. */
  expire(retryAfterMs: number): void;
}

/**
 * The windows of one key and those who wait for them, first come first served. A waiter holds nothing until its turn
 * comes, so one that leaves has nothing to give back, and all behind it move up.
 */
export class RateAccount {
  readonly #clock: Clock;
  readonly #waiters = new Set<RateWaiter>();
  #windows: readonly RateWindow[];
  #wanted = 0;
  #alarm: AbortController | undefined;

  constructor(clock: Clock, windows: readonly RateWindow[]) {
    this.#clock = clock;
    this.#windows = windows;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Takes the permits, or tells how many milliseconds it would take to get them; 0 means taken. */
  take(now: number, permits: number): number {
    const wait = this.#waitMs(now, this.#wanted + permits);
    if (wait > 0) return wait;
    // Their turn has come, though nobody has noticed yet: who comes now goes behind them.
    if (this.#waiters.size > 0) return overdueMs;
    for (const window of this.#windows) window.take(now, permits);
    return 0;
  }

  enter(waiter: RateWaiter): void {
    this.#waiters.add(waiter);
    this.#wanted += waiter.permits;
    if (this.#waiters.size === 1) this.#serve();
  }

  leave(waiter: RateWaiter): void {
    if (this.#remove(waiter)) this.#serve();
  }

  /** Nothing taken, nobody waiting: a new account would be the same. */
  isIdle(now: number): boolean {
    return this.#waiters.size === 0 && this.#windows.every((window) => window.used(now) === 0);
  }

  /** Other limits; what is taken stays taken, as far as they go. */
  replace(windows: readonly RateWindow[]): void {
    const now = this.#clock.now();
    const used = Math.max(...this.#windows.map((window) => window.used(now)));
    for (const window of windows) window.take(now, Math.min(used, window.capacity));
    this.#windows = windows;
    this.#serve();
  }

  #waitMs(now: number, permits: number): number {
    let longest = 0;
    for (const window of this.#windows) {
      const wait = window.waitMs(now, permits);
      if (wait > longest) longest = wait;
    }
    return longest;
  }

  #remove(waiter: RateWaiter): boolean {
    if (!this.#waiters.delete(waiter)) return false;
    this.#wanted -= waiter.permits;
    return true;
  }

  /** Lets in whose turn it is, and sees that the next one's turn is noticed. */
  #serve(): void {
    this.#alarm?.abort();
    this.#alarm = undefined;
    const now = this.#clock.now();
    for (const waiter of this.#waiters) {
      const wait = this.#waitMs(now, waiter.permits);
      if (wait > 0 && now < waiter.deadline) {
        this.#setAlarm(Math.min(wait, waiter.deadline - now));
        return;
      }
      this.#remove(waiter);
      if (wait > 0) {
        waiter.expire(wait);
        continue;
      }
      for (const window of this.#windows) window.take(now, waiter.permits);
      waiter.grant();
    }
  }

  /** Sleeps rather than setting a timer: a process must not end while a call of it waits for its turn. */
  #setAlarm(delayMs: number): void {
    const alarm = new AbortController();
    this.#alarm = alarm;
    this.#clock.sleep(delayMs, { signal: alarm.signal }).then(
      () => {
        if (this.#alarm === alarm) this.#serve();
        return undefined;
      },
      () => undefined,
    );
  }
}
