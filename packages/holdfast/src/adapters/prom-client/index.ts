export { exportToPromClient } from "./export-metrics.ts";
