import type { Clock } from "holdfast/runtime";

/** What comes of a promise, or undefined when nothing does in this time: whoever would answer may be gone. */
export function withinTime<T>(clock: Clock, timeoutMs: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => resolve(undefined));
    promise.finally(() => timer.cancel()).then(resolve, reject);
  });
}
