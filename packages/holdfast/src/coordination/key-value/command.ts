import type { MalformedError } from "../../wire/index.ts";
import type { AuthChange, AuthChangeResponse, Authentication, Caller } from "../auth/auth.ts";
import type { ClusterChange, ClusterChangeResponse } from "../cluster/cluster-change.ts";
import type { MemberInfo, RequestIdentity } from "../coordination.ts";
import type { CoordinationError } from "../coordination-error.ts";
import type {
  CompactRequest,
  CompactResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  TxnRequest,
  TxnResponse,
} from "./key-value.ts";
import type { ClockTick, LeaseGrant, LeaseRenewal } from "../leases/lease-codec.ts";
import type { LeaseRenewals } from "../leases/lease-keep-alives.ts";
import type { LeaseGrantResponse, LeaseRevokeRequest, LeaseRevokeResponse } from "../leases/lease.ts";

/**
 * What a command does. `memberAttributes` is how a member makes its own name and addresses known to all, `clockTick` how
 * the leader moves the clock of the leases on.
 */
export type CommandOperation =
  | { readonly type: "put"; readonly request: PutRequest }
  | { readonly type: "deleteRange"; readonly request: DeleteRangeRequest }
  | { readonly type: "txn"; readonly request: TxnRequest }
  | { readonly type: "compact"; readonly request: CompactRequest }
  | { readonly type: "memberAttributes"; readonly request: MemberInfo }
  | { readonly type: "leaseGrant"; readonly request: LeaseGrant }
  | { readonly type: "leaseRevoke"; readonly request: LeaseRevokeRequest }
  | { readonly type: "leaseKeepAlive"; readonly request: LeaseRenewal }
  | { readonly type: "clockTick"; readonly request: ClockTick }
  | { readonly type: "auth"; readonly request: AuthChange }
  | { readonly type: "authenticate"; readonly request: Authentication }
  | { readonly type: "cluster"; readonly request: ClusterChange };

/** One entry of the replicated log. Without an identity it is applied each time it is in the log. */
export interface Command {
  readonly identity?: RequestIdentity;
  /** On whose behalf: judged when it is applied. */
  readonly caller?: Caller;
  readonly operation: CommandOperation;
}

/** How an operation that was applied is answered. */
export type OperationAnswer =
  | { readonly type: "put"; readonly response: PutResponse }
  | { readonly type: "deleteRange"; readonly response: DeleteRangeResponse }
  | { readonly type: "txn"; readonly response: TxnResponse }
  | { readonly type: "compact"; readonly response: CompactResponse }
  | { readonly type: "memberAttributes"; readonly response: Record<string, never> }
  | { readonly type: "leaseGrant"; readonly response: LeaseGrantResponse }
  | { readonly type: "leaseRevoke"; readonly response: LeaseRevokeResponse }
  | { readonly type: "leaseKeepAlive"; readonly response: LeaseRenewals }
  | { readonly type: "clockTick"; readonly response: { readonly expired: number } }
  | { readonly type: "auth"; readonly response: AuthChangeResponse }
  | { readonly type: "authenticate"; readonly response: Record<string, never> }
  | { readonly type: "cluster"; readonly response: ClusterChangeResponse };

/** The answer, and the store's revision when the command was applied. */
export type Applied = OperationAnswer & { readonly revision: number };

/** Why the command changed nothing; the same on every member. `error` is MALFORMED when it could not be read. */
export interface Refused {
  readonly type: "refused";
  readonly error: CoordinationError | MalformedError;
}

/** What applying a command gives. */
export type Outcome = Applied | Refused;
