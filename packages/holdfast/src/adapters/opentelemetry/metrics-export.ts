import type { Attributes, Meter, ObservableCounter, ObservableGauge } from "@opentelemetry/api";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { Metrics, MetricView } from "../../telemetry/index.ts";

/**
 * Gives metrics to a meter of OpenTelemetry, those there are and those defined later: counters and gauges as observable
 * instruments, read when the meter collects; histograms as instruments with the same bounds that are told each value
 * recorded from now on. Names and labels are the same; a name in `_seconds` has unit `s`. Returns what ends it.
 *
 * @throws InvalidArgumentError for what is no meter
 * @example
 * exportToOpenTelemetry(metrics, api.metrics.getMeter("orders"));
 */
export function exportToOpenTelemetry(metrics: Pick<Metrics, "watch">, meter: Meter): () => void {
  if (typeof meter?.createObservableCounter !== "function") {
    throw new InvalidArgumentError("exportToOpenTelemetry.meter", "must be a Meter of OpenTelemetry", meter);
  }
  const stops: (() => void)[] = [];
  stops.push(metrics.watch((metric) => stops.push(exportOne(metric, meter))));
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

function exportOne(metric: MetricView, meter: Meter): () => void {
  const { name, help, type, buckets, follow } = metric;
  const options = { description: help, ...(name.includes("_seconds") ? { unit: "s" } : {}) };
  if (follow !== undefined) {
    const histogram = meter.createHistogram(name, { ...options, advice: { explicitBucketBoundaries: [...buckets] } });
    /** By the series, whose list of labels is one object for as long as it lives. */
    const known = new WeakMap<readonly string[], Attributes>();
    return follow((value, labels) => {
      let attributes = known.get(labels);
      if (attributes === undefined) known.set(labels, (attributes = attributesOf(metric, labels)));
      histogram.record(value, attributes);
    });
  }
  const instrument: ObservableCounter | ObservableGauge =
    type === "counter" ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options);
  const callback: Parameters<typeof instrument.addCallback>[0] = (result) => {
    for (const { labels, value } of metric.read()) {
      if (typeof value === "number") result.observe(value, attributesOf(metric, labels));
    }
  };
  instrument.addCallback(callback);
  return () => instrument.removeCallback(callback);
}

function attributesOf({ labelNames }: MetricView, labels: readonly string[]): Attributes {
  return Object.fromEntries(labelNames.map((name, at) => [name, labels[at] ?? ""]));
}
