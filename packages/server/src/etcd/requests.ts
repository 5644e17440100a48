import { grpcCode } from "../grpc/status-code.ts";
import {
  CoordinationError,
  type Compare,
  type CompactRequest,
  type CompareResult,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  type SortOrder,
  type SortTarget,
  type TxnRequest,
} from "holdfast/coordination";
import { RequestError } from "./status.ts";
import { toBigInt, toSafeInteger, type WireInteger } from "holdfast/adapters/etcd-protocol";

/** Requests as decoded from the wire; see `schema.ts` for the fields' meaning on it. */
interface RangeMessage {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
  readonly limit: WireInteger;
  readonly revision: WireInteger;
  readonly sort_order: number;
  readonly sort_target: number;
  readonly serializable: boolean;
  readonly keys_only: boolean;
  readonly count_only: boolean;
  readonly min_mod_revision: WireInteger;
  readonly max_mod_revision: WireInteger;
  readonly min_create_revision: WireInteger;
  readonly max_create_revision: WireInteger;
}

interface PutMessage {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease: WireInteger;
  readonly prev_kv: boolean;
  readonly ignore_value: boolean;
  readonly ignore_lease: boolean;
}

interface DeleteRangeMessage {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
  readonly prev_kv: boolean;
}

interface CompareMessage {
  readonly result: number;
  readonly target: number;
  readonly key: Uint8Array;
  readonly version: WireInteger;
  readonly create_revision: WireInteger;
  readonly mod_revision: WireInteger;
  readonly value: Uint8Array;
  readonly lease: WireInteger;
  readonly range_end: Uint8Array;
}

interface OperationMessage {
  readonly request_range: RangeMessage | null;
  readonly request_put: PutMessage | null;
  readonly request_delete_range: DeleteRangeMessage | null;
  readonly request_txn: TxnMessage | null;
}

interface TxnMessage {
  readonly compare: readonly CompareMessage[];
  readonly success: readonly OperationMessage[];
  readonly failure: readonly OperationMessage[];
}

const noBytes = new Uint8Array(0);
const sortOrders: readonly SortOrder[] = ["none", "ascend", "descend"];
const sortTargets: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];
const compareResults: readonly CompareResult[] = ["equal", "greater", "less", "notEqual"];

/** protobufjs leaves an absent field as an empty array, which is no Uint8Array. */
export function bytes(value: Uint8Array): Uint8Array {
  return value.length === 0 ? noBytes : value;
}

export function toRangeRequest(message: object): RangeRequest {
  const range = message as RangeMessage;
  const sortOrder = sortOrders[range.sort_order];
  const sortTarget = sortTargets[range.sort_target];
  if (sortOrder === undefined || sortTarget === undefined) throw new CoordinationError("INVALID_SORT_OPTION");
  return {
    key: bytes(range.key),
    rangeEnd: bytes(range.range_end),
    limit: Math.max(0, toSafeInteger(range.limit)),
    revision: Math.max(0, toSafeInteger(range.revision)),
    sortOrder,
    sortTarget,
    serializable: range.serializable,
    keysOnly: range.keys_only,
    countOnly: range.count_only,
    minModRevision: toSafeInteger(range.min_mod_revision),
    maxModRevision: toSafeInteger(range.max_mod_revision),
    minCreateRevision: toSafeInteger(range.min_create_revision),
    maxCreateRevision: toSafeInteger(range.max_create_revision),
  };
}

export function toPutRequest(message: object): PutRequest {
  const put = message as PutMessage;
  return {
    key: bytes(put.key),
    value: bytes(put.value),
    lease: toBigInt(put.lease),
    previousPair: put.prev_kv,
    ignoreValue: put.ignore_value,
    ignoreLease: put.ignore_lease,
  };
}

export function toDeleteRangeRequest(message: object): DeleteRangeRequest {
  const request = message as DeleteRangeMessage;
  return { key: bytes(request.key), rangeEnd: bytes(request.range_end), previousPairs: request.prev_kv };
}

export function toCompactRequest(message: object): CompactRequest {
  return { revision: toSafeInteger((message as { readonly revision: WireInteger }).revision) };
}

/** @param maxOperations of conditions or operations in one branch, a nested transaction's counting on top of its parent's */
export function toTxnRequest(message: object, maxOperations: number): TxnRequest {
  const { compare, success, failure } = message as TxnMessage;
  const left = maxOperations - Math.max(compare.length, success.length, failure.length);
  if (left < 0) throw new CoordinationError("TOO_MANY_OPERATIONS");
  return {
    compare: compare.map(toCompare),
    success: success.map((operation) => toOperation(operation, left)),
    failure: failure.map((operation) => toOperation(operation, left)),
  };
}

function toOperation(operation: OperationMessage, maxOperations: number): RequestOp {
  const { request_range, request_put, request_delete_range, request_txn } = operation;
  if (request_put) return { type: "put", request: toPutRequest(request_put) };
  if (request_range) return { type: "range", request: toRangeRequest(request_range) };
  if (request_delete_range) return { type: "deleteRange", request: toDeleteRangeRequest(request_delete_range) };
  if (request_txn) return { type: "txn", request: toTxnRequest(request_txn, maxOperations) };
  // etcd says so of an operation that asks for nothing.
  throw new CoordinationError("KEY_NOT_FOUND");
}

function toCompare(compare: CompareMessage): Compare {
  const result = compareResults[compare.result];
  if (result === undefined) throw outOfRange("result", compare.result);
  const on = { key: bytes(compare.key), rangeEnd: bytes(compare.range_end), result };
  switch (compare.target) {
    case 0:
      return { ...on, target: "version", operand: toSafeInteger(compare.version) };
    case 1:
      return { ...on, target: "create", operand: toSafeInteger(compare.create_revision) };
    case 2:
      return { ...on, target: "mod", operand: toSafeInteger(compare.mod_revision) };
    case 3:
      return { ...on, target: "value", operand: bytes(compare.value) };
    case 4:
      return { ...on, target: "lease", operand: toBigInt(compare.lease) };
    default:
      throw outOfRange("target", compare.target);
  }
}

function outOfRange(field: string, value: number): RequestError {
  return new RequestError(grpcCode.INVALID_ARGUMENT, `etcdserver: compare has an unknown ${field} (got ${value})`);
}
