import { bulkhead, circuitBreaker, fallback, pipeline, retry, timeout, type Policy } from "holdfast/resilience";
import type { TelemetryListener } from "holdfast/telemetry";
import { windowSize, type Protect, type System } from "./resilience-cases.ts";

/** What watches the policies of a case. */
export interface Watch {
  readonly onEvent: TelemetryListener | undefined;
  readonly around?: (policy: Policy<unknown>) => Policy<unknown>;
  readonly onPolicy: (policy: Policy<unknown>) => void;
}

/** The cases of `resilience-holdfast.ts`, each policy named and watched. */
export function watchedSystem(watch: () => Watch): System {
  const through =
    (make: (common: { readonly name: string; readonly onEvent?: TelemetryListener }) => Policy<unknown>): Protect =>
    (operation) => {
      const { onEvent, around, onPolicy } = watch();
      const policy = make({ name: "bench", ...(onEvent === undefined ? {} : { onEvent }) });
      onPolicy(policy);
      const called = around?.(policy) ?? policy;
      return () => called.execute(operation);
    };
  return {
    retry: through((common) => retry({ ...common, maxAttempts: 3 })),
    breaker: through((common) => circuitBreaker(common)),
    timeout: through((common) => timeout({ ...common, timeoutMs: 10_000 })),
    bulkhead: through((common) => bulkhead({ ...common, maxConcurrent: 100 })),
    fallback: through((common) => fallback(() => 0, common)),
    pipeline: through((common) =>
      pipeline(
        retry({ ...common, maxAttempts: 3 }),
        circuitBreaker(common),
        timeout({ ...common, timeoutMs: 10_000 }),
        bulkhead({ ...common, maxConcurrent: 100 }),
      ),
    ),
    open: through((common) => {
      const breaker = circuitBreaker(common);
      breaker.forceOpen();
      return breaker;
    }),
    window: through((common) =>
      circuitBreaker({
        ...common,
        window: { kind: "count", size: windowSize },
        minimumCalls: windowSize,
        failureRate: 0.99,
      }),
    ),
  };
}
