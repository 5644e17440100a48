import type { AuthState } from "../auth/auth-store.ts";
import type { Alarm } from "../cluster/cluster.ts";
import type { LeaseId } from "./key-value.ts";

/** One version of a key. Key and value are text of one code unit a byte: `Buffer.from(key, "latin1")`. */
export interface StoredVersion {
  readonly key: string;
  /** Undefined where the key was deleted. */
  readonly value: string | undefined;
  readonly modRevision: number;
  /** Orders the changes of one transaction, from 0. */
  readonly subRevision: number;
  /** 0 where the key was deleted, as `version` and `lease`. */
  readonly createRevision: number;
  readonly version: number;
  readonly lease: LeaseId;
}

export interface StoredLease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** Rounded up; the whole time to live where it was granted or kept alive just now. */
  readonly remainingSeconds: number;
}

/** What a new cluster starts with. */
export interface BackupContents {
  /** The store's. */
  readonly revision: number;
  /** History below it is gone; -1 before the first compaction. */
  readonly compactedRevision: number;
  readonly leases: readonly StoredLease[];
  readonly auth: AuthState;
  /** Every version that is held, in order of revision. */
  readonly versions: () => AsyncIterable<readonly StoredVersion[]> | Iterable<readonly StoredVersion[]>;
}

/**
 * The state of a member as of one moment. Writes go on meanwhile, and nothing compacted is freed. Its versions can be read
 * several times, and give way to requests while they are.
 */
export interface StateBackup extends BackupContents {
  readonly alarms: readonly Alarm[];
  /** Members that have left for good. */
  readonly removedMembers: readonly bigint[];
  /** Lets go of the state; also when not read to the end. Idempotent. */
  release(): void;
}
