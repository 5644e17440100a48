import type { Clock } from "../../runtime/index.ts";

/** Resolves after the time, or as soon as one of the signals aborts; infinity waits for these alone. */
export function pause(clock: Pick<Clock, "setTimer">, delayMs: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    if (delayMs <= 0 || signals.some((signal) => signal.aborted)) {
      resolve();
      return;
    }
    const timer = delayMs === Infinity ? undefined : clock.setTimer(delayMs, done);
    function done(): void {
      timer?.cancel();
      for (const signal of signals) signal.removeEventListener("abort", done);
      resolve();
    }
    for (const signal of signals) signal.addEventListener("abort", done, { once: true });
  });
}
