import { writeText } from "../byte-text.ts";
import { CoordinationError } from "../coordination-error.ts";
import type { LeaseId } from "../key-value/key-value.ts";
import { Lease, LeaseExpiry } from "./lease-expiry.ts";
import { defaultLeaseOptions, maxTtlSeconds } from "./lease-options.ts";
import type { LeaseGrantResponse, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse } from "./lease.ts";

/** What members ask of the leases that are applied. */
export interface LeaseReader {
  readonly size: number;
  /** Time that leaders have counted while there were leases. */
  readonly clockMs: number;
  /** More leases had run out at the last tick than one tick removes. */
  readonly backlog: boolean;
  has(lease: LeaseId): boolean;
  /** The keys that hang on it, in no order. */
  keysOf(lease: LeaseId): Iterable<string>;
  /** @param behindMs how far the clock of the leases may be behind: nobody is promised that much more */
  timeToLive(request: LeaseTimeToLiveRequest, behindMs: number): LeaseTimeToLiveResponse;
  /** The one that runs out first comes first. */
  list(): LeaseId[];
  /** As they are now; what happens to them later does not show. */
  capture(): LeaseCapture;
}

export interface CapturedLease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** Undefined when it was granted or kept alive after the last tick. */
  readonly deadlineMs: number | undefined;
}

/** A table as it was at one moment, without the keys: those are in the store. */
export interface LeaseCapture {
  readonly clockMs: number;
  /** In the order in which they were granted. */
  readonly leases: readonly CapturedLease[];
}

/** Leases and keys that one tick removes, about; a single lease goes as a whole. */
const removedAtOnce = 4096;

/**
 * The leases that are granted, on a clock that only moves by `advance`: by commands in the log, so that a lease runs out
 * at the same entry on every member.
 *
 * A lease that is granted or kept alive counts from the next tick. The leader that proposes the tick appended the request
 * before, so its own clock has counted no moment twice, and no lease runs out early.
 */
export class LeaseTable implements LeaseReader {
  readonly #maxLeases: number;
  /** In the order in which they were granted. */
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #expiry = new LeaseExpiry();
  /** Granted or kept alive since the last tick. */
  readonly #renewed = new Set<Lease>();
  #sequence = 0;
  #clockMs = 0;
  #backlog = false;

  constructor(maxLeases: number = defaultLeaseOptions.maxLeases) {
    this.#maxLeases = maxLeases;
  }

  get size(): number {
    return this.#leases.size;
  }

  get clockMs(): number {
    return this.#clockMs;
  }

  get backlog(): boolean {
    return this.#backlog;
  }

  has(lease: LeaseId): boolean {
    return this.#leases.has(lease);
  }

  keysOf(lease: LeaseId): Iterable<string> {
    return this.#leases.get(lease)?.keys ?? [];
  }

  /** @throws CoordinationError LEASE_NOT_FOUND for the id 0n, LEASE_TTL_TOO_LARGE, LEASE_EXISTS, TOO_MANY_LEASES */
  grant(id: LeaseId, ttlSeconds: number): LeaseGrantResponse {
    if (id === 0n) throw new CoordinationError("LEASE_NOT_FOUND");
    if (ttlSeconds > maxTtlSeconds) throw new CoordinationError("LEASE_TTL_TOO_LARGE");
    if (this.#leases.has(id)) throw new CoordinationError("LEASE_EXISTS");
    if (this.#leases.size >= this.#maxLeases) throw new CoordinationError("TOO_MANY_LEASES");
    const lease = new Lease(id, Math.max(1, ttlSeconds), this.#sequence++, Infinity);
    this.#leases.set(id, lease);
    this.#renewed.add(lease);
    return { id, ttlSeconds: lease.ttlSeconds };
  }

  /** Ends a lease. Gives its keys in ascending order, for the store to delete. @throws CoordinationError LEASE_NOT_FOUND */
  revoke(id: LeaseId): readonly string[] {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new CoordinationError("LEASE_NOT_FOUND");
    this.#renewed.delete(lease);
    this.#expiry.remove(lease);
    this.#leases.delete(id);
    return sortedKeys(lease);
  }

  /** Lets leases begin anew; gives their times to live, 0 for one that does not exist. */
  keepAlive(ids: readonly LeaseId[]): number[] {
    return ids.map((id) => {
      const lease = this.#leases.get(id);
      if (lease === undefined) return 0;
      this.#renewed.add(lease);
      return lease.ttlSeconds;
    });
  }

  /**
   * A tick. Gives the keys of each lease that has run out, the first one first, each lease's in ascending order. Of very
   * many leases that run out at once, the rest goes at the ticks after; until then they exist, and may be kept alive.
   */
  *advance(elapsedMs: number): Generator<readonly string[]> {
    this.#clockMs += elapsedMs;
    for (const lease of this.#renewed) {
      lease.deadlineMs = this.#clockMs + lease.ttlSeconds * 1000;
      this.#expiry.add(lease);
    }
    this.#renewed.clear();
    this.#backlog = false;
    for (let removed = 0; removed < removedAtOnce;) {
      const lease = this.#expiry.take(this.#clockMs);
      if (lease === undefined) return;
      this.#leases.delete(lease.id);
      const keys = sortedKeys(lease);
      removed += 1 + keys.length;
      yield keys;
    }
    this.#backlog = true;
  }

  /** The store has put a key with this lease. */
  attach(lease: LeaseId, key: string): void {
    const granted = this.#leases.get(lease);
    if (granted !== undefined) (granted.keys ??= new Set()).add(key);
  }

  /** The key is deleted, or has another lease or none. */
  detach(lease: LeaseId, key: string): void {
    this.#leases.get(lease)?.keys?.delete(key);
  }

  timeToLive({ id, keys }: LeaseTimeToLiveRequest, behindMs: number): LeaseTimeToLiveResponse {
    const lease = this.#leases.get(id);
    if (lease === undefined) return { id, ttlSeconds: -1, grantedTtlSeconds: 0, keys: [] };
    const leftMs = Math.max(0, this.#dueMs(lease) - this.#clockMs - behindMs);
    return {
      id,
      ttlSeconds: Math.floor(leftMs / 1000),
      grantedTtlSeconds: lease.ttlSeconds,
      keys: keys === true ? sortedKeys(lease).map(bytesOf) : [],
    };
  }

  list(): LeaseId[] {
    return [...this.#leases.values()]
      .sort((left, right) => this.#dueMs(left) - this.#dueMs(right) || left.sequence - right.sequence)
      .map((lease) => lease.id);
  }

  /** The table as it is now; what happens to it later does not show. */
  capture(): LeaseCapture {
    const leases: CapturedLease[] = [];
    for (const lease of this.#leases.values()) {
      const { id, ttlSeconds, deadlineMs } = lease;
      leases.push({ id, ttlSeconds, deadlineMs: this.#renewed.has(lease) ? undefined : deadlineMs });
    }
    return { clockMs: this.#clockMs, leases };
  }

  /** Makes the table what was captured. The store attaches the keys. */
  restore({ clockMs, leases }: LeaseCapture): void {
    for (const lease of this.#leases.values()) this.#expiry.remove(lease);
    this.#leases.clear();
    this.#renewed.clear();
    this.#sequence = 0;
    this.#clockMs = clockMs;
    this.#backlog = false;
    for (const { id, ttlSeconds, deadlineMs } of leases) {
      const lease = new Lease(id, ttlSeconds, this.#sequence++, deadlineMs ?? Infinity);
      this.#leases.set(id, lease);
      if (deadlineMs === undefined) this.#renewed.add(lease);
      else this.#expiry.add(lease);
    }
  }

  /** When it runs out if nobody keeps it alive and a tick comes now. */
  #dueMs(lease: Lease): number {
    return this.#renewed.has(lease) ? this.#clockMs + lease.ttlSeconds * 1000 : lease.deadlineMs;
  }
}

function sortedKeys({ keys }: Lease): string[] {
  return keys === undefined ? [] : [...keys].sort();
}

function bytesOf(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  writeText(key, bytes, 0);
  return bytes;
}
