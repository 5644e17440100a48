import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  CountBreaker,
  ExponentialBackoff,
  fallback,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from "cockatiel";
import { windowSize, type System } from "./resilience-cases.ts";

interface Policy {
  execute(operation: () => Promise<number>): Promise<unknown>;
}

const retrying = () => retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() });
const breaking = () => circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(5) });
const limiting = () => timeout(10_000, TimeoutStrategy.Aggressive);
const separating = () => bulkhead(100);

const through = (make: () => Policy) => (operation: () => Promise<number>) => {
  const policy = make();
  return () => policy.execute(operation);
};

export const system: System = {
  retry: through(retrying),
  breaker: through(breaking),
  timeout: through(limiting),
  bulkhead: through(separating),
  fallback: through(() => fallback(handleAll, () => 0)),
  pipeline: through(() => wrap(retrying(), breaking(), limiting(), separating())),
  open: through(() => {
    const breaker = breaking();
    breaker.isolate();
    return breaker;
  }),
  window: through(() =>
    circuitBreaker(handleAll, {
      halfOpenAfter: 30_000,
      breaker: new CountBreaker({ threshold: 0.99, size: windowSize, minimumNumberOfCalls: windowSize }),
    }),
  ),
};
