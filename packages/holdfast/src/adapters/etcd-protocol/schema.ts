import { authMessages, type AuthMessageName } from "./schema-auth.ts";
import { clusterMessages, type ClusterMessageName } from "./schema-cluster.ts";
import { concurrencyMessages, type ConcurrencyMessageName } from "./schema-concurrency.ts";
import { healthMessages, type HealthMessageName } from "./schema-health.ts";

/**
 * The messages of the etcd v3 protocol that Holdfast serves or sends: field names, numbers and types, as public as the
 * protocol itself. One table for both its encodings, protobuf (`wire-type.ts`) and the JSON of etcd's gateway.
 */

/** Number on the wire, type (a scalar, an enumeration or a message of this file), and whether there may be many. */
export type FieldSpec = readonly [id: number, type: string, repeated?: "repeated"];

/**
 * How deep messages may nest: enough for transactions within transactions as deep as 128 operations allow; a deeper one
 * would only exhaust the stack.
 */
export const maxMessageDepth = 300;

export type EnumerationName =
  | "SortOrder"
  | "SortTarget"
  | "CompareResult"
  | "CompareTarget"
  | "AlarmAction"
  | "AlarmType"
  | "EventType"
  | "WatchFilterType"
  | "PermissionType";

export type MessageName =
  | AuthMessageName
  | ClusterMessageName
  | ConcurrencyMessageName
  | HealthMessageName
  | "ResponseHeader"
  | "KeyValue"
  | "RangeRequest"
  | "RangeResponse"
  | "PutRequest"
  | "PutResponse"
  | "DeleteRangeRequest"
  | "DeleteRangeResponse"
  | "RequestOp"
  | "ResponseOp"
  | "Compare"
  | "TxnRequest"
  | "TxnResponse"
  | "CompactionRequest"
  | "CompactionResponse"
  | "LeaseGrantRequest"
  | "LeaseGrantResponse"
  | "LeaseRevokeRequest"
  | "LeaseRevokeResponse"
  | "LeaseKeepAliveRequest"
  | "LeaseKeepAliveResponse"
  | "LeaseTimeToLiveRequest"
  | "LeaseTimeToLiveResponse"
  | "LeaseLeasesRequest"
  | "LeaseStatus"
  | "LeaseLeasesResponse"
  | "WatchRequest"
  | "WatchCreateRequest"
  | "WatchCancelRequest"
  | "WatchProgressRequest"
  | "WatchResponse"
  | "Event"
  | "Member"
  | "MemberListRequest"
  | "MemberListResponse"
  | "StatusRequest"
  | "StatusResponse"
  | "AlarmRequest"
  | "AlarmMember"
  | "AlarmResponse";

/** Names by value, from 0. */
export const enumerations: Readonly<Record<EnumerationName, readonly string[]>> = {
  SortOrder: ["NONE", "ASCEND", "DESCEND"],
  SortTarget: ["KEY", "VERSION", "CREATE", "MOD", "VALUE"],
  CompareResult: ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"],
  CompareTarget: ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"],
  AlarmAction: ["GET", "ACTIVATE", "DEACTIVATE"],
  AlarmType: ["NONE", "NOSPACE", "CORRUPT"],
  EventType: ["PUT", "DELETE"],
  PermissionType: ["READ", "WRITE", "READWRITE"],
  WatchFilterType: ["NOPUT", "NODELETE"],
};

export const messages: Readonly<Record<MessageName, Readonly<Record<string, FieldSpec>>>> = {
  ResponseHeader: {
    cluster_id: [1, "uint64"],
    member_id: [2, "uint64"],
    revision: [3, "int64"],
    raft_term: [4, "uint64"],
  },
  KeyValue: {
    key: [1, "bytes"],
    create_revision: [2, "int64"],
    mod_revision: [3, "int64"],
    version: [4, "int64"],
    value: [5, "bytes"],
    lease: [6, "int64"],
  },
  RangeRequest: {
    key: [1, "bytes"],
    range_end: [2, "bytes"],
    limit: [3, "int64"],
    revision: [4, "int64"],
    sort_order: [5, "SortOrder"],
    sort_target: [6, "SortTarget"],
    serializable: [7, "bool"],
    keys_only: [8, "bool"],
    count_only: [9, "bool"],
    min_mod_revision: [10, "int64"],
    max_mod_revision: [11, "int64"],
    min_create_revision: [12, "int64"],
    max_create_revision: [13, "int64"],
  },
  RangeResponse: {
    header: [1, "ResponseHeader"],
    kvs: [2, "KeyValue", "repeated"],
    more: [3, "bool"],
    count: [4, "int64"],
  },
  PutRequest: {
    key: [1, "bytes"],
    value: [2, "bytes"],
    lease: [3, "int64"],
    prev_kv: [4, "bool"],
    ignore_value: [5, "bool"],
    ignore_lease: [6, "bool"],
  },
  PutResponse: { header: [1, "ResponseHeader"], prev_kv: [2, "KeyValue"] },
  DeleteRangeRequest: { key: [1, "bytes"], range_end: [2, "bytes"], prev_kv: [3, "bool"] },
  DeleteRangeResponse: {
    header: [1, "ResponseHeader"],
    deleted: [2, "int64"],
    prev_kvs: [3, "KeyValue", "repeated"],
  },
  RequestOp: {
    request_range: [1, "RangeRequest"],
    request_put: [2, "PutRequest"],
    request_delete_range: [3, "DeleteRangeRequest"],
    request_txn: [4, "TxnRequest"],
  },
  ResponseOp: {
    response_range: [1, "RangeResponse"],
    response_put: [2, "PutResponse"],
    response_delete_range: [3, "DeleteRangeResponse"],
    response_txn: [4, "TxnResponse"],
  },
  Compare: {
    result: [1, "CompareResult"],
    target: [2, "CompareTarget"],
    key: [3, "bytes"],
    version: [4, "int64"],
    create_revision: [5, "int64"],
    mod_revision: [6, "int64"],
    value: [7, "bytes"],
    lease: [8, "int64"],
    range_end: [64, "bytes"],
  },
  TxnRequest: {
    compare: [1, "Compare", "repeated"],
    success: [2, "RequestOp", "repeated"],
    failure: [3, "RequestOp", "repeated"],
  },
  TxnResponse: {
    header: [1, "ResponseHeader"],
    succeeded: [2, "bool"],
    responses: [3, "ResponseOp", "repeated"],
  },
  CompactionRequest: { revision: [1, "int64"], physical: [2, "bool"] },
  CompactionResponse: { header: [1, "ResponseHeader"] },
  LeaseGrantRequest: { TTL: [1, "int64"], ID: [2, "int64"] },
  LeaseGrantResponse: { header: [1, "ResponseHeader"], ID: [2, "int64"], TTL: [3, "int64"], error: [4, "string"] },
  LeaseRevokeRequest: { ID: [1, "int64"] },
  LeaseRevokeResponse: { header: [1, "ResponseHeader"] },
  LeaseKeepAliveRequest: { ID: [1, "int64"] },
  LeaseKeepAliveResponse: { header: [1, "ResponseHeader"], ID: [2, "int64"], TTL: [3, "int64"] },
  LeaseTimeToLiveRequest: { ID: [1, "int64"], keys: [2, "bool"] },
  LeaseTimeToLiveResponse: {
    header: [1, "ResponseHeader"],
    ID: [2, "int64"],
    TTL: [3, "int64"],
    grantedTTL: [4, "int64"],
    keys: [5, "bytes", "repeated"],
  },
  LeaseLeasesRequest: {},
  LeaseStatus: { ID: [1, "int64"] },
  LeaseLeasesResponse: { header: [1, "ResponseHeader"], leases: [2, "LeaseStatus", "repeated"] },
  WatchRequest: {
    create_request: [1, "WatchCreateRequest"],
    cancel_request: [2, "WatchCancelRequest"],
    progress_request: [3, "WatchProgressRequest"],
  },
  WatchCreateRequest: {
    key: [1, "bytes"],
    range_end: [2, "bytes"],
    start_revision: [3, "int64"],
    progress_notify: [4, "bool"],
    filters: [5, "WatchFilterType", "repeated"],
    prev_kv: [6, "bool"],
    watch_id: [7, "int64"],
    fragment: [8, "bool"],
  },
  WatchCancelRequest: { watch_id: [1, "int64"] },
  WatchProgressRequest: {},
  WatchResponse: {
    header: [1, "ResponseHeader"],
    watch_id: [2, "int64"],
    created: [3, "bool"],
    canceled: [4, "bool"],
    compact_revision: [5, "int64"],
    cancel_reason: [6, "string"],
    fragment: [7, "bool"],
    events: [11, "Event", "repeated"],
  },
  Event: { type: [1, "EventType"], kv: [2, "KeyValue"], prev_kv: [3, "KeyValue"] },
  Member: {
    ID: [1, "uint64"],
    name: [2, "string"],
    peerURLs: [3, "string", "repeated"],
    clientURLs: [4, "string", "repeated"],
    isLearner: [5, "bool"],
    // Ours alone, as in MemberAddRequest.
    isWitness: [1001, "bool"],
  },
  MemberListRequest: { linearizable: [1, "bool"] },
  MemberListResponse: { header: [1, "ResponseHeader"], members: [2, "Member", "repeated"] },
  StatusRequest: {},
  StatusResponse: {
    header: [1, "ResponseHeader"],
    version: [2, "string"],
    dbSize: [3, "int64"],
    leader: [4, "uint64"],
    raftIndex: [5, "uint64"],
    raftTerm: [6, "uint64"],
    raftAppliedIndex: [7, "uint64"],
    errors: [8, "string", "repeated"],
    dbSizeInUse: [9, "int64"],
    isLearner: [10, "bool"],
  },
  AlarmRequest: { action: [1, "AlarmAction"], memberID: [2, "uint64"], alarm: [3, "AlarmType"] },
  AlarmMember: { memberID: [1, "uint64"], alarm: [2, "AlarmType"] },
  AlarmResponse: { header: [1, "ResponseHeader"], alarms: [2, "AlarmMember", "repeated"] },
  ...authMessages,
  ...clusterMessages,
  ...concurrencyMessages,
  ...healthMessages,
};

export function isMessageName(type: string): type is MessageName {
  return Object.hasOwn(messages, type);
}

export function isEnumerationName(type: string): type is EnumerationName {
  return Object.hasOwn(enumerations, type);
}
