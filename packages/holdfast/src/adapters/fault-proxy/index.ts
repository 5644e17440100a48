export { defaultFaultProxyOptions, faultProxy } from "./fault-proxy.ts";
export type { FaultProxy, FaultProxyMetrics, FaultProxyOptions } from "./fault-proxy.ts";
