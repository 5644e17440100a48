/** Leases as etcd has them (3.4): keys put with a lease go when it is revoked or runs out. Times to live are whole seconds. */
import type { LeaseId } from "../key-value/key-value.ts";

export interface LeaseGrantRequest {
  /** 0n or absent: a free one is drawn. */
  readonly id?: LeaseId;
  /** Raised to the least time to live (`LeaseOptions.minTtlSeconds`); at most 9 000 000 000. */
  readonly ttlSeconds: number;
}

export interface LeaseGrantResponse {
  readonly id: LeaseId;
  /** What was granted. */
  readonly ttlSeconds: number;
}

export interface LeaseRevokeRequest {
  readonly id: LeaseId;
}

export type LeaseRevokeResponse = Record<string, never>;

export interface LeaseKeepAliveRequest {
  readonly id: LeaseId;
}

export interface LeaseKeepAliveResponse {
  readonly id: LeaseId;
  /** The time to live, which begins anew; 0 when there is no such lease (any more). */
  readonly ttlSeconds: number;
}

export interface LeaseTimeToLiveRequest {
  readonly id: LeaseId;
  /** Also tell the keys that hang on it. */
  readonly keys?: boolean;
}

export interface LeaseTimeToLiveResponse {
  readonly id: LeaseId;
  /** Whole seconds left, rounded down; -1 when there is no such lease. */
  readonly ttlSeconds: number;
  /** 0 when there is no such lease. */
  readonly grantedTtlSeconds: number;
  /** In ascending order; none unless asked for. */
  readonly keys: readonly Uint8Array[];
}

export interface LeasesResponse {
  /** The one that runs out first comes first. */
  readonly leases: readonly LeaseId[];
}
