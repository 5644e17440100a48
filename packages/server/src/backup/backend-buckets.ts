import { setImmediate } from "node:timers/promises";
import type { Alarm, Member, MemberInfo, StateBackup, StoredLease } from "holdfast/coordination";
import { fromBigInt } from "holdfast/adapters/etcd-protocol";
import type { Bucket } from "../bbolt/database-writer.ts";
import { entryOf, type Entry } from "../bbolt/entry.ts";
import { etcdClusterVersion } from "../etcd/version.ts";
import { wireType } from "../etcd/wire-type.ts";
import { versionEntry } from "./stored-key.ts";
import { permissionTypes, storedLease, storedRole, storedUser } from "./stored-messages.ts";
import { revisionBytes, writeRevision } from "./stored-revision.ts";

const leasesAtOnce = 512;

/** Of the member that is backed up. */
export type BackedUpMember = Pick<Member, "members" | "status">;

/** The buckets in which etcd (3.4) keeps its store, by ascending name. */
export function backendBuckets(backup: StateBackup, member: BackedUpMember, signal?: AbortSignal): Bucket[] {
  const { appliedIndex } = member.status();
  const contents: Readonly<Record<string, readonly Entry[] | Bucket["entries"]>> = {
    alarm: backup.alarms.map(alarmEntry),
    auth: authEntries(backup.auth),
    authRoles: backup.auth.roles.map((role) =>
      textEntry(
        role.name,
        storedRole.encode({
          name: Buffer.from(role.name),
          keyPermission: role.permissions.map(({ type, key, rangeEnd }) => ({
            permType: permissionTypes.indexOf(type) || undefined,
            key: key.length === 0 ? undefined : key,
            range_end: rangeEnd,
          })),
        }),
      ),
    ),
    authUsers: backup.auth.users.map(({ name, passwordHash, roles }) =>
      textEntry(
        name,
        storedUser.encode({
          name: Buffer.from(name),
          password: passwordHash === undefined ? undefined : Buffer.from(passwordHash),
          // etcd looks for a role by halves.
          roles: roles.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
          options: passwordHash === undefined ? { no_password: true } : {},
        }),
      ),
    ),
    cluster: [textEntry("clusterVersion", Buffer.from(etcdClusterVersion))],
    key: () => versionEntries(backup, signal),
    lease: () => leaseEntries(backup.leases),
    members: member.members().map((info) => textEntry(info.id.toString(16), Buffer.from(memberText(info)))),
    members_removed: backup.removedMembers.map((id) => textEntry(id.toString(16), Buffer.from("removed"))),
    meta: metaEntries(backup, appliedIndex),
  };
  return Object.entries(contents).map(([name, entries]) => {
    if (typeof entries === "function") return { name, entries };
    const sorted = entries.map((entry) => ({ entry, key: keyOf(entry) }));
    sorted.sort((left, right) => Buffer.compare(left.key, right.key));
    return { name, entries: () => [sorted.map(({ entry }) => entry)] };
  });
}

async function* versionEntries(backup: StateBackup, signal: AbortSignal | undefined): AsyncGenerator<readonly Entry[]> {
  for await (const versions of backup.versions()) {
    signal?.throwIfAborted();
    yield versions.map(versionEntry);
  }
}

/** There may be many of them, so requests come in between. */
async function* leaseEntries(leases: readonly StoredLease[]): AsyncGenerator<readonly Entry[]> {
  const byId = new Map(leases.map((lease) => [lease.id, lease]));
  const ids = BigUint64Array.from(byId.keys()).sort();
  for (let at = 0; at < ids.length; at += leasesAtOnce) {
    const some = Array.from(ids.subarray(at, at + leasesAtOnce), (id) => byId.get(BigInt.asIntN(64, id))!);
    yield some.map(leaseEntry);
    await setImmediate();
  }
}

function authEntries({ enabled, revision }: StateBackup["auth"]): Entry[] {
  // etcd writes down that users count when they do for the first time.
  const isEnabled = enabled ? [textEntry("authEnabled", Buffer.of(1))] : [];
  return [...isEnabled, textEntry("authRevision", bigEndian(BigInt(revision)))];
}

function alarmEntry({ member, type }: Alarm): Entry {
  const alarm = type === "NOSPACE" ? 1 : 2;
  return entryOf(wireType("AlarmMember").encode({ memberID: fromBigInt(member), alarm }), Buffer.alloc(0));
}

/** Without the time that is left where nothing is gone of it, which etcd takes for all. */
function leaseEntry({ id, ttlSeconds, remainingSeconds }: StoredLease): Entry {
  const value = storedLease.encode({
    ID: fromBigInt(id),
    TTL: ttlSeconds,
    RemainingTTL: remainingSeconds < ttlSeconds ? remainingSeconds : undefined,
  });
  return entryOf(bigEndian(BigInt.asUintN(64, id)), value);
}

/** By hand: an id may have more digits than a JSON number of JavaScript's. */
function memberText({ id, name, peerUrls, clientUrls, isLearner }: MemberInfo): string {
  const learner = isLearner === true ? { isLearner } : {};
  const rest = JSON.stringify({ peerURLs: peerUrls, ...learner, name, clientURLs: clientUrls });
  return `{"id":${id},${rest.slice(1)}`;
}

function metaEntries({ compactedRevision }: StateBackup, appliedIndex: number): Entry[] {
  const index = textEntry("consistent_index", bigEndian(BigInt(appliedIndex)));
  if (compactedRevision < 0) return [index];
  const compacted = Buffer.alloc(revisionBytes);
  writeRevision(compacted, 0, { main: compactedRevision, sub: 0, isTombstone: false });
  return [index, textEntry("finishedCompactRev", compacted), textEntry("scheduledCompactRev", compacted)];
}

function textEntry(key: string, value: Buffer): Entry {
  return entryOf(Buffer.from(key), value);
}

function keyOf(entry: Entry): Buffer {
  const key = Buffer.alloc(entry.keyBytes);
  entry.writeKey(key, 0);
  return key;
}

function bigEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
