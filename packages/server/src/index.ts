export {
  gatewayClient,
  type CallOptions,
  type GatewayClient,
  type GatewayClientOptions,
} from "./client/gateway-client.ts";
export { type ClientTls } from "./client/connections.ts";
export { type GatewayUser } from "./client/gateway-login.ts";
export { type GatewayWatchRequest, type GatewayWatchResponse } from "./client/gateway-watch.ts";
export { GatewayError, isOutcomeUnknown, UnreachableError } from "./client/gateway-error.ts";
export { statusReader, type ClusterReport, type MemberReport, type StatusReader } from "./client/cluster-status.ts";
export { type MemberDashboardOptions } from "./dashboard/member-dashboard.ts";
export { type RequestEvent, type Transport } from "./etcd/dispatcher.ts";
export { type StatusDocument } from "./http/member-status.ts";
export { type GossipMember, type MembersDocument, type MembershipView } from "./http/members-document.ts";
export { type ServeTls } from "./port.ts";
export {
  defaultServeLimits,
  serveMember,
  type ServeEvent,
  type Served,
  type ServeLimits,
  type ServeOptions,
} from "./serve.ts";
