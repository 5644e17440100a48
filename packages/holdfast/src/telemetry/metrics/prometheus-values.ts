import type { HistogramValue, MetricView } from "./metric.ts";

/** One line of Prometheus' text. */
export interface PrometheusValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Where it is not the metric's own: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string;
}

/** A metric as Prometheus has it: a value per series, and of histograms cumulative buckets, the sum and the count. */
export function prometheusValues({ name, labelNames, buckets, read }: MetricView): PrometheusValue[] {
  return read().flatMap(({ labels, value }): PrometheusValue[] => {
    const named = Object.fromEntries(labelNames.map((label, at) => [label, labels[at] ?? ""]));
    return typeof value === "number" ? [{ value, labels: named }] : histogramValues(name, buckets, named, value);
  });
}

function histogramValues(
  name: string,
  bounds: readonly number[],
  labels: Readonly<Record<string, string>>,
  { counts, sum, count }: HistogramValue,
): PrometheusValue[] {
  let upTo = 0;
  const buckets = counts.map((inBucket, at) => {
    upTo += inBucket;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[at] ?? "+Inf" }, value: upTo };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
