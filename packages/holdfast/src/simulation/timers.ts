import type { Clock, Timer } from "../runtime/index.ts";

/** Timers under their usual names, for code that takes them as parameters. */
export interface Timers {
  readonly setTimeout: (callback: () => void, delayMs?: number) => unknown;
  readonly clearTimeout: (timer: unknown) => void;
  readonly setInterval: (callback: () => void, delayMs?: number) => unknown;
  readonly clearInterval: (timer: unknown) => void;
  /** `Date.now`, by the process's wall clock. */
  readonly now: () => number;
}

/**
 * Timers on a clock: those of a process end with it, wait while it is paused, and know virtual time alone.
 *
 * @example
 * const { setTimeout, clearTimeout } = timersOf(runtime.clock);
 */
export function timersOf(clock: Clock): Timers {
  const clear = (timer: unknown): void => (timer as Timer | undefined)?.cancel();
  return {
    setTimeout: (callback, delayMs = 0) => clock.setTimer(delayMs, callback),
    clearTimeout: clear,
    setInterval(callback, delayMs = 0) {
      let timer: Timer;
      const next = (): void => {
        timer = clock.setTimer(delayMs, () => {
          next();
          callback();
        });
      };
      next();
      return { cancel: () => timer.cancel() };
    },
    clearInterval: clear,
    now: () => clock.wallTime(),
  };
}

/** `AbortSignal.timeout` on a clock: aborts with a DOMException named `TimeoutError`. */
export function abortAfter(clock: Clock, delayMs: number): AbortSignal {
  const controller = new AbortController();
  clock.setTimer(delayMs, () => controller.abort(new DOMException("The operation timed out", "TimeoutError")));
  return controller.signal;
}
