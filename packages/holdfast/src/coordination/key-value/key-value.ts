/** The etcd v3 key-value model: requests and responses, with etcd's meaning. Revisions are safe integers. */

/** Lease ids are 64-bit on the wire, so they are bigint here; 0n is no lease. */
export type LeaseId = bigint;

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Revision of the put that created the key in its present life. */
  readonly createRevision: number;
  /** Revision of the last put. */
  readonly modRevision: number;
  /** Puts in the present life, from 1; a delete ends the life. */
  readonly version: number;
  readonly lease: LeaseId;
}

export type SortOrder = "none" | "ascend" | "descend";
export type SortTarget = "key" | "version" | "create" | "mod" | "value";

/** One key when `rangeEnd` is absent or empty; `[key, rangeEnd)` otherwise; to the end of all keys when it is one zero byte. */
export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  /** At most this many pairs; 0 or absent for no limit. */
  readonly limit?: number;
  /** Read as of this revision; 0 or absent for the newest. */
  readonly revision?: number;
  readonly sortOrder?: SortOrder;
  readonly sortTarget?: SortTarget;
  /** Answer from this member's state, which may be old, without asking the others. */
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface RangeResponse {
  readonly pairs: readonly KeyValue[];
  /** Whether the limit cut the answer. */
  readonly more: boolean;
  /** How many keys the range holds, whatever the limit. */
  readonly count: number;
}

export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease?: LeaseId;
  readonly previousPair?: boolean;
  /** Keep the present value; the key must exist. */
  readonly ignoreValue?: boolean;
  /** Keep the present lease; the key must exist. */
  readonly ignoreLease?: boolean;
}

export interface PutResponse {
  readonly previousPair?: KeyValue;
}

export interface DeleteRangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  readonly previousPairs?: boolean;
}

export interface DeleteRangeResponse {
  readonly deleted: number;
  readonly previousPairs: readonly KeyValue[];
}

export type CompareResult = "equal" | "greater" | "less" | "notEqual";

/** A condition on one key, or on every key of a range (true for all of them). A missing key has version and revisions 0. */
export type Compare = {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  readonly result: CompareResult;
} & (
  | { readonly target: "version" | "create" | "mod"; readonly operand: number }
  | { readonly target: "value"; readonly operand: Uint8Array }
  | { readonly target: "lease"; readonly operand: LeaseId }
);

export type RequestOp =
  | { readonly type: "range"; readonly request: RangeRequest }
  | { readonly type: "put"; readonly request: PutRequest }
  | { readonly type: "deleteRange"; readonly request: DeleteRangeRequest }
  | { readonly type: "txn"; readonly request: TxnRequest };

export type ResponseOp =
  | { readonly type: "range"; readonly response: RangeResponse }
  | { readonly type: "put"; readonly response: PutResponse }
  | { readonly type: "deleteRange"; readonly response: DeleteRangeResponse }
  | { readonly type: "txn"; readonly response: TxnResponse };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse {
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface CompactRequest {
  /** History below this revision goes; reads there fail with COMPACTED. */
  readonly revision: number;
}

export type CompactResponse = Record<string, never>;
