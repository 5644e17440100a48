import type { MessageName } from "../etcd-protocol/index.ts";

/** One method of the protocol, by its path in gRPC. */
export interface EtcdMethod {
  readonly path: string;
  readonly request: MessageName;
  readonly response: MessageName;
}

function method(service: string, name: string, request: MessageName, response: MessageName): EtcdMethod {
  return { path: `/etcdserverpb.${service}/${name}`, request, response };
}

export type EtcdMethodName =
  | "range"
  | "put"
  | "deleteRange"
  | "txn"
  | "compact"
  | "leaseGrant"
  | "leaseRevoke"
  | "leaseKeepAlive"
  | "leaseTimeToLive"
  | "leases"
  | "watch"
  | "authenticate"
  | "status";

export const etcdMethods: Readonly<Record<EtcdMethodName, EtcdMethod>> = {
  range: method("KV", "Range", "RangeRequest", "RangeResponse"),
  put: method("KV", "Put", "PutRequest", "PutResponse"),
  deleteRange: method("KV", "DeleteRange", "DeleteRangeRequest", "DeleteRangeResponse"),
  txn: method("KV", "Txn", "TxnRequest", "TxnResponse"),
  compact: method("KV", "Compact", "CompactionRequest", "CompactionResponse"),
  leaseGrant: method("Lease", "LeaseGrant", "LeaseGrantRequest", "LeaseGrantResponse"),
  leaseRevoke: method("Lease", "LeaseRevoke", "LeaseRevokeRequest", "LeaseRevokeResponse"),
  leaseKeepAlive: method("Lease", "LeaseKeepAlive", "LeaseKeepAliveRequest", "LeaseKeepAliveResponse"),
  leaseTimeToLive: method("Lease", "LeaseTimeToLive", "LeaseTimeToLiveRequest", "LeaseTimeToLiveResponse"),
  leases: method("Lease", "LeaseLeases", "LeaseLeasesRequest", "LeaseLeasesResponse"),
  watch: method("Watch", "Watch", "WatchRequest", "WatchResponse"),
  authenticate: method("Auth", "Authenticate", "AuthenticateRequest", "AuthenticateResponse"),
  status: method("Maintenance", "Status", "StatusRequest", "StatusResponse"),
};
