import type {
  Answer,
  Compare,
  DeleteRangeRequest,
  DeleteRangeResponse,
  KeyValue,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from "holdfast/coordination";

/** The etcd v3 JSON gateway's documents: bytes in base64, 64-bit integers as decimal text, zero values left out. */
export type Json = Readonly<Record<string, unknown>>;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export function encodeRange(request: RangeRequest): Json {
  return {
    key: base64(request.key),
    ...(request.rangeEnd === undefined ? {} : { range_end: base64(request.rangeEnd) }),
    ...(request.limit ? { limit: String(request.limit) } : {}),
    ...(request.revision ? { revision: String(request.revision) } : {}),
    ...(request.sortOrder && request.sortOrder !== "none" ? { sort_order: request.sortOrder.toUpperCase() } : {}),
    ...(request.sortTarget ? { sort_target: request.sortTarget.toUpperCase() } : {}),
    ...(request.serializable ? { serializable: true } : {}),
    ...(request.keysOnly ? { keys_only: true } : {}),
    ...(request.countOnly ? { count_only: true } : {}),
    ...(request.minModRevision ? { min_mod_revision: String(request.minModRevision) } : {}),
    ...(request.maxModRevision ? { max_mod_revision: String(request.maxModRevision) } : {}),
    ...(request.minCreateRevision ? { min_create_revision: String(request.minCreateRevision) } : {}),
    ...(request.maxCreateRevision ? { max_create_revision: String(request.maxCreateRevision) } : {}),
  };
}

export function encodePut(request: PutRequest): Json {
  return {
    key: base64(request.key),
    value: base64(request.value),
    ...(request.lease ? { lease: String(request.lease) } : {}),
    ...(request.previousPair ? { prev_kv: true } : {}),
    ...(request.ignoreValue ? { ignore_value: true } : {}),
    ...(request.ignoreLease ? { ignore_lease: true } : {}),
  };
}

export function encodeDeleteRange(request: DeleteRangeRequest): Json {
  return {
    key: base64(request.key),
    ...(request.rangeEnd === undefined ? {} : { range_end: base64(request.rangeEnd) }),
    ...(request.previousPairs ? { prev_kv: true } : {}),
  };
}

export function encodeTxn(request: TxnRequest): Json {
  return {
    compare: request.compare.map(encodeCompare),
    success: request.success.map(encodeOp),
    failure: request.failure.map(encodeOp),
  };
}

const compareResults = { equal: "EQUAL", greater: "GREATER", less: "LESS", notEqual: "NOT_EQUAL" } as const;
const compareOperands = {
  version: "version",
  create: "create_revision",
  mod: "mod_revision",
  value: "value",
  lease: "lease",
} as const;

function encodeCompare(compare: Compare): Json {
  return {
    key: base64(compare.key),
    ...(compare.rangeEnd === undefined ? {} : { range_end: base64(compare.rangeEnd) }),
    result: compareResults[compare.result],
    target: compare.target.toUpperCase(),
    [compareOperands[compare.target]]:
      compare.target === "value" ? base64(compare.operand) : compare.operand.toString(),
  };
}

function encodeOp(op: RequestOp): Json {
  if (op.type === "range") return { request_range: encodeRange(op.request) };
  if (op.type === "put") return { request_put: encodePut(op.request) };
  if (op.type === "deleteRange") return { request_delete_range: encodeDeleteRange(op.request) };
  return { request_txn: encodeTxn(op.request) };
}

const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const array = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const number = (value: unknown): number => Number(value ?? 0);
const bigint = (value: unknown): bigint =>
  typeof value === "string" || typeof value === "number" ? BigInt(value) : 0n;
const bytes = (value: unknown): Uint8Array =>
  typeof value === "string" ? Buffer.from(value, "base64") : new Uint8Array(0);

/** Adds the header, which says who answered and as of when. */
export function withHeader<T>(decode: (json: Json) => T): (json: Json) => Answer<T> {
  return (json) => {
    const header = object(json["header"]);
    return {
      ...decode(json),
      header: {
        clusterId: bigint(header["cluster_id"]),
        memberId: bigint(header["member_id"]),
        revision: number(header["revision"]),
        term: number(header["raft_term"]),
      },
    };
  };
}

export function decodePair(value: unknown): KeyValue {
  const pair = object(value);
  return {
    key: bytes(pair["key"]),
    value: bytes(pair["value"]),
    createRevision: number(pair["create_revision"]),
    modRevision: number(pair["mod_revision"]),
    version: number(pair["version"]),
    lease: bigint(pair["lease"]),
  };
}

export function decodeRange(json: Json): RangeResponse {
  return {
    pairs: array(json["kvs"]).map(decodePair),
    more: json["more"] === true,
    count: number(json["count"]),
  };
}

export function decodePut(json: Json): PutResponse {
  return json["prev_kv"] === undefined ? {} : { previousPair: decodePair(json["prev_kv"]) };
}

export function decodeDeleteRange(json: Json): DeleteRangeResponse {
  return { deleted: number(json["deleted"]), previousPairs: array(json["prev_kvs"]).map(decodePair) };
}

export function decodeTxn(json: Json): TxnResponse {
  return { succeeded: json["succeeded"] === true, responses: array(json["responses"]).map(decodeOp) };
}

function decodeOp(value: unknown): ResponseOp {
  const json = object(value);
  if ("response_range" in json) return { type: "range", response: decodeRange(object(json["response_range"])) };
  if ("response_put" in json) return { type: "put", response: decodePut(object(json["response_put"])) };
  if ("response_delete_range" in json) {
    return { type: "deleteRange", response: decodeDeleteRange(object(json["response_delete_range"])) };
  }
  return { type: "txn", response: decodeTxn(object(json["response_txn"])) };
}
