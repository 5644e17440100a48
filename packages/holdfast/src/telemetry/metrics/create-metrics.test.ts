import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMetrics, type Metrics } from "./create-metrics.ts";
import type { HistogramValue, SeriesReading } from "./metric.ts";

function read(metrics: Metrics, name: string): Record<string, SeriesReading["value"]> {
  const found = metrics.all.find((metric) => metric.name === name);
  if (found === undefined) throw new Error(`no metric ${name}`);
  return Object.fromEntries(found.read().map(({ labels, value }) => [labels.join(), value]));
}

const help = "Something.";

describe("createMetrics", () => {
  it("counts, by label values, and shows what has no labels from the beginning", () => {
    const metrics = createMetrics();
    const orders = metrics.counter({ name: "orders_total", help, labels: ["channel", "status"] });
    metrics.counter({ name: "plain_total", help });
    const web = orders.with({ channel: "web", status: "ok" });
    web.add();
    web.add(2.5);
    orders.with({ status: "ok", channel: "web" }).add();
    orders.with({ channel: "app", status: "ok" }).add(0);
    expect(read(metrics, "orders_total")).toEqual({ "web,ok": 4.5, "app,ok": 0 });
    expect(read(metrics, "plain_total")).toEqual({ "": 0 });
  });

  it("has gauges that rise and fall", () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge({ name: "depth", help }).with();
    gauge.set(5);
    gauge.add(-7);
    gauge.add();
    expect(read(metrics, "depth")).toEqual({ "": -1 });
  });

  it("keeps what cannot be recorded out, and counts it", () => {
    const metrics = createMetrics();
    const count = metrics.counter({ name: "a_total", help }).with();
    const gauge = metrics.gauge({ name: "b", help }).with();
    const histogram = metrics.histogram({ name: "c_seconds", help, buckets: [1] }).with();
    for (const value of [-1, Number.NaN, Infinity]) count.add(value);
    gauge.set(Number.NaN);
    for (const value of [Number.NaN, Infinity, -Infinity]) histogram.record(value);
    expect([read(metrics, "a_total"), read(metrics, "b")]).toEqual([{ "": 0 }, { "": 0 }]);
    expect(read(metrics, "c_seconds")).toEqual({ "": { counts: [0, 0], sum: 0, count: 0 } });
    expect(read(metrics, "telemetry_values_refused_total")).toEqual({ a_total: 3, b: 1, c_seconds: 3 });
  });

  it("puts each value into the first bucket that it does not exceed", () => {
    const bounds = [0.5, 1, 2];
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 4, noNaN: true })), (values) => {
        const metrics = createMetrics();
        const histogram = metrics.histogram({ name: "x", help, buckets: bounds }).with();
        for (const value of [...values, ...bounds]) histogram.record(value);
        const all = [...values, ...bounds];
        const { counts, count, sum } = read(metrics, "x")[""] as HistogramValue;
        const upTo = (bound: number): number => all.filter((value) => value <= bound).length;
        expect(counts.map((_, at) => counts.slice(0, at + 1).reduce((a, b) => a + b, 0))).toEqual(
          [...bounds, Infinity].map(upTo),
        );
        expect(count).toBe(all.length);
        expect(sum).toBeCloseTo(all.reduce((a, b) => a + b, 0));
      }),
    );
  });

  it("tells who follows a histogram each value with its labels, until that ends", () => {
    const metrics = createMetrics();
    const histogram = metrics.histogram({ name: "x", help, labels: ["way"] });
    const told: unknown[] = [];
    const stop = metrics.all.at(-1)?.follow?.((value, labels) => told.push([value, ...labels]));
    histogram.with({ way: "up" }).record(1);
    stop?.();
    histogram.with({ way: "up" }).record(2);
    expect(told).toEqual([[1, "up"]]);
  });
});

describe("a flood of labels", () => {
  it("makes no more series than allowed: the rest share one, and are counted", () => {
    const metrics = createMetrics({ maxSeries: 100 });
    const requests = metrics.counter({ name: "requests_total", help, labels: ["path", "status"] });
    const known = requests.with({ path: "/0", status: "200" });
    for (let at = 0; at < 10_000; at++) requests.with({ path: `/${at}`, status: "200" }).add();
    known.add();
    const values = read(metrics, "requests_total");
    expect(Object.keys(values)).toHaveLength(101);
    expect(values["/0,200"]).toBe(2);
    expect(values["overflow,overflow"]).toBe(9_900);
    expect(read(metrics, "telemetry_series_overflowed_total")).toEqual({ requests_total: 9_900 });
  });

  it("is bounded by values of any length, which are cut", () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge({ name: "x", help, labels: ["key"] });
    gauge.with({ key: "k".repeat(1_000_000) }).set(1);
    gauge.with({ key: "k".repeat(500) }).add(1);
    expect(read(metrics, "x")).toEqual({ ["k".repeat(128)]: 2 });
    gauge.remove({ key: "k".repeat(999) });
    expect(read(metrics, "x")).toEqual({});
  });

  it("bounds what is read from elsewhere too, and starts anew with each reading", () => {
    const metrics = createMetrics();
    let keys = 5;
    metrics.readFrom({
      name: "x_total",
      help,
      type: "counter",
      labels: ["key"],
      maxSeries: 3,
      read: (tell) => {
        for (let at = 0; at < keys; at++) tell(1, `k${at}`);
      },
    });
    expect(read(metrics, "x_total")).toEqual({ k0: 1, k1: 1, k2: 1, overflow: 2 });
    keys = 1;
    expect(read(metrics, "x_total")).toEqual({ k0: 1 });
  });

  it("tells lists of values apart that look alike when they are joined", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: String }), (pairs) => {
        const metrics = createMetrics();
        const counter = metrics.counter({ name: "x_total", help, labels: ["a", "b"] });
        for (const [a, b] of pairs) counter.with({ a, b }).add();
        const readings = metrics.all.at(-1)!.read();
        expect(readings.map(({ labels }) => labels)).toEqual(pairs);
        expect(readings.every(({ value }) => value === 1)).toBe(true);
      }),
    );
  });
});

describe("definitions", () => {
  it("give the metric that there is, to whoever asks with the same words", () => {
    const metrics = createMetrics();
    const options = { name: "x_total", help, labels: ["a"] } as const;
    expect(metrics.counter(options)).toBe(metrics.counter(options));
    expect(() => metrics.gauge(options)).toThrow(
      "metric.name is taken by a metric of another kind or with other labels",
    );
    expect(() => metrics.counter({ ...options, labels: ["b"] })).toThrow('other labels (got "x_total")');
    expect(() => metrics.readFrom({ ...options, type: "gauge", read: () => {} })).toThrow("metric.name is taken");
  });

  it("are told to whoever watches, those before and those after", () => {
    const metrics = createMetrics();
    metrics.counter({ name: "a_total", help });
    const told: string[] = [];
    const stop = metrics.watch(({ name }) => told.push(name));
    metrics.gauge({ name: "b", help });
    stop();
    metrics.gauge({ name: "c", help });
    expect(told.slice(-2)).toEqual(["a_total", "b"]);
    expect(metrics.all.at(-1)?.name).toBe("c");
  });

  it("are bounded", () => {
    const metrics = createMetrics({ maxMetrics: 4 });
    metrics.gauge({ name: "one", help });
    expect(() => metrics.gauge({ name: "two", help })).toThrow('must be one of at most 4 metrics (got "two")');
  });

  it("that cannot be read are without values, and counted", () => {
    const metrics = createMetrics();
    const read1 = (): never => {
      throw new Error("broken");
    };
    metrics.readFrom({ name: "x", help, type: "gauge", read: read1 });
    expect(read(metrics, "x")).toEqual({});
    expect(read(metrics, "telemetry_reads_failed_total")).toEqual({ x: 1 });
  });

  it.each([
    [{ name: "1x", help }, 'metric.name must be letters, digits, _ and :, not a digit first (got "1x")'],
    [{ name: "x", help: "" }, "metric.help must say what is measured"],
    [{ name: "x", help, labels: ["le"] }, "metric.labels[0] must be another name of letters, digits and _"],
    [{ name: "x", help, labels: ["a", "a"] }, "metric.labels[1] must be another name"],
    [{ name: "x", help, labels: ["__a"] }, "metric.labels[0] must be"],
    [{ name: "x", help, maxSeries: 0 }, "metric.maxSeries must be an integer >= 1"],
    [{ name: "x", help, buckets: [2, 1] }, "metric.buckets must be 1 to 64 numbers, ascending"],
    [{ name: "x", help, buckets: [] }, "metric.buckets must be 1 to 64 numbers, ascending"],
    [{ name: "x", help, unit: "s" }, "metric.unit is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => createMetrics().histogram(options as never)).toThrow(message);
  });

  it("refuse labels that are missing, unknown or no text", () => {
    const counter = createMetrics().counter({ name: "x_total", help, labels: ["a"] });
    expect(() => counter.with({} as never)).toThrow("labels.a must be a string (got undefined)");
    expect(() => counter.with({ a: "1", b: "2" } as never)).toThrow("labels.b is no label; there are a");
  });
});
