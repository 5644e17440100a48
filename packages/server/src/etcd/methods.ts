import { status as grpcCode } from "@grpc/grpc-js";
import { CoordinationError, isReadOnlyTxn, type Member, type RequestOptions } from "holdfast/coordination";
import { toCompactRequest, toDeleteRangeRequest, toPutRequest, toRangeRequest, toTxnRequest } from "./requests.ts";
import {
  fromCompactResponse,
  fromDeleteRangeResponse,
  fromPutResponse,
  fromRangeResponse,
  fromTxnResponse,
  memberListResponse,
  statusResponse,
} from "./responses.ts";
import type { MessageName } from "./schema.ts";
import { RequestError } from "./status.ts";
import { wireType, type WireMessage, type WireType } from "./wire-type.ts";

/** What a method's request may use up. */
export interface RequestLimits {
  /** Of one proposed request, encoded. */
  readonly maxRequestBytes: number;
  /** Conditions or operations in one branch of a transaction. */
  readonly maxTxnOps: number;
}

/** One call, whichever transport it came by. */
export interface MethodCall {
  readonly message: WireMessage;
  /** Size of the request in protobuf. */
  readonly bytes: number;
  readonly options: RequestOptions;
}

/** One method of the protocol: where it is found and what it does. */
export interface Method {
  /** The path in gRPC. */
  readonly path: string;
  /** The path in the JSON gateway, below its version prefix. */
  readonly gatewayPath: string;
  readonly request: WireType;
  readonly response: WireType;
  call(member: Member, call: MethodCall, limits: RequestLimits): Promise<WireMessage> | WireMessage;
}

/** What etcd wraps around a proposed request (its header with an id, and the request's own tag and length). */
const proposalOverheadBytes = 17;

function checkSize(call: MethodCall, limits: RequestLimits): void {
  if (call.bytes + proposalOverheadBytes > limits.maxRequestBytes) throw new CoordinationError("REQUEST_TOO_LARGE");
}

function method(
  path: string,
  gatewayPath: string,
  request: MessageName,
  response: MessageName,
  call: Method["call"],
): Method {
  return { path, gatewayPath, request: wireType(request), response: wireType(response), call };
}

/** Every method that is served; all others are answered with UNIMPLEMENTED. */
export const methods: readonly Method[] = [
  method("/etcdserverpb.KV/Range", "/kv/range", "RangeRequest", "RangeResponse", (member, { message, options }) =>
    member.range(toRangeRequest(message), options).then(fromRangeResponse),
  ),
  method("/etcdserverpb.KV/Put", "/kv/put", "PutRequest", "PutResponse", (member, call, limits) => {
    checkSize(call, limits);
    return member.put(toPutRequest(call.message), call.options).then(fromPutResponse);
  }),
  method(
    "/etcdserverpb.KV/DeleteRange",
    "/kv/deleterange",
    "DeleteRangeRequest",
    "DeleteRangeResponse",
    (member, call, limits) => {
      checkSize(call, limits);
      return member.deleteRange(toDeleteRangeRequest(call.message), call.options).then(fromDeleteRangeResponse);
    },
  ),
  method("/etcdserverpb.KV/Txn", "/kv/txn", "TxnRequest", "TxnResponse", (member, call, limits) => {
    const request = toTxnRequest(call.message, limits.maxTxnOps);
    // One that only reads is not proposed.
    if (!isReadOnlyTxn(request)) checkSize(call, limits);
    return member.txn(request, call.options).then(fromTxnResponse);
  }),
  method(
    "/etcdserverpb.KV/Compact",
    "/kv/compaction",
    "CompactionRequest",
    "CompactionResponse",
    (member, { message, options }) => member.compact(toCompactRequest(message), options).then(fromCompactResponse),
  ),
  method(
    "/etcdserverpb.Cluster/MemberList",
    "/cluster/member/list",
    "MemberListRequest",
    "MemberListResponse",
    memberListResponse,
  ),
  method("/etcdserverpb.Maintenance/Status", "/maintenance/status", "StatusRequest", "StatusResponse", statusResponse),
  method("/etcdserverpb.Maintenance/Alarm", "/maintenance/alarm", "AlarmRequest", "AlarmResponse", alarm),
];

/** There are no alarms to list; raising one by hand is not served. */
function alarm(_member: Member, call: MethodCall): WireMessage {
  const { action } = call.message as { readonly action: number };
  if (action === 0) return {};
  throw new RequestError(grpcCode.UNIMPLEMENTED, "holdfast: alarms can only be listed (action GET)");
}
