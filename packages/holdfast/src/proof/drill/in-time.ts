import { OperationTimeoutError } from "../../errors/index.ts";
import type { Clock } from "../../runtime/index.ts";

export interface InTimeOptions {
  readonly clock: Pick<Clock, "setTimer">;
  readonly timeoutMs: number;
  /** Ends it early, with the signal's reason. Undefined: nothing does. */
  readonly signal: AbortSignal | undefined;
  /** What it is called when it takes too long. */
  readonly operation: string;
}

/**
 * Waits for what is begun, but no longer than `timeoutMs`, and not beyond an abort: what does not listen to its signal is
 * left to itself. The signal is aborted when the wait ends without it.
 *
 * Rejects with OperationTimeoutError, or the signal's reason.
 */
export async function inTime<T>(options: InTimeOptions, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, timeoutMs, signal, operation } = options;
  signal?.throwIfAborted();
  const ending = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    ended.reject(reason);
    ending.abort(reason);
  };
  const onAbort = (): void => end(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const message = `${operation} took longer than ${timeoutMs} ms`;
  const timer = clock.setTimer(timeoutMs, () => end(new OperationTimeoutError(message, { operation, timeoutMs })));
  try {
    return await Promise.race([begin(ending.signal), ended.promise]);
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}
