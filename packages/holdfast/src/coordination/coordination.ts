import type { AuthAdministration } from "./auth/auth-administration.ts";
import type { Credentials } from "./auth/auth.ts";
import type { Alarm, ClusterAdministration, MaintenanceAdministration } from "./cluster/cluster.ts";
import type {
  CompactRequest,
  CompactResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from "./key-value/key-value.ts";

import type {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeasesResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "./leases/lease.ts";
import type { Watcher, WatchOptions, WatchRequest } from "./watches/watch.ts";

/** Who answered, and as of when. */
export interface ResponseHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** The store's revision when the request was applied. */
  readonly revision: number;
  readonly term: number;
}

export type Answer<T> = T & { readonly header: ResponseHeader };

/** Names one request of one client, so that the cluster applies it once however often it is sent. */
export interface RequestIdentity {
  /** Drawn at random by the client for its lifetime; a positive safe integer. */
  readonly client: number;
  /** From 1, one more each new request; a retry repeats it. */
  readonly sequence: number;
  /** All requests up to this sequence are over: their answers need not be kept. */
  readonly acknowledged: number;
  /**
   * A store revision that the client had seen in an answer before its first request, the same for its lifetime.
   * Default 0. It tells a new client from one whose session was forgotten: see SessionTable.
   */
  readonly since?: number;
}

export interface RequestOptions {
  readonly identity?: RequestIdentity;
  /** Who asks; needed while the cluster's users are enabled, without effect otherwise. */
  readonly credentials?: Credentials;
  /** Gives up with TIMED_OUT after this time. Default 5 000. */
  readonly timeoutMs?: number;
  /** Gives up waiting with `signal.reason`; a write may still be applied. */
  readonly signal?: AbortSignal;
}

/** The key-value model as a service, wherever it lives. Rejects with CoordinationError. Reads are linearizable by default. */
export interface Coordination {
  range(request: RangeRequest, options?: RequestOptions): Promise<Answer<RangeResponse>>;
  put(request: PutRequest, options?: RequestOptions): Promise<Answer<PutResponse>>;
  deleteRange(request: DeleteRangeRequest, options?: RequestOptions): Promise<Answer<DeleteRangeResponse>>;
  txn(request: TxnRequest, options?: RequestOptions): Promise<Answer<TxnResponse>>;
  compact(request: CompactRequest, options?: RequestOptions): Promise<Answer<CompactResponse>>;
  /**
   * Starts a watch, which sees every change from its start on, once and in order.
   *
   * @throws CoordinationError TOO_MANY_REQUESTS, NO_LEADER, STOPPED; InvalidArgumentError
   */
  watch(request: WatchRequest, options?: WatchOptions): Promise<Watcher>;
  leaseGrant(request: LeaseGrantRequest, options?: RequestOptions): Promise<Answer<LeaseGrantResponse>>;
  /** Ends a lease and deletes its keys. */
  leaseRevoke(request: LeaseRevokeRequest, options?: RequestOptions): Promise<Answer<LeaseRevokeResponse>>;
  leaseKeepAlive(request: LeaseKeepAliveRequest, options?: RequestOptions): Promise<Answer<LeaseKeepAliveResponse>>;
  leaseTimeToLive(request: LeaseTimeToLiveRequest, options?: RequestOptions): Promise<Answer<LeaseTimeToLiveResponse>>;
  leases(options?: RequestOptions): Promise<Answer<LeasesResponse>>;
}

/** What is known of one member of the cluster. */
export interface MemberInfo {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly httpUrls: readonly string[];
  /** It gets everything and decides nothing. Default false. */
  readonly isLearner?: boolean;
  /** It votes and holds no state: it never leads, and refuses every request with NOT_AT_WITNESS. Default false. */
  readonly isWitness?: boolean;
}

export type MemberRole = "leader" | "follower" | "candidate";

/** One member's own view of itself. */
export interface MemberStatus {
  readonly role: MemberRole;
  readonly term: number;
  /** 0n when none is known. */
  readonly leader: bigint;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly revision: number;
  /** Bytes of keys and values held, all revisions. */
  readonly storeBytes: number;
  readonly logBytes: number;
  /** It gets everything and decides nothing. */
  readonly isLearner: boolean;
  /** It votes, holds no state, and answers no clients. Default false. */
  readonly isWitness?: boolean;
  /** Its disk has been at one write for too long: it takes no part until that is over. Default false. */
  readonly isDiskStalled?: boolean;
  /** What is wrong in the cluster, as this member knows. */
  readonly alarms: readonly Alarm[];
}

/** What a member can tell of its way to another, by what the two say to each other to agree. */
export interface MemberContact {
  readonly id: bigint;
  /**
   * `heard`: it says something again and again, as it should. `silent`: it should have been heard by now. `idle`: it
   * need not say anything, so that its silence means nothing.
   */
  readonly state: "heard" | "silent" | "idle";
  /** Milliseconds; null when it has not been heard yet. */
  readonly lastHeardMs: number | null;
}

/** A member of an embedded cluster. */
export interface Member extends Coordination {
  readonly id: bigint;
  readonly name: string;
  readonly clusterId: bigint;
  readonly auth: AuthAdministration;
  readonly cluster: ClusterAdministration;
  readonly maintenance: MaintenanceAdministration;
  status(): MemberStatus;
  /** All members, as far as this one knows. */
  members(): readonly MemberInfo[];
  /** Which of the others it hears. Absent where there are no others. */
  contacts?(): readonly MemberContact[];
  /** Resolves once with the reason when the member has stopped by itself (a failed disk, its removal from the cluster). */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}
