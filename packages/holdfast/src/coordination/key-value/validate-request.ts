import { InvalidArgumentError } from "../../errors/base.ts";
import type { RequestIdentity } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import type {
  CompactRequest,
  DeleteRangeRequest,
  LeaseId,
  PutRequest,
  RangeRequest,
  RequestOp,
  SortOrder,
  SortTarget,
  TxnRequest,
} from "./key-value.ts";
import { maxTtlSeconds } from "../leases/lease-options.ts";
import type { LeaseGrantRequest } from "../leases/lease.ts";
import { refuseOverlaps } from "./txn-overlap.ts";

/** Operations in one list of a transaction, at most, unless configured otherwise. */
export const defaultMaxTxnOps = 128;

export const sortOrders: readonly SortOrder[] = ["none", "ascend", "descend"];
export const sortTargets: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];

/** @throws CoordinationError EMPTY_KEY, INVALID_SORT_OPTION; InvalidArgumentError for a number that is no safe integer */
export function validateRange(request: RangeRequest): void {
  requireKey(request.key);
  if (request.sortOrder !== undefined && !sortOrders.includes(request.sortOrder)) {
    throw new CoordinationError("INVALID_SORT_OPTION");
  }
  if (request.sortTarget !== undefined && !sortTargets.includes(request.sortTarget)) {
    throw new CoordinationError("INVALID_SORT_OPTION");
  }
  requireInteger("range.limit", request.limit);
  requireInteger("range.revision", request.revision);
  requireInteger("range.minModRevision", request.minModRevision);
  requireInteger("range.maxModRevision", request.maxModRevision);
  requireInteger("range.minCreateRevision", request.minCreateRevision);
  requireInteger("range.maxCreateRevision", request.maxCreateRevision);
}

/** @throws CoordinationError EMPTY_KEY, VALUE_PROVIDED, LEASE_PROVIDED; InvalidArgumentError for a lease beyond 64 bits */
export function validatePut(request: PutRequest): void {
  requireKey(request.key);
  if (request.ignoreValue === true && request.value.length !== 0) throw new CoordinationError("VALUE_PROVIDED");
  if (request.lease === undefined) return;
  if (request.ignoreLease === true && request.lease !== 0n) throw new CoordinationError("LEASE_PROVIDED");
  requireLease("put.lease", request.lease);
}

/** @throws CoordinationError EMPTY_KEY */
export function validateDeleteRange(request: DeleteRangeRequest): void {
  requireKey(request.key);
}

/** @throws InvalidArgumentError for a revision that is no safe integer */
export function validateCompact(request: CompactRequest): void {
  requireInteger("compact.revision", request.revision);
}

/**
 * Checks a transaction and everything in it: its operations one by one, how many there are (each list on its own; a
 * nested transaction gets what the longest list around it leaves), and that no branch writes a key twice.
 *
 * @throws CoordinationError TOO_MANY_OPERATIONS, DUPLICATE_KEY, and what the operations' own checks throw
 */
export function validateTxn(request: TxnRequest, maxTxnOps: number = defaultMaxTxnOps): void {
  validateOperations(request, maxTxnOps);
  refuseOverlaps(request);
}

/** @throws CoordinationError LEASE_TTL_TOO_LARGE; InvalidArgumentError for an id beyond 64 bits or a part of a second */
export function validateLeaseGrant({ id, ttlSeconds }: LeaseGrantRequest): void {
  if (id !== undefined) requireLease("leaseGrant.id", id);
  requireInteger("leaseGrant.ttlSeconds", ttlSeconds);
  if (ttlSeconds > maxTtlSeconds) throw new CoordinationError("LEASE_TTL_TOO_LARGE");
}

/** @throws InvalidArgumentError for an id beyond 64 bits */
export function validateLeaseId({ id }: { readonly id: LeaseId }): void {
  requireLease("lease.id", id);
}

/** @throws InvalidArgumentError naming the part that is not as RequestIdentity says */
export function validateIdentity(identity: RequestIdentity): void {
  const { client, sequence, acknowledged, since } = identity;
  requireAtLeast("identity.client", client, 1);
  requireAtLeast("identity.sequence", sequence, 1);
  requireAtLeast("identity.acknowledged", acknowledged, 0);
  if (acknowledged >= sequence) {
    throw new InvalidArgumentError("identity.acknowledged", `must be below the sequence ${sequence}`, acknowledged);
  }
  if (since !== undefined) requireAtLeast("identity.since", since, 0);
}

function validateOperations(request: TxnRequest, maxTxnOps: number): void {
  const { compare, success, failure } = request;
  const longest = Math.max(compare.length, success.length, failure.length);
  if (longest > maxTxnOps) throw new CoordinationError("TOO_MANY_OPERATIONS");
  for (const condition of compare) {
    requireKey(condition.key);
    if (condition.target === "lease") requireLease("compare.operand", condition.operand);
    else if (condition.target !== "value") requireInteger("compare.operand", condition.operand);
  }
  for (const operation of success) validateOperation(operation, maxTxnOps - longest);
  for (const operation of failure) validateOperation(operation, maxTxnOps - longest);
}

function validateOperation(operation: RequestOp, maxTxnOps: number): void {
  switch (operation.type) {
    case "range":
      return validateRange(operation.request);
    case "put":
      return validatePut(operation.request);
    case "deleteRange":
      return validateDeleteRange(operation.request);
    case "txn":
      return validateOperations(operation.request, maxTxnOps);
    default:
      throw new InvalidArgumentError(
        "operation.type",
        'must be "range", "put", "deleteRange" or "txn"',
        (operation as { readonly type: unknown }).type,
      );
  }
}

function requireKey(key: Uint8Array): void {
  if (key.length === 0) throw new CoordinationError("EMPTY_KEY");
}

function requireInteger(name: string, value: number | undefined): void {
  if (value !== undefined && !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(name, "must be a safe integer", value);
  }
}

function requireAtLeast(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new InvalidArgumentError(name, `must be a safe integer >= ${least}`, value);
  }
}

function requireLease(name: string, lease: bigint): void {
  if (BigInt.asIntN(64, lease) !== lease) {
    throw new InvalidArgumentError(name, "must be a signed 64-bit integer", lease);
  }
}
