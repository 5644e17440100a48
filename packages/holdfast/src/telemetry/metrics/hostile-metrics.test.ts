import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMetrics, type Metrics } from "./create-metrics.ts";
import type { HistogramValue } from "./metric.ts";
import { prometheusValues } from "./prometheus-values.ts";

const help = "Something.";

const viewOf = (metrics: Metrics, name: string) => metrics.all.find((metric) => metric.name === name)!;
const read = (metrics: Metrics, name: string) =>
  Object.fromEntries(
    viewOf(metrics, name)
      .read()
      .map(({ labels, value }) => [labels.join(), value]),
  );

describe("labels that somebody outside chooses", () => {
  it("make no two series that are one to whoever reads them", () => {
    const encoder = new TextEncoder();
    const seen = (text: string): string => new TextDecoder().decode(encoder.encode(text));
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 200 }), { maxLength: 50 }), (values) => {
        const metrics = createMetrics({ maxSeries: 20 });
        const counter = metrics.counter({ name: "x_total", help, labels: ["a"] });
        const all = [...values, "overflow", "\ud800", "\ud801", "\0", `${"x".repeat(127)}😀`];
        for (const a of all) counter.with({ a }).add();
        const readings = viewOf(metrics, "x_total").read();
        const texts = readings.map(({ labels }) => seen(labels[0]!));
        expect(new Set(texts).size).toBe(texts.length);
        expect(texts.join("")).not.toContain("\0");
        expect(readings.length).toBeLessThanOrEqual(21);
        expect(readings.reduce((sum, { value }) => sum + (value as number), 0)).toBe(all.length);
      }),
    );
  });

  it("may say that they are the series that others share", () => {
    const metrics = createMetrics({ maxSeries: 2 });
    const counter = metrics.counter({ name: "x_total", help, labels: ["a"] });
    for (const a of ["overflow", "one", "two", "three", "overflow"]) counter.with({ a }).add();
    expect(viewOf(metrics, "x_total").read()).toEqual([
      { labels: ["overflow"], value: 4 },
      { labels: ["one"], value: 1 },
    ]);
    counter.remove({ a: "overflow" });
    counter.with({ a: "two" }).add();
    expect(read(metrics, "x_total")).toEqual({ overflow: 4, one: 1, two: 1 });
  });

  it("of what is read elsewhere may be no text, and its values no numbers", () => {
    const metrics = createMetrics();
    const told = [[1, "a"], [Number.NaN, "b"], ["5", "c"], [undefined, "d"], [2, 7], [3, null], [4]]; // prettier-ignore
    metrics.readFrom({
      name: "x",
      help,
      type: "gauge",
      labels: ["a"],
      read: (tell) => told.forEach((each) => tell(...(each as [number, string]))),
    });
    expect(read(metrics, "x")).toEqual({ a: 1, "7": 2, "": 7 });
    expect(read(metrics, "telemetry_values_refused_total")).toEqual({ x: 3 });
  });
});

it("a follower that throws changes nothing for whoever records, and is counted", () => {
  const metrics = createMetrics();
  const histogram = metrics.histogram({ name: "x_seconds", help }).with();
  viewOf(metrics, "x_seconds").follow?.(() => {
    throw new Error("broken");
  });
  histogram.record(1);
  expect(read(metrics, "x_seconds")[""]).toMatchObject({ count: 1 });
  expect(read(metrics, "telemetry_values_refused_total")).toEqual({ x_seconds: 1 });
});

describe("buckets", () => {
  it("are those that the registry was given for the name, whoever defines it", () => {
    const metrics = createMetrics({ buckets: { x_seconds: [1, 2] } });
    const first = metrics.histogram({ name: "x_seconds", help, buckets: [5] });
    expect(metrics.histogram({ name: "x_seconds", help, buckets: [7] })).toBe(first);
    metrics.histogram({ name: "y_seconds", help, buckets: [5] });
    expect([viewOf(metrics, "x_seconds").buckets, viewOf(metrics, "y_seconds").buckets]).toEqual([[1, 2], [5]]);
    expect(() => createMetrics({ buckets: { x: [2, 1] } })).toThrow("createMetrics.buckets.x must be 1 to 64 numbers");
    expect(() => createMetrics().histogram({ name: "x", help, buckets: [0, 0] })).toThrow("metric.buckets must be");
  });

  it("tell calls of a fraction of a millisecond apart", () => {
    const metrics = createMetrics();
    const histogram = metrics.histogram({ name: "x_seconds", help }).with();
    for (const seconds of [0.00005, 0.0002, 0.0004, 0.0009]) histogram.record(seconds);
    const { counts } = read(metrics, "x_seconds")[""] as HistogramValue;
    expect(counts.slice(0, 5)).toEqual([1, 1, 1, 1, 0]);
  });
});

describe("exemplars", () => {
  it("are the latest of each bucket, with the span that somebody will see", () => {
    let now = 0;
    let span: { traceId: string; spanId: string; sampled?: boolean } | undefined;
    const metrics = createMetrics({ span: () => span, clock: { wallTime: () => (now += 1_000) } });
    const histogram = metrics.histogram({ name: "x_seconds", help, buckets: [1, 2] }).with();
    histogram.record(0.5);
    span = { traceId: "t1", spanId: "s1" };
    histogram.record(0.1);
    histogram.record(0.2);
    span = { traceId: "t2", spanId: "s2", sampled: false };
    histogram.record(0.3);
    histogram.record(7);
    const values = prometheusValues(viewOf(metrics, "x_seconds"));
    const labelSet = { trace_id: "t1", span_id: "s1" };
    expect(values.map(({ exemplar }) => exemplar)).toEqual([
      { labelSet, value: 0.2, timestamp: 2 },
      ...Array.from({ length: 4 }, () => undefined),
    ]);
  });

  it("are nothing that a value may be lost for", () => {
    const fail = (): never => {
      throw new Error("broken");
    };
    const metrics = createMetrics({ span: fail });
    metrics.histogram({ name: "x_seconds", help }).with().record(1);
    expect(read(metrics, "x_seconds")[""]).toMatchObject({ count: 1 });
    expect(() => createMetrics({ span: 1 as never })).toThrow("createMetrics.span must be a function");
  });
});
