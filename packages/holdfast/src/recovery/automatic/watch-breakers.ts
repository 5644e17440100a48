import type { BreakerEvent } from "../../resilience/index.ts";
import type { AutomaticRecovery } from "./automatic-recovery.ts";
import type { FailurePriority } from "./failure.ts";

export interface WatchBreakersOptions {
  /** What a breaker guards, by its name. Default: that name. */
  readonly target?: (breaker: string) => string;
  readonly priority?: FailurePriority;
  readonly onError?: (error: unknown) => void;
}

/**
 * A listener for circuit breakers: one that opens is a failure (`breakerOpen`) of what it guards, until it closes. What a
 * person has forced open is none.
 *
 * @example
 * const onEvent = watchBreakers(recovery);
 * const orders = circuitBreaker({ name: "orders", onEvent });
 */
export function watchBreakers(
  recovery: Pick<AutomaticRecovery, "report" | "recovered">,
  { target: targetOf = (breaker) => breaker, priority, onError }: WatchBreakersOptions = {},
): (event: BreakerEvent) => void {
  const open = new Set<string>();
  return (event) => {
    if (event.type === "breakerRejected") return;
    const { type, policy, reason, openMs } = event;
    const target = targetOf(policy);
    let told: Promise<void> | undefined;
    if (type === "breakerOpened") {
      open.add(policy);
      const evidence = { breaker: policy, reason, openMs };
      told = recovery.report({ type: "breakerOpen", target, ...(priority !== undefined && { priority }), evidence });
    } else if (type === "breakerClosed" || type === "breakerDisabled" || type === "breakerMetricsOnly") {
      open.delete(policy);
      // Several breakers may guard one target.
      if (![...open].some((other) => targetOf(other) === target)) {
        told = recovery.recovered(target, { type: "breakerOpen", because: `the breaker ${policy} has closed` });
      }
    }
    told?.catch((error: unknown) => onError?.(error));
  };
}
