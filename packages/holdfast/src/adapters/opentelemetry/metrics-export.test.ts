import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, it } from "vitest";
import { createMetrics } from "../../telemetry/index.ts";
import { exportToOpenTelemetry } from "./metrics-export.ts";

const help = "Something.";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A real meter, and what it exports when it is told to. */
function collecting() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  open.push(() => provider.shutdown());
  const collect = async () => {
    exporter.reset();
    await provider.forceFlush();
    return new Map(
      exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
        .map((metric) => [metric.descriptor.name, metric]),
    );
  };
  return { meter: provider.getMeter("test"), collect };
}

describe("exportToOpenTelemetry", () => {
  it("has counters, gauges and histograms with their labels, as they are when the meter collects", async () => {
    const { meter, collect } = collecting();
    const metrics = createMetrics();
    const orders = metrics.counter({ name: "orders_total", help, labels: ["channel"] });
    exportToOpenTelemetry(metrics, meter);
    const depth = metrics.gauge({ name: "depth", help }).with();
    const took = metrics.histogram({ name: "took_seconds", help, labels: ["way"], buckets: [0.1, 2] });
    orders.with({ channel: "web" }).add(3);
    depth.set(7);
    for (const value of [0.05, 0.1, 1, 7]) took.with({ way: "up" }).record(value);
    const first = await collect();
    expect(first.get("orders_total")).toMatchObject({
      dataPointType: DataPointType.SUM,
      isMonotonic: true,
      descriptor: { description: help },
      dataPoints: [{ attributes: { channel: "web" }, value: 3 }],
    });
    expect(first.get("depth")?.dataPoints).toMatchObject([{ attributes: {}, value: 7 }]);
    expect(first.get("took_seconds")).toMatchObject({
      dataPointType: DataPointType.HISTOGRAM,
      descriptor: { unit: "s" },
      dataPoints: [
        {
          attributes: { way: "up" },
          value: { buckets: { boundaries: [0.1, 2], counts: [2, 1, 1] }, sum: 8.15, count: 4, min: 0.05, max: 7 },
        },
      ],
    });
    orders.with({ channel: "web" }).add();
    depth.set(2);
    const second = await collect();
    expect(second.get("orders_total")?.dataPoints[0]?.value).toBe(4);
    expect(second.get("depth")?.dataPoints[0]?.value).toBe(2);
  });

  it("ends when it is told to", async () => {
    const { meter, collect } = collecting();
    const metrics = createMetrics();
    const took = metrics.histogram({ name: "took_seconds", help, buckets: [1] }).with();
    const orders = metrics.counter({ name: "orders_total", help }).with();
    const stop = exportToOpenTelemetry(metrics, meter);
    took.record(0.5);
    orders.add();
    stop();
    took.record(0.5);
    metrics.gauge({ name: "later", help });
    const collected = await collect();
    expect(collected.get("took_seconds")?.dataPoints[0]?.value).toMatchObject({ count: 1 });
    expect([collected.has("orders_total"), collected.has("later")]).toEqual([false, false]);
  });

  it("refuses what is no meter", () => {
    expect(() => exportToOpenTelemetry(createMetrics(), {} as never)).toThrow("must be a Meter of OpenTelemetry");
  });
});
