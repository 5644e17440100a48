import type { Caller } from "./auth.ts";
import type { AuthStore } from "./auth-store.ts";
import type { CommandOperation } from "../key-value/command.ts";
import { keyRange, singleKey } from "../key-value/key-range.ts";
import type {
  DeleteRangeRequest,
  LeaseId,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../key-value/key-value.ts";

const firstKey = new Uint8Array(1);

/** Who asks for something, and what it is judged by. */
export interface Authority {
  readonly auth: AuthStore;
  readonly caller: Caller | undefined;
  /** The keys that hang on a lease. */
  readonly keysOf: (lease: LeaseId) => Iterable<string>;
}

/**
 * Whether the caller may do what a command does; judged when it is applied, by the permissions of that moment.
 *
 * As etcd 3.4 judges, and stricter where that one let pass what it should not: transactions within transactions, the pair
 * before a put and the lease of a put within a transaction, and grants and compactions by nobody in particular.
 *
 * @throws CoordinationError, see AuthStore.check
 */
export function checkPermission(operation: CommandOperation, authority: Authority): void {
  const { auth, caller } = authority;
  if (!auth.enabled) return;
  switch (operation.type) {
    case "put":
      return checkPut(operation.request, authority);
    case "deleteRange":
      return checkDelete(operation.request, authority);
    case "txn":
      return checkTxn(operation.request, authority);
    case "leaseRevoke":
      return checkLease(operation.request.id, authority);
    case "leaseGrant":
    case "compact":
      return auth.requireUser(caller);
    case "auth":
      return auth.check(caller, "admin");
    default:
    // Nobody's.
  }
}

/** Operations of somebody; all others are of members, of time, or, as in etcd, of whoever knows a lease. */
const judged: ReadonlySet<string> = new Set<CommandOperation["type"]>([
  "put",
  "deleteRange",
  "txn",
  "leaseGrant",
  "leaseRevoke",
  "compact",
  "auth",
]);

/**
 * Whether the caller is anybody, as of the present users, where the operation takes that.
 *
 * @throws CoordinationError USER_EMPTY, AUTH_OLD_REVISION
 */
export function checkStanding(operation: CommandOperation, { auth, caller }: Pick<Authority, "auth" | "caller">): void {
  if (auth.enabled && judged.has(operation.type)) auth.requireCaller(caller);
}

/** Whether the caller may read what a transaction reads and write what it writes, whichever way it goes. */
export function checkTxn({ compare, success, failure }: TxnRequest, authority: Authority): void {
  if (!authority.auth.enabled) return;
  for (const condition of compare) checkRead(condition, authority);
  for (const operation of success) checkStep(operation, authority);
  for (const operation of failure) checkStep(operation, authority);
}

/** Whether the caller may read, or watch, these keys. An empty key is the first there can be. */
export function checkRead(
  { key, rangeEnd }: Pick<RangeRequest, "key" | "rangeEnd">,
  { auth, caller }: Pick<Authority, "auth" | "caller">,
): void {
  if (auth.enabled) auth.check(caller, "read", keyRange(key.length === 0 ? firstKey : key, rangeEnd));
}

/** Whether the caller may be told the keys of a lease. */
export function checkLeaseRead(lease: LeaseId, { auth, caller, keysOf }: Authority): void {
  auth.requireUser(caller);
  if (auth.enabled) for (const key of keysOf(lease)) auth.check(caller, "read", singleKey(key));
}

function checkStep(operation: RequestOp, authority: Authority): void {
  if (operation.type === "put") checkPut(operation.request, authority);
  else if (operation.type === "deleteRange") checkDelete(operation.request, authority);
  else if (operation.type === "txn") checkTxn(operation.request, authority);
  else checkRead(operation.request, authority);
}

function checkPut({ key, lease = 0n, previousPair }: PutRequest, authority: Authority): void {
  const { auth, caller } = authority;
  const keys = keyRange(key, undefined);
  auth.check(caller, "write", keys);
  // Who could not end the lease must not hang more on it.
  if (lease !== 0n) checkLease(lease, authority);
  if (previousPair === true) auth.check(caller, "read", keys);
}

function checkDelete({ key, rangeEnd, previousPairs }: DeleteRangeRequest, { auth, caller }: Authority): void {
  const keys = keyRange(key, rangeEnd);
  auth.check(caller, "write", keys);
  if (previousPairs === true) auth.check(caller, "read", keys);
}

/** To end a lease is to delete its keys. */
function checkLease(lease: LeaseId, { auth, caller, keysOf }: Authority): void {
  auth.requireUser(caller);
  for (const key of keysOf(lease)) auth.check(caller, "write", singleKey(key));
}
