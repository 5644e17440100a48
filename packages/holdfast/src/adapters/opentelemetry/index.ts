export { exportToOpenTelemetry } from "./metrics-export.ts";
