import type {
  Answer,
  DeleteRangeResponse,
  KeyValue,
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeasesResponse,
  LeaseTimeToLiveResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
  WatchEvent,
} from "../../coordination/index.ts";
import {
  toBigInt,
  toSafeInteger,
  toUnsignedBigInt,
  type WireInteger,
  type WireMessage,
} from "../etcd-protocol/index.ts";

interface HeaderMessage {
  readonly cluster_id: WireInteger;
  readonly member_id: WireInteger;
  readonly revision: WireInteger;
  readonly raft_term: WireInteger;
}

interface PairMessage {
  readonly key: Uint8Array;
  readonly create_revision: WireInteger;
  readonly mod_revision: WireInteger;
  readonly version: WireInteger;
  readonly value: Uint8Array;
  readonly lease: WireInteger;
}

interface RangeMessage {
  readonly kvs: readonly PairMessage[];
  readonly more: boolean;
  readonly count: WireInteger;
}

interface DeleteMessage {
  readonly deleted: WireInteger;
  readonly prev_kvs: readonly PairMessage[];
}

interface PutMessage {
  readonly prev_kv: PairMessage | null;
}

interface TxnMessage {
  readonly succeeded: boolean;
  readonly responses: readonly {
    readonly response_range: RangeMessage | null;
    readonly response_put: PutMessage | null;
    readonly response_delete_range: DeleteMessage | null;
    readonly response_txn: TxnMessage | null;
  }[];
}

interface LeaseMessage {
  readonly ID: WireInteger;
  readonly TTL: WireInteger;
  readonly grantedTTL: WireInteger;
  readonly keys: readonly Uint8Array[];
}

export interface EventMessage {
  readonly type: number;
  readonly kv: PairMessage;
  readonly prev_kv: PairMessage | null;
}

export interface WatchMessage {
  readonly watch_id: WireInteger;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: WireInteger;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  readonly events: readonly EventMessage[];
}

/** An answer without a header is a broken one. */
export function toHeader(message: WireMessage): ResponseHeader {
  const { header } = message as { readonly header: HeaderMessage | null };
  if (header === null) throw new Error("the answer has no header");
  return {
    clusterId: toUnsignedBigInt(header.cluster_id),
    memberId: toUnsignedBigInt(header.member_id),
    revision: toSafeInteger(header.revision),
    term: toSafeInteger(header.raft_term),
  };
}

/** An array of the answer's own would keep the whole message in memory, and would be a Buffer. */
function bytes(value: Uint8Array): Uint8Array {
  return new Uint8Array(value);
}

function toPair(pair: PairMessage): KeyValue {
  return {
    key: bytes(pair.key),
    value: bytes(pair.value),
    createRevision: toSafeInteger(pair.create_revision),
    modRevision: toSafeInteger(pair.mod_revision),
    version: toSafeInteger(pair.version),
    lease: toBigInt(pair.lease),
  };
}

export function toRange(message: WireMessage): RangeResponse {
  const { kvs, more, count } = message as RangeMessage;
  return { pairs: kvs.map(toPair), more, count: toSafeInteger(count) };
}

export function toPut(message: WireMessage): PutResponse {
  const { prev_kv } = message as PutMessage;
  return prev_kv === null ? {} : { previousPair: toPair(prev_kv) };
}

export function toDeleteRange(message: WireMessage): DeleteRangeResponse {
  const { deleted, prev_kvs } = message as DeleteMessage;
  return { deleted: toSafeInteger(deleted), previousPairs: prev_kvs.map(toPair) };
}

export function toTxn(message: WireMessage): TxnResponse {
  const { succeeded, responses } = message as TxnMessage;
  return { succeeded, responses: responses.map(toStep) };
}

function toStep(step: TxnMessage["responses"][number]): ResponseOp {
  const { response_range, response_put, response_delete_range, response_txn } = step;
  if (response_range !== null) return { type: "range", response: toRange(response_range) };
  if (response_put !== null) return { type: "put", response: toPut(response_put) };
  if (response_delete_range !== null) return { type: "deleteRange", response: toDeleteRange(response_delete_range) };
  if (response_txn !== null) return { type: "txn", response: toTxn(response_txn) };
  throw new Error("the answer to an operation of a transaction is empty");
}

export function toGrant(message: WireMessage): LeaseGrantResponse {
  const { ID, TTL } = message as LeaseMessage;
  return { id: toBigInt(ID), ttlSeconds: toSafeInteger(TTL) };
}

export function toKeepAlive(message: WireMessage): Answer<LeaseKeepAliveResponse> {
  const { ID, TTL } = message as LeaseMessage;
  return { id: toBigInt(ID), ttlSeconds: Math.max(0, toSafeInteger(TTL)), header: toHeader(message) };
}

export function toTimeToLive(message: WireMessage): LeaseTimeToLiveResponse {
  const { ID, TTL, grantedTTL, keys } = message as LeaseMessage;
  return {
    id: toBigInt(ID),
    ttlSeconds: toSafeInteger(TTL),
    grantedTtlSeconds: toSafeInteger(grantedTTL),
    keys: keys.map(bytes),
  };
}

export function toLeases(message: WireMessage): LeasesResponse {
  const { leases } = message as { readonly leases: readonly LeaseMessage[] };
  return { leases: leases.map(({ ID }) => toBigInt(ID)) };
}

export function toEvent({ type, kv, prev_kv }: EventMessage): WatchEvent {
  const event = { type: type === 1 ? ("delete" as const) : ("put" as const), pair: toPair(kv) };
  return prev_kv === null ? event : { ...event, previousPair: toPair(prev_kv) };
}
