import { Counter, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { createMetrics } from "../../telemetry/index.ts";
import { exportToPromClient } from "./index.ts";

const help = "Something.";

describe("exportToPromClient", () => {
  it("is Prometheus' text, with cumulative buckets and escaped labels, beside what the registry has", async () => {
    const registry = new Registry();
    const own = new Counter({ name: "own_total", help, registers: [registry] });
    own.inc();
    const metrics = createMetrics();
    exportToPromClient(metrics, registry);
    const orders = metrics.counter({ name: "orders_total", help: "Orders\ntaken.", labels: ["channel"] });
    orders.with({ channel: 'a "web"\n\\shop' }).add(2);
    const took = metrics.histogram({ name: "took_seconds", help, labels: ["way"], buckets: [0.1, 2.5] });
    for (const value of [0.05, 0.1, 1, 7]) took.with({ way: "up" }).record(value);
    metrics.gauge({ name: "depth", help }).with().set(-Infinity);

    const text = await registry.metrics();
    const blocks = text.trimEnd().split("\n\n");
    expect(blocks.slice(0, 1)).toEqual([`# HELP own_total ${help}\n# TYPE own_total counter\nown_total 1`]);
    expect(blocks.slice(-3)).toEqual([
      [
        String.raw`# HELP orders_total Orders\ntaken.`,
        "# TYPE orders_total counter",
        String.raw`orders_total{channel="a \"web\"\n\\shop"} 2`,
      ].join("\n"),
      [
        `# HELP took_seconds ${help}`,
        "# TYPE took_seconds histogram",
        'took_seconds_bucket{way="up",le="0.1"} 2',
        'took_seconds_bucket{way="up",le="2.5"} 3',
        'took_seconds_bucket{way="up",le="+Inf"} 4',
        'took_seconds_sum{way="up"} 8.15',
        'took_seconds_count{way="up"} 4',
      ].join("\n"),
      `# HELP depth ${help}\n# TYPE depth gauge\ndepth -Inf`,
    ]);
    expect(registry.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  it("fits a registry of OpenMetrics, which names counters otherwise", async () => {
    const registry = new Registry();
    (registry as Registry<never>).setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const metrics = createMetrics();
    metrics.counter({ name: "orders_total", help }).with().add();
    exportToPromClient(metrics, registry);
    const text = await registry.metrics();
    expect(text).toContain("# TYPE orders counter\norders_total 1\n");
    expect(text.endsWith("# EOF\n")).toBe(true);
    expect(await registry.metrics()).toBe(text);
  });

  it("shows exemplars in OpenMetrics, and nowhere else", async () => {
    const ids = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
    const metrics = createMetrics({ span: () => ids, clock: { wallTime: () => 1_500 } });
    metrics
      .histogram({ name: "took_seconds", help, buckets: [1] })
      .with()
      .record(0.25);
    const open = new Registry() as Registry<never>;
    open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const plain = new Registry();
    for (const registry of [open, plain]) exportToPromClient(metrics, registry);
    const exemplar = `# {trace_id="${ids.traceId}",span_id="${ids.spanId}"} 0.25 1.5`;
    expect(await open.metrics()).toContain(`took_seconds_bucket{le="1"} 1 ${exemplar}\n`);
    expect(await plain.metrics()).toContain('took_seconds_bucket{le="1"} 1\n');
  });

  it("survives a reset of the registry, and can be taken out", async () => {
    const registry = new Registry();
    const metrics = createMetrics();
    metrics.counter({ name: "orders_total", help }).with().add();
    const stop = exportToPromClient(metrics, registry);
    registry.resetMetrics();
    expect(await registry.getSingleMetricAsString("orders_total")).toContain("orders_total 1");
    stop();
    metrics.gauge({ name: "later", help });
    expect(await registry.metrics()).toBe("\n");
  });

  it("aggregates over the processes of a cluster like a metric of prom-client's own", async () => {
    const registries = [1, 2].map((amount) => {
      const registry = new Registry();
      const metrics = createMetrics();
      metrics.counter({ name: "orders_total", help }).with().add(amount);
      exportToPromClient(metrics, registry);
      return registry;
    });
    const { AggregatorRegistry } = await import("prom-client");
    const all = AggregatorRegistry.aggregate(await Promise.all(registries.map((each) => each.getMetricsAsJSON())));
    expect(await all.getSingleMetricAsString("orders_total")).toContain("orders_total 3");
  });

  it("refuses a registry that has a metric of that name, and leaves it as it was", async () => {
    const registry = new Registry();
    registry.registerMetric(new Counter({ name: "orders_total", help, registers: [] }));
    const before = await registry.metrics();
    const metrics = createMetrics();
    metrics.counter({ name: "orders_total", help });
    expect(() => exportToPromClient(metrics, registry)).toThrow(
      'metric.name is taken in this registry of prom-client (got "orders_total")',
    );
    expect(await registry.metrics()).toBe(before);
    expect(() => exportToPromClient(metrics, {} as never)).toThrow("must be a Registry of prom-client");
  });
});
