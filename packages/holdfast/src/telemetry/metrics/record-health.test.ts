import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import type { TelemetryEvent } from "../event.ts";
import { createHealth } from "../health/health.ts";
import { telemetryListener } from "../listener.ts";
import { createTelemetry } from "../telemetry.ts";
import { createMetrics, type Metrics } from "./create-metrics.ts";
import { recordHealth } from "./record-health.ts";

/** Those of all series that are not 0. */
function set(metrics: Metrics): readonly string[] {
  return metrics.all
    .filter(({ name }) => name.startsWith("health_"))
    .flatMap(({ name, read }) =>
      read().flatMap(({ labels, value }) => (value === 0 ? [] : [[name, ...labels, value as number].join(" ")])),
    );
}

describe("health", () => {
  it("shows itself in metrics when they are read", () => {
    const health = createHealth({ components: { database: {}, mail: { critical: false } } });
    const metrics = createMetrics();
    recordHealth(metrics, health);
    expect(set(metrics)).toEqual([
      "health_live 1",
      "health_component_state database true unknown 1",
      "health_component_state mail false unknown 1",
    ]);
    health.set("database", "healthy");
    health.set("mail", "degraded");
    const leave = health.enter();
    void health.drain({ timeoutMs: 0 });
    expect(set(metrics)).toEqual([
      "health_live 1",
      "health_started 1",
      "health_draining 1",
      "health_requests_in_flight 1",
      "health_component_state database true healthy 1",
      "health_component_state mail false degraded 1",
    ]);
    leave();
    health.remove("mail");
    health.failed("out of memory");
    expect(set(metrics)).toEqual([
      "health_started 1",
      "health_draining 1",
      "health_component_state process true unhealthy 1",
      "health_component_state database true healthy 1",
    ]);
    expect(() => recordHealth(metrics, health)).toThrow("health_live");
  });

  it("tells a telemetry of every change, stamped", async () => {
    const clock = new VirtualClock();
    const telemetry = createTelemetry({ clock, nodeId: "shop-1" });
    const told: TelemetryEvent[] = [];
    telemetry.subscribe((event) => told.push(event));
    const check = (): Promise<never> => Promise.reject(new Error("refused"));
    const health = createHealth({
      clock,
      components: { database: {}, mail: { critical: false, check } },
      onEvent: telemetryListener(telemetry),
    });
    await clock.advance(1);
    health.set("database", "healthy");
    health.remove("mail");
    health.remove("mail");
    health.close();
    const stamp = { at: expect.any(Number), nodeId: "shop-1" };
    const ready = { type: "healthChanged", isLive: true, isReady: true, isDraining: false };
    const changed = { ...stamp, type: "componentHealthChanged" };
    expect(told).toEqual([
      { ...changed, seq: 1, component: "mail", state: "unhealthy", was: "unknown", details: "refused" },
      { ...changed, seq: 2, component: "database", state: "healthy", was: "unknown", details: null },
      { ...stamp, ...ready, seq: 3, state: "degraded" },
      { ...changed, seq: 4, component: "mail", state: "unknown", was: "unhealthy", details: "removed" },
      { ...stamp, ...ready, seq: 5, state: "healthy" },
    ]);
  });
});
