import { Effect, Schedule, Semaphore } from "effect";
import type { Protect, System } from "./resilience-cases.ts";

type Attempt = Effect.Effect<number, unknown>;

function through(protect: (attempt: Attempt) => Effect.Effect<unknown, unknown>): Protect {
  return (operation) => {
    const attempt: Attempt = Effect.tryPromise({ try: operation, catch: (error) => error });
    const protectedly = protect(attempt);
    return () => Effect.runPromise(protectedly);
  };
}

export const system: System = {
  retry: through((attempt) => Effect.retry(attempt, { times: 2, schedule: Schedule.exponential("100 millis") })),
  timeout: through((attempt) => Effect.timeout(attempt, "10 seconds")),
  bulkhead: through((attempt) => Semaphore.makeUnsafe(100).withPermits(1)(attempt)),
  fallback: through((attempt) => attempt.pipe(Effect.catch(() => Effect.succeed(0)))),
};
