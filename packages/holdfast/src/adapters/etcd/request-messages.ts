import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
  WatchRequest,
} from "../../coordination/index.ts";
import { fromBigInt, type WireHalves, type WireMessage } from "../etcd-protocol/index.ts";

const sortOrders = { none: 0, ascend: 1, descend: 2 } as const;
const sortTargets = { key: 0, version: 1, create: 2, mod: 3, value: 4 } as const;
const compareResults = { equal: 0, greater: 1, less: 2, notEqual: 3 } as const;
const noPut = 0;
const noDelete = 1;

/** Zero is left out, as proto3 does. */
export function leaseOf(id: bigint | undefined): WireHalves | undefined {
  return id === undefined || id === 0n ? undefined : fromBigInt(id);
}

export function rangeMessage(request: RangeRequest): WireMessage {
  const { sortOrder = "none", sortTarget = "key" } = request;
  return {
    key: request.key,
    range_end: request.rangeEnd,
    limit: request.limit,
    revision: request.revision,
    sort_order: sortOrders[sortOrder],
    sort_target: sortTargets[sortTarget],
    serializable: request.serializable,
    keys_only: request.keysOnly,
    count_only: request.countOnly,
    min_mod_revision: request.minModRevision,
    max_mod_revision: request.maxModRevision,
    min_create_revision: request.minCreateRevision,
    max_create_revision: request.maxCreateRevision,
  };
}

export function putMessage(request: PutRequest): WireMessage {
  return {
    key: request.key,
    value: request.value,
    lease: leaseOf(request.lease),
    prev_kv: request.previousPair,
    ignore_value: request.ignoreValue,
    ignore_lease: request.ignoreLease,
  };
}

export function deleteRangeMessage({ key, rangeEnd, previousPairs }: DeleteRangeRequest): WireMessage {
  return { key, range_end: rangeEnd, prev_kv: previousPairs };
}

export function txnMessage({ compare, success, failure }: TxnRequest): WireMessage {
  return {
    compare: compare.map(compareMessage),
    success: success.map(operationMessage),
    failure: failure.map(operationMessage),
  };
}

function operationMessage(operation: RequestOp): WireMessage {
  switch (operation.type) {
    case "range":
      return { request_range: rangeMessage(operation.request) };
    case "put":
      return { request_put: putMessage(operation.request) };
    case "deleteRange":
      return { request_delete_range: deleteRangeMessage(operation.request) };
    default:
      return { request_txn: txnMessage(operation.request) };
  }
}

/** What is compared with travels even when it is zero: the field says which of them is meant. */
function compareMessage(compare: Compare): WireMessage {
  const on = { key: compare.key, range_end: compare.rangeEnd, result: compareResults[compare.result] };
  switch (compare.target) {
    case "version":
      return { ...on, target: 0, version: compare.operand };
    case "create":
      return { ...on, target: 1, create_revision: compare.operand };
    case "mod":
      return { ...on, target: 2, mod_revision: compare.operand };
    case "value":
      return { ...on, target: 3, value: compare.operand };
    default:
      return { ...on, target: 4, lease: fromBigInt(compare.operand) };
  }
}

const firstKey = new Uint8Array(1);

/** @param startRevision 0 for the next one */
export function watchMessage(request: WatchRequest, startRevision: number): WireMessage {
  const filters = [...(request.noPut === true ? [noPut] : []), ...(request.noDelete === true ? [noDelete] : [])];
  return {
    create_request: {
      key: request.key.length === 0 ? firstKey : request.key,
      range_end: request.rangeEnd,
      start_revision: startRevision,
      progress_notify: request.progressNotify,
      filters,
      prev_kv: request.previousPairs,
      fragment: request.fragment,
    },
  };
}
