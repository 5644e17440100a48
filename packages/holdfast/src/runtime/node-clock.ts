import type { Clock, Timer } from "./runtime.ts";

/** The longest delay that setTimeout takes; beyond it, it would fire at once. */
const longestDelayMs = 2 ** 31 - 1;

/** Node's clock: `performance.now`, `Date.now` and timers of one millisecond's grain, never early by more than that. */
export function nodeClock(): Clock {
  return {
    now: () => performance.now(),
    wallTime: () => Date.now(),
    setTimer(delayMs, callback) {
      const timer = new NodeTimer(delayMs, callback);
      timer.unref();
      return timer;
    },
    defer(callback) {
      setImmediate(callback);
    },
    sleep: (delayMs, options) =>
      new Promise((resolve, reject) => {
        const signal = options?.signal;
        if (signal === undefined) {
          void new NodeTimer(delayMs, resolve);
          return;
        }
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        const onAbort = (): void => {
          timer.cancel();
          reject(signal.reason);
        };
        const timer = new NodeTimer(delayMs, () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        });
        signal.addEventListener("abort", onAbort, { once: true });
      }),
  };
}

/** One setTimeout, or several in a row for a delay longer than it takes. */
class NodeTimer implements Timer {
  #timeout: NodeJS.Timeout;
  #referenced = true;

  constructor(delayMs: number, callback: () => void) {
    this.#timeout = this.#arm(delayMs, callback);
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  unref(): void {
    this.#referenced = false;
    this.#timeout.unref();
  }

  #arm(delayMs: number, callback: () => void): NodeJS.Timeout {
    if (!(delayMs > longestDelayMs)) return setTimeout(callback, delayMs > 0 ? Math.ceil(delayMs) : 0);
    return setTimeout(() => {
      this.#timeout = this.#arm(delayMs - longestDelayMs, callback);
      if (!this.#referenced) this.#timeout.unref();
    }, longestDelayMs);
  }
}
