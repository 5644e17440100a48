import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Metrics } from "./create-metrics.ts";
import { durationBuckets } from "./metric.ts";

type CallOutcome = "succeeded" | "failed" | "abandoned";

/** Fits the `observer` of `measure` in `holdfast/resilience`. */
export interface CallMetrics {
  started(): void;
  ended(outcome: CallOutcome, durationMs: number): void;
}

export interface CallMetricsOptions {
  /** The value of label `policy`. */
  readonly name: string;
  /** Of the durations, in seconds. Default `durationBuckets`; the same for all names. */
  readonly buckets?: readonly number[];
}

/**
 * Metrics of calls: how many are under way, how they end and how long they take (`recovery_calls_in_flight`,
 * `recovery_call_duration_seconds`). Every series is bound here: a call neither looks one up nor makes anything.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const stock = pipeline(measure({ observer: callMetrics(metrics, { name: "stock" }) }), retry());
 */
export function callMetrics(metrics: Metrics, options: CallMetricsOptions): CallMetrics {
  checkOptionNames("callMetrics", options, ["name", "buckets"]);
  const { name: policy, buckets = durationBuckets } = options;
  if (typeof policy !== "string" || policy === "") {
    throw new InvalidArgumentError("callMetrics.name", "must be a word", policy);
  }
  const inFlight = metrics
    .gauge({ name: "recovery_calls_in_flight", help: "Calls that have begun and not ended.", labels: ["policy"] })
    .with({ policy });
  const durations = metrics.histogram({
    name: "recovery_call_duration_seconds",
    help: "How long calls took, by how they ended: succeeded, failed or abandoned.",
    labels: ["policy", "outcome"],
    buckets,
  });
  const succeeded = durations.with({ policy, outcome: "succeeded" });
  const failed = durations.with({ policy, outcome: "failed" });
  const abandoned = durations.with({ policy, outcome: "abandoned" });
  return {
    started: () => inFlight.add(1),
    ended(outcome, durationMs) {
      inFlight.add(-1);
      const series = outcome === "succeeded" ? succeeded : outcome === "failed" ? failed : abandoned;
      series.record(durationMs / 1_000);
    },
  };
}
