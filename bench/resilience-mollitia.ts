import { BreakerState, Bulkhead, Circuit, Fallback, Retry, SlidingCountBreaker, Timeout, type Module } from "mollitia";
import { windowSize, type Protect, type System } from "./resilience-cases.ts";

const retrying = () => new Retry({ attempts: 2, interval: 100 });
const breaking = () => new SlidingCountBreaker({ openStateDelay: 30_000 });
const limiting = () => new Timeout({ delay: 10_000 });
const separating = () => new Bulkhead({ concurrentSize: 100, queueSize: 0 });

function through(make: () => Module[]): Protect {
  return (operation) => {
    const circuit = new Circuit({ func: operation, options: { modules: make() } });
    return () => circuit.execute();
  };
}

export const system: System = {
  retry: through(() => [retrying()]),
  breaker: through(() => [breaking()]),
  timeout: through(() => [limiting()]),
  bulkhead: through(() => [separating()]),
  fallback: through(() => [new Fallback({ callback: () => 0 })]),
  pipeline: through(() => [retrying(), breaking(), limiting(), separating()]),
  open: through(() => [new SlidingCountBreaker({ state: BreakerState.OPENED, openStateDelay: 3_600_000 })]),
  window: through(() => [
    new SlidingCountBreaker({
      slidingWindowSize: windowSize,
      minimumNumberOfCalls: windowSize,
      failureRateThreshold: 99,
      slowCallRateThreshold: 100,
    }),
  ]),
};
