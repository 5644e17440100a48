import { InvalidArgumentError } from "../../errors/base.ts";
import type { LeaseId } from "./key-value.ts";
import { KeyRecord } from "./key-record.ts";
import { createIndex } from "./key-value-store.ts";
import { maxTtlSeconds } from "../leases/lease-options.ts";
import type { CapturedLease } from "../leases/lease-table.ts";
import type { OrderedIndex } from "./ordered-index.ts";
import type { BackupContents, StoredVersion } from "./state-backup.ts";
import { StateHash } from "./state-hash.ts";
import type { StateContents } from "./state-snapshot.ts";

/**
 * The state that a backup makes. Who took part in the other cluster, what was asked of its leader and what was wrong there
 * is of no concern in the new one.
 *
 * @throws InvalidArgumentError when the backup contradicts itself; what reading its versions throws
 */
export async function restoredState(backup: BackupContents): Promise<StateContents> {
  const { revision, compactedRevision, auth } = backup;
  const isRevision = Number.isSafeInteger(revision) && revision >= 1;
  if (!isRevision) throw new InvalidArgumentError("backup.revision", "must be a safe integer >= 1", revision);
  if (compactedRevision > revision) {
    throw new InvalidArgumentError("backup.compactedRevision", `must not be above ${revision}`, compactedRevision);
  }
  const leases = capturedLeases(backup);
  const index = createIndex();
  let last: StoredVersion | undefined;
  for await (const versions of backup.versions()) {
    for (const version of versions) {
      checkVersion(version, last, revision);
      add(index, version);
      last = version;
    }
  }
  index.ascend("", undefined, (record) => {
    // A key whose lease is gone stays, as in etcd, which ties it to nothing.
    if (!leases.has(record.lease)) record.lease = 0n;
    return true;
  });
  return {
    store: { revision, compactedRevision, index },
    leases: { clockMs: 0, leases: [...leases.values()] },
    // A request that the other cluster answered may come again: it is refused where that can be known, rather than applied
    // twice. At the backup's own revision begin those who read it here, and before the first write there is nothing to repeat.
    sessions: { horizon: revision > 1 ? revision - 1 : -1, sessions: [] },
    members: [],
    auth,
    cluster: { asks: [], told: [], removed: [], alarms: [] },
    hash: new StateHash().lanes,
  };
}

function capturedLeases({ leases }: BackupContents): Map<LeaseId, CapturedLease> {
  const captured = new Map<LeaseId, CapturedLease>();
  for (const { id, ttlSeconds, remainingSeconds } of leases) {
    const isFit = id !== 0n && isWithin(ttlSeconds) && isWithin(remainingSeconds) && !captured.has(id);
    if (!isFit) {
      const rule = `must be there once, with an id and 1 to ${maxTtlSeconds} seconds to live`;
      throw new InvalidArgumentError("backup.leases", rule, `${id}, ${ttlSeconds} s`);
    }
    const deadlineMs = remainingSeconds >= ttlSeconds ? undefined : remainingSeconds * 1000;
    captured.set(id, { id, ttlSeconds, deadlineMs });
  }
  return captured;
}

function isWithin(seconds: number): boolean {
  return Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= maxTtlSeconds;
}

function checkVersion(version: StoredVersion, last: StoredVersion | undefined, revision: number): void {
  const { key, value, modRevision, subRevision, createRevision } = version;
  const isLater =
    last === undefined ||
    modRevision > last.modRevision ||
    (modRevision === last.modRevision && subRevision > last.subRevision);
  if (!isLater || modRevision > revision) {
    const rule = `must be in order of revision, up to ${revision}`;
    throw new InvalidArgumentError("backup.versions", rule, `${modRevision}/${subRevision}`);
  }
  const counts = [modRevision, subRevision, createRevision, version.version];
  const isFit =
    key !== "" && counts.every((count) => Number.isSafeInteger(count) && count >= 0) && createRevision <= modRevision;
  if (!isFit || (value !== undefined && version.version === 0)) {
    const rule = "must have a key, and be created before they are changed";
    throw new InvalidArgumentError("backup.versions", rule, `${modRevision}/${subRevision}`);
  }
}

function add(index: OrderedIndex<KeyRecord>, { key, value, modRevision, subRevision, ...stored }: StoredVersion): void {
  const isThere = value !== undefined;
  const { createRevision, version, lease } = isThere ? stored : { createRevision: 0, version: 0, lease: 0n };
  const record = index.get(key);
  if (record === undefined) {
    index.set(key, new KeyRecord(key, value, modRevision, subRevision, createRevision, version, lease));
    return;
  }
  const wasThere = record.value !== undefined;
  record.archive();
  Object.assign(record, { value, modRevision, subRevision, createRevision, version, lease });
  index.reweigh(key, Number(isThere) - Number(wasThere));
}
