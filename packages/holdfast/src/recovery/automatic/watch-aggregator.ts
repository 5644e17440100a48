import type { ThresholdEvent } from "../../errors/index.ts";
import type { AutomaticRecovery } from "./automatic-recovery.ts";
import type { FailurePriority } from "./failure.ts";

export interface WatchAggregatorOptions {
  /** What has failed when a threshold is exceeded; undefined for nothing. Default: the group's operation. */
  readonly target?: (event: ThresholdEvent) => string | undefined;
  readonly priority?: FailurePriority;
  readonly onError?: (error: unknown) => void;
}

/**
 * A listener for an error aggregator's thresholds: too many errors of a group, or of a kind, are a failure
 * (`tooManyErrors`) of what they come from, until there are few again.
 *
 * @example
 * const errors = createErrorAggregator({ threshold: { raiseAt: 100 }, onThreshold: watchAggregator(recovery) });
 */
export function watchAggregator(
  recovery: Pick<AutomaticRecovery, "report" | "recovered">,
  { target: targetOf = operationOf, priority, onError }: WatchAggregatorOptions = {},
): (event: ThresholdEvent) => void {
  /** By target, what is exceeded there: groups by their fingerprints, kinds. */
  const exceeded = new Map<string, Set<string>>();
  return (event) => {
    const target = targetOf(event);
    if (target === undefined) return;
    const { type, kind, group, count } = event;
    const own = exceeded.get(target) ?? new Set<string>();
    const name = group?.fingerprint ?? kind;
    let told: Promise<void> | undefined;
    if (type === "thresholdExceeded") {
      exceeded.set(target, own.add(name));
      const { code, message, fingerprint } = group ?? {};
      const of =
        group === undefined ? {} : { code: code ?? null, message: message ?? null, fingerprint: fingerprint ?? null };
      const evidence = { kind, count, ...of };
      told = recovery.report({ type: "tooManyErrors", target, ...(priority !== undefined && { priority }), evidence });
    } else {
      own.delete(name);
      if (own.size > 0) return;
      exceeded.delete(target);
      told = recovery.recovered(target, { type: "tooManyErrors", because: "no threshold is exceeded any more" });
    }
    told.catch((error: unknown) => onError?.(error));
  };
}

function operationOf({ group }: ThresholdEvent): string | undefined {
  return group === undefined || group.operation === "" ? undefined : group.operation;
}
