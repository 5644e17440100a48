import { HoldfastError } from "../../errors/base.ts";
import { exponentialBackoff, type Schedule } from "../../resilience/index.ts";
import type { Clock, RandomSource } from "../../runtime/system.ts";

/** How a request is repeated. */
export interface Persistence {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Ends the tries between two of them. */
  readonly signal?: AbortSignal | undefined;
  /** On the clock: no try begins after it. */
  readonly deadline?: number;
  /** A service that says for longer that it has stopped was closed, and not restarted. Default 10 000. */
  readonly stoppedMs?: number;
}

const backoff: Schedule = exponentialBackoff({ baseMs: 50, maxMs: 1_000 });

/** Outcomes that are unknown: the request may have been applied. */
const unknown: ReadonlySet<string> = new Set(["TIMED_OUT", "SESSION_EXPIRED"]);

export function isOutcomeUnknown(error: unknown): boolean {
  return HoldfastError.is(error) && unknown.has(error.code);
}

/** Whether the same request, sent again, may be answered. */
export function mayPass(error: unknown): boolean {
  return HoldfastError.is(error) && (error.retryable || unknown.has(error.code));
}

/**
 * Repeats a request that may be repeated until it is answered or refused for good: through elections, outages and
 * overload, with growing delays.
 *
 * @throws what it is refused with; what it failed with last, at the deadline and when the service has stopped; the
 * signal's reason
 */
export async function untilAnswered<T>(persistence: Persistence, attempt: () => Promise<T>): Promise<T> {
  const { clock, random, signal, deadline = Infinity, stoppedMs = 10_000 } = persistence;
  let schedule = backoff;
  let stoppedSince: number | undefined;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(error)) throw error;
      const now = clock.now();
      if ((error as HoldfastError).code !== "STOPPED") stoppedSince = undefined;
      else if (now - (stoppedSince ??= now) >= stoppedMs) throw error;
      const step = schedule.next({ attempt: 1, elapsedMs: 0, error })!;
      schedule = step.rest;
      const delayMs = step.delayMs * (0.5 + random.next() / 2);
      if (now + delayMs >= deadline) throw error;
      await clock.sleep(delayMs, signal === undefined ? {} : { signal });
    }
  }
}

/** The promise, unless the signal fires before: then what comes of it is nobody's concern. @throws the signal's reason */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
