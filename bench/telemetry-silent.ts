import { nodeRuntime } from "holdfast/runtime";
import { createTelemetry, telemetryListener } from "holdfast/telemetry";
import { watchedSystem } from "./telemetry-system.ts";
import type { System } from "./resilience-cases.ts";

/** Policies with a telemetry that nobody listens to. */
export const system: System = watchedSystem(() => {
  const telemetry = createTelemetry({ clock: nodeRuntime().clock, nodeId: "bench" });
  return { onEvent: telemetryListener(telemetry), onPolicy: () => {} };
});
