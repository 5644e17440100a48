import type { Exemplar, HistogramValue, MetricView } from "./metric.ts";

/** One line of Prometheus' text. */
export interface PrometheusValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Where it is not the metric's own: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string;
  /** In OpenMetrics, behind the value; seconds since 1970. */
  readonly exemplar?: {
    readonly labelSet: Readonly<Record<string, string>>;
    readonly value: number;
    readonly timestamp: number;
  };
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
  { counts, sum, count, exemplars = [] }: HistogramValue,
): PrometheusValue[] {
  let upTo = 0;
  const buckets = counts.map((inBucket, at) => {
    upTo += inBucket;
    const bucket = { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[at] ?? "+Inf" }, value: upTo };
    const exemplar = exemplars[at];
    return exemplar === undefined ? bucket : { ...bucket, exemplar: prometheusExemplar(exemplar) };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

function prometheusExemplar({ traceId, spanId, value, at }: Exemplar): NonNullable<PrometheusValue["exemplar"]> {
  return { labelSet: { trace_id: traceId, span_id: spanId }, value, timestamp: at / 1_000 };
}
