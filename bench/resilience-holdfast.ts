import { bulkhead, circuitBreaker, fallback, pipeline, retry, timeout, type Policy } from "holdfast/resilience";
import { windowSize, type Protect, type System } from "./resilience-cases.ts";

const retrying = () => retry({ maxAttempts: 3 });
const breaking = () => circuitBreaker();
const limiting = () => timeout({ timeoutMs: 10_000 });
const separating = () => bulkhead({ maxConcurrent: 100 });

function through(make: () => Policy<unknown>): Protect {
  return (operation) => {
    const policy = make();
    return () => policy.execute(operation);
  };
}

export const system: System = {
  retry: through(retrying),
  breaker: through(breaking),
  timeout: through(limiting),
  bulkhead: through(separating),
  fallback: through(() => fallback(() => 0)),
  pipeline: through(() => pipeline(retrying(), breaking(), limiting(), separating())),
  open: through(() => {
    const breaker = breaking();
    breaker.forceOpen();
    return breaker;
  }),
  window: through(() =>
    circuitBreaker({
      window: { kind: "count", size: windowSize },
      minimumCalls: windowSize,
      failureRate: 0.99,
    }),
  ),
};
