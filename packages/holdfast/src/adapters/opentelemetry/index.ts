export { exportToOpenTelemetry } from "./metrics-export.ts";
export { openTelemetryTracer } from "./open-telemetry-tracer.ts";
export type { OpenTelemetryApi, OpenTelemetryTracerOptions } from "./open-telemetry-tracer.ts";
