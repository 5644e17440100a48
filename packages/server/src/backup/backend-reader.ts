import type { BackupContents, StoredLease, StoredVersion } from "holdfast/coordination";
import { toBigInt, toSafeInteger } from "holdfast/adapters/etcd-protocol";
import { MalformedError } from "holdfast/wire";
import type { ByteSource } from "../bbolt/byte-source.ts";
import { DatabaseReader } from "../bbolt/database-reader.ts";
import type { LeafElement } from "../bbolt/page-reader.ts";
import { readVersion } from "./stored-key.ts";
import { permissionTypes, storedLease, storedRole, storedUser } from "./stored-messages.ts";
import { readRevision } from "./stored-revision.ts";

type User = BackupContents["auth"]["users"][number];
type Role = BackupContents["auth"]["roles"][number];

/** Versions given at once. */
const batchLength = 256;

/**
 * What a store of etcd's (3.4 and later) holds. All but the keys is read at once, and every key is looked at; of buckets
 * that are not there, nothing was written.
 *
 * @throws MalformedError
 */
export function readBackend(source: ByteSource): BackupContents {
  let last: number | undefined;
  let compactedRevision: number | undefined;
  let auth: BackupContents["auth"] = { enabled: false, revision: 1, users: [], roles: [] };
  let leases: readonly StoredLease[] = [];
  for (const { name, entries } of new DatabaseReader(source).buckets()) {
    if (name === "auth") auth = { ...auth, ...readAuth(entries()) };
    else if (name === "authUsers") auth = { ...auth, users: Array.from(entries(), readUser) };
    else if (name === "authRoles") auth = { ...auth, roles: Array.from(entries(), readRole) };
    else if (name === "lease") leases = Array.from(entries(), readLease);
    else if (name === "meta") compactedRevision = readCompacted(entries());
    else if (name === "key") last = lastRevision(entries());
  }
  if (last === undefined || compactedRevision === undefined) {
    throw new MalformedError("store", 0, 'must have the buckets "key" and "meta", as one of etcd has');
  }
  return {
    // The latest keys may all be compacted away.
    revision: Math.max(last, compactedRevision),
    compactedRevision,
    leases,
    auth,
    versions: () => readVersions(source),
  };
}

function* readVersions(source: ByteSource): Generator<readonly StoredVersion[]> {
  for (const { name, entries } of new DatabaseReader(source).buckets()) {
    if (name !== "key") continue;
    let batch: StoredVersion[] = [];
    for (const { key, value } of entries()) {
      batch.push(decoded("key", () => readVersion(key, value)));
      if (batch.length < batchLength) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  }
}

/** 1 where nothing was ever written. */
function lastRevision(entries: Iterable<LeafElement>): number {
  let last = 1;
  for (const { key } of entries) last = readRevision(key).main;
  return last;
}

/** What was asked for counts, also where etcd had not got round to it. */
function readCompacted(entries: Iterable<LeafElement>): number {
  let compacted = -1;
  for (const { key, value } of entries) {
    const name = key.toString("latin1");
    if (name !== "finishedCompactRev" && name !== "scheduledCompactRev") continue;
    compacted = Math.max(compacted, readRevision(value).main);
  }
  return compacted;
}

function readAuth(entries: Iterable<LeafElement>): Partial<BackupContents["auth"]> {
  const values = new Map(Array.from(entries, ({ key, value }) => [key.toString("latin1"), value]));
  const revision = values.get("authRevision");
  return {
    enabled: values.get("authEnabled")?.[0] === 1,
    ...(revision === undefined ? {} : { revision: decoded("auth", () => Number(revision.readBigUInt64BE())) }),
  };
}

function readUser({ value }: LeafElement): User {
  const { name, password, roles } = decoded("user", () => storedUser.decode(value));
  // A user without a password comes with a certificate.
  const hash = password.length === 0 ? {} : { passwordHash: textOf(password) };
  return { name: textOf(name), roles: [...roles], ...hash };
}

function readRole({ value }: LeafElement): Role {
  const { name, keyPermission } = decoded("role", () => storedRole.decode(value));
  return {
    name: textOf(name),
    permissions: keyPermission.map(({ permType, key, range_end }) => {
      const type = permissionTypes[permType];
      if (type === undefined)
        throw new MalformedError("role", 0, `must know permission ${permType} of ${textOf(name)}`);
      return {
        type,
        key: Uint8Array.from(key),
        ...(range_end.length === 0 ? {} : { rangeEnd: Uint8Array.from(range_end) }),
      };
    }),
  };
}

function readLease({ value }: LeafElement): StoredLease {
  const { ID, TTL, RemainingTTL } = decoded("lease", () => storedLease.decode(value));
  const ttlSeconds = toSafeInteger(TTL);
  const leftSeconds = toSafeInteger(RemainingTTL);
  return { id: toBigInt(ID), ttlSeconds, remainingSeconds: leftSeconds > 0 ? leftSeconds : ttlSeconds };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError(what, 0, `must be a message of etcd's: ${(error as Error).message}`);
  }
}
