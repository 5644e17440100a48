// @ts-expect-error: it has no types
import opossum from "opossum";
import { windowSize, type Protect, type System } from "./resilience-cases.ts";

/** What is used of opossum, which has no types of its own. */
interface Breaker {
  fire(): Promise<unknown>;
  open(): void;
}
type BreakerClass = new (action: () => Promise<number>, options: Readonly<Record<string, unknown>>) => Breaker;

const CircuitBreaker = opossum as BreakerClass;

/** Everything in opossum is a breaker; the other policies are options of it. */
function through(options: Readonly<Record<string, unknown>>, prepare?: (breaker: Breaker) => void): Protect {
  return (operation) => {
    const breaker = new CircuitBreaker(operation, { timeout: false, ...options });
    prepare?.(breaker);
    return () => breaker.fire();
  };
}

export const system: System = {
  breaker: through({}),
  timeout: through({ timeout: 10_000 }),
  bulkhead: through({ capacity: 100 }),
  fallback: (operation) => {
    const breaker = new CircuitBreaker(operation, { timeout: false }) as Breaker & { fallback(fn: () => number): void };
    breaker.fallback(() => 0);
    return () => breaker.fire();
  },
  open: through({}, (breaker) => breaker.open()),
  // Its windows are of time: as many buckets as the others have calls.
  window: through({
    rollingCountTimeout: windowSize,
    rollingCountBuckets: windowSize,
    rollingPercentilesEnabled: false,
    errorThresholdPercentage: 99,
    volumeThreshold: windowSize,
  }),
};
