import { policyReader } from "holdfast/resilience";
import { nodeRuntime } from "holdfast/runtime";
import { createMetrics, createTelemetry, recordPolicies, recordTelemetry, telemetryListener } from "holdfast/telemetry";
import { Registry } from "prom-client";
import { exportToPromClient } from "holdfast/adapters/prom-client";
import type { System } from "./resilience-cases.ts";
import { watchedSystem } from "./telemetry-system.ts";

const scrapeMs = 1_000;

/** Policies that Prometheus scrapes every second: fifteen times as often as it usually does. */
export const system: System = watchedSystem(() => {
  const telemetry = createTelemetry({ clock: nodeRuntime().clock, nodeId: "bench" });
  const metrics = createMetrics();
  recordTelemetry(metrics, telemetry);
  const registry = new Registry();
  return {
    onEvent: telemetryListener(telemetry),
    onPolicy(policy) {
      recordPolicies(metrics, policyReader(policy));
      exportToPromClient(metrics, registry);
      let length = 0;
      setInterval(() => {
        void registry.metrics().then((text) => {
          if (text.length < length || !text.includes("recovery_")) throw new Error("the page is not what it was");
          length = text.length;
          return undefined;
        });
      }, scrapeMs).unref();
    },
  };
});
