export {
  gatewayClient,
  type CallOptions,
  type GatewayClient,
  type GatewayClientOptions,
} from "./client/gateway-client.ts";
export { GatewayError, isOutcomeUnknown, UnreachableError } from "./client/gateway-error.ts";
export { statusReader, type ClusterReport, type MemberReport, type StatusReader } from "./client/cluster-status.ts";
export { defaultServeLimits, serveMember, type Served, type ServeLimits, type ServeOptions } from "./serve.ts";
