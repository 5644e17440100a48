import { HoldfastError } from "../../errors/base.ts";
import { exponentialBackoff } from "../../resilience/index.ts";
import type { Clock, RandomSource } from "../../runtime/system.ts";

export interface Persistence {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Ends the tries. */
  readonly signal: AbortSignal;
}

const backoff = exponentialBackoff({ baseMs: 50, maxMs: 1_000 });

/** Outcomes that are unknown: the request may have been applied. */
const unknown: ReadonlySet<string> = new Set(["TIMED_OUT", "SESSION_EXPIRED"]);

/** Whether the store may answer the same request another time. */
export function mayPass(error: unknown): boolean {
  return HoldfastError.is(error) && (error.retryable || unknown.has(error.code));
}

/**
 * Repeats a request that may be repeated until it is answered, through elections and outages.
 *
 * @throws what it is refused with; the signal's reason
 */
export async function untilRecorded<T>({ clock, random, signal }: Persistence, attempt: () => Promise<T>): Promise<T> {
  let schedule = backoff;
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!mayPass(error)) throw error;
      const step = schedule.next({ attempt: tries, elapsedMs: 0, error })!;
      schedule = step.rest;
      await clock.sleep(step.delayMs * (0.5 + random.next() / 2), { signal });
    }
  }
}
