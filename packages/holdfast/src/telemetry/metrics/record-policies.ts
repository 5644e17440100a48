import type { Metrics } from "./create-metrics.ts";
import { policyMetrics, type PolicyMetric } from "./policy-metric.ts";

/** What a policy says of itself now; `policyReader` of `holdfast/resilience` gives these. */
export interface PolicyNumbers {
  /** The name of its factory: `retry`, `circuitBreaker`, … */
  readonly kind: string;
  /** Tells it apart from others of its kind. */
  readonly name: string;
  readonly state: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
}

/**
 * Metrics of policies, read from them when somebody asks: their calls take no longer for it. The metrics are in
 * docs/metrics.md; label `policy` is the policy's name.
 *
 * @throws InvalidArgumentError when these metrics have been defined before: give one reader all policies
 * @example
 * recordPolicies(metrics, policyReader(stock, prices));
 */
export function recordPolicies(metrics: Metrics, read: () => readonly PolicyNumbers[]): void {
  /** Read once for all metrics that are collected in one go. */
  let latest: ReadonlyMap<string, readonly PolicyNumbers[]> | undefined;
  const byKind = (): ReadonlyMap<string, readonly PolicyNumbers[]> => {
    if (latest !== undefined) return latest;
    const found = Map.groupBy(read(), ({ kind }) => kind);
    latest = found;
    void Promise.resolve().then(() => (latest = undefined));
    return found;
  };
  for (const metric of policyMetrics) {
    metrics.readFrom({
      name: metric.name,
      help: metric.help,
      type: metric.type,
      labels: metric.labels ?? ["policy"],
      read: (tell) => {
        for (const policy of metric.kinds.flatMap((kind) => byKind().get(kind) ?? [])) tellOf(metric, policy, tell);
      },
    });
  }
}

function tellOf(metric: PolicyMetric, policy: PolicyNumbers, tell: (value: number, ...labels: string[]) => void): void {
  for (const [value, ...labels] of metric.values(policy)) {
    if (value !== undefined && Number.isFinite(value)) tell(value, policy.name, ...labels);
  }
}
