import { isReadOnlyTxn } from "holdfast/coordination";
import { checkSize, unary, type Method } from "./method.ts";
import { toCompactRequest, toDeleteRangeRequest, toPutRequest, toRangeRequest, toTxnRequest } from "./requests.ts";
import {
  fromCompactResponse,
  fromDeleteRangeResponse,
  fromPutResponse,
  fromRangeResponse,
  fromTxnResponse,
} from "./responses.ts";

/** etcdserverpb.KV */
export const kvMethods: readonly Method[] = [
  unary(["/etcdserverpb.KV/Range", "/kv/range", "RangeRequest", "RangeResponse"], (member, { message, options }) =>
    member.range(toRangeRequest(message), options).then(fromRangeResponse),
  ),
  unary(["/etcdserverpb.KV/Put", "/kv/put", "PutRequest", "PutResponse"], (member, call, limits) => {
    checkSize(call, limits);
    return member.put(toPutRequest(call.message), call.options).then(fromPutResponse);
  }),
  unary(
    ["/etcdserverpb.KV/DeleteRange", "/kv/deleterange", "DeleteRangeRequest", "DeleteRangeResponse"],
    (member, call, limits) => {
      checkSize(call, limits);
      return member.deleteRange(toDeleteRangeRequest(call.message), call.options).then(fromDeleteRangeResponse);
    },
  ),
  unary(["/etcdserverpb.KV/Txn", "/kv/txn", "TxnRequest", "TxnResponse"], (member, call, limits) => {
    const request = toTxnRequest(call.message, limits.maxTxnOps);
    // One that only reads is not proposed.
    if (!isReadOnlyTxn(request)) checkSize(call, limits);
    return member.txn(request, call.options).then(fromTxnResponse);
  }),
  unary(
    ["/etcdserverpb.KV/Compact", "/kv/compaction", "CompactionRequest", "CompactionResponse"],
    (member, { message, options }) => member.compact(toCompactRequest(message), options).then(fromCompactResponse),
  ),
];
