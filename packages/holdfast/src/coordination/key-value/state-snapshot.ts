import { ByteReader, MalformedError, type ByteWriter } from "../../wire/index.ts";
import { authItems, authStateOf, readAuthItem, writeAuthItem, type AuthItem } from "../auth/auth-codec.ts";
import type { AuthState } from "../auth/auth-store.ts";
import { textOf, writeText } from "../byte-text.ts";
import {
  clusterItems,
  clusterOf,
  readClusterItem,
  writeClusterItem,
  type ClusterItem,
} from "../cluster/cluster-codec.ts";
import type { CapturedCluster } from "../cluster/cluster-state.ts";
import { readMember, writeMember } from "./command-codec.ts";
import type { MemberInfo } from "../coordination.ts";
import type { LeaseId } from "./key-value.ts";
import { KeyRecord, type Version } from "./key-record.ts";
import { createIndex, type StoreContents } from "./key-value-store.ts";
import { readCapturedLease, writeCapturedLease } from "../leases/lease-codec.ts";
import type { CapturedLease, LeaseCapture } from "../leases/lease-table.ts";
import type { OrderedIndex } from "./ordered-index.ts";
import { readLease, writeLease } from "../request-codec.ts";
import { readSession, writeSession, type CapturedSession, type SessionCapture } from "./session-table.ts";
import { BlockReader, BlockWriter } from "./snapshot-blocks.ts";

/** Everything that a snapshot holds. */
export interface StateContents {
  readonly store: StoreContents;
  readonly leases: LeaseCapture;
  readonly sessions: SessionCapture;
  readonly members: readonly MemberInfo[];
  readonly auth: AuthState;
  readonly cluster: CapturedCluster;
  readonly hash: readonly [left: number, right: number];
}

const magic = 0x4c564b48;
const formatVersion = 3;

/** The first byte of a block: what it holds. Blocks come in this order; all but the first and last may be missing or many. */
const section = { header: 0, leases: 1, versions: 2, sessions: 3, members: 4, auth: 5, cluster: 6, end: 7 } as const;

/** What precedes a version. */
const sameKeyFlag = 1;
const tombstoneFlag = 2;
const leaseFlag = 4;

/**
 * Writes a state in chunks, lazily. The index may gain versions meanwhile, which are left out, but must lose none. The
 * bytes depend on the state alone: versions in order of key and revision, without those compacted but not yet freed.
 */
export function* writeState(state: StateContents): Generator<Uint8Array, undefined> {
  const { store, leases, sessions, members, auth, cluster, hash } = state;
  const block = new BlockWriter();
  const { bytes } = block;
  bytes.u8(section.header);
  bytes.u32(magic);
  bytes.varint(formatVersion);
  bytes.varint(store.revision);
  bytes.varint(store.compactedRevision + 1);
  bytes.varint(sessions.horizon + 1);
  bytes.varint(leases.clockMs);
  for (const lane of hash) bytes.u32(lane);
  yield block.take();
  yield* writeItems(block, section.leases, leases.leases, writeCapturedLease);
  yield* writeVersions(block, store);
  yield* writeItems(block, section.sessions, sessions.sessions, writeSession);
  yield* writeItems(block, section.members, members, writeMember);
  yield* writeItems(block, section.auth, authItems(auth), writeAuthItem);
  yield* writeItems(block, section.cluster, clusterItems(cluster), writeClusterItem);
  bytes.u8(section.end);
  yield block.take();
  return undefined;
}

/** All keys with their versions up to the contents' revision: equal contents, equal bytes. */
export function versionChunks(store: StoreContents): Generator<Uint8Array, undefined> {
  return writeVersions(new BlockWriter(), store);
}

function* writeVersions(block: BlockWriter, store: StoreContents): Generator<Uint8Array, undefined> {
  const { index, revision, compactedRevision } = store;
  let resumeKey = "";
  let resumePosition = 0;
  for (let more = true; more;) {
    more = false;
    let lastKey: string | undefined;
    index.ascend(resumeKey, undefined, (record, key) => {
      const end = record.depthAt(revision);
      let position = key === resumeKey ? resumePosition : 0;
      position = Math.max(position, record.firstKept(compactedRevision));
      for (; position < end; position++) {
        if (block.full) {
          resumeKey = key;
          resumePosition = position;
          more = true;
          return false;
        }
        if (block.empty) block.bytes.u8(section.versions);
        writeVersion(block.bytes, record.versionAt(position), key === lastKey);
        lastKey = key;
      }
      return true;
    });
    if (!block.empty) yield block.take();
  }
  return undefined;
}

function writeVersion(bytes: ByteWriter, version: Version, sameKey: boolean): void {
  const { key, value, modRevision, subRevision, createRevision, lease } = version;
  const tombstone = value === undefined;
  bytes.u8((sameKey ? sameKeyFlag : 0) | (tombstone ? tombstoneFlag : 0) | (lease === 0n ? 0 : leaseFlag));
  if (!sameKey) writeSizedText(bytes, key);
  bytes.varint(modRevision);
  bytes.varint(subRevision);
  if (tombstone) return;
  bytes.varint(createRevision);
  bytes.varint(version.version);
  if (lease !== 0n) writeLease(bytes, lease);
  writeSizedText(bytes, value);
}

function writeSizedText(bytes: ByteWriter, text: string): void {
  bytes.varint(text.length);
  const at = bytes.skip(text.length);
  writeText(text, bytes.view(), at);
}

function* writeItems<T>(
  block: BlockWriter,
  kind: number,
  items: Iterable<T>,
  write: (bytes: ByteWriter, item: T) => void,
): Generator<Uint8Array> {
  for (const item of items) {
    if (block.empty) block.bytes.u8(kind);
    write(block.bytes, item);
    if (block.full) yield block.take();
  }
  if (!block.empty) yield block.take();
}

/** Reads what `writeState` wrote; chunks may be cut anywhere. @throws MalformedError */
export function readState(chunks: readonly Uint8Array[]): StateContents {
  const blocks = new BlockReader(chunks);
  const header = readHeader(new ByteReader(blocks.next()));
  const leases = new Map<LeaseId, CapturedLease>();
  const builder = new IndexBuilder(header.revision, leases);
  const sessions: CapturedSession[] = [];
  const members: MemberInfo[] = [];
  const auth: AuthItem[] = [];
  const cluster: ClusterItem[] = [];
  for (let last: number = section.header; last !== section.end;) {
    const start = blocks.position;
    const reader = new ByteReader(blocks.next());
    const kind = reader.u8("snapshot.section");
    if (kind <= section.header || kind > section.end || kind < last) {
      throw new MalformedError(
        "snapshot.section",
        start,
        `must be from ${Math.max(last, 1)} to ${section.end} (got ${kind})`,
      );
    }
    while (kind === section.leases && reader.remaining > 0) addLease(leases, reader);
    while (kind === section.versions && reader.remaining > 0) builder.read(reader);
    while (kind === section.sessions && reader.remaining > 0) sessions.push(readSession(reader));
    while (kind === section.members && reader.remaining > 0) members.push(readMember(reader));
    while (kind === section.auth && reader.remaining > 0) auth.push(readAuthItem(reader));
    while (kind === section.cluster && reader.remaining > 0) cluster.push(readClusterItem(reader));
    reader.end("snapshot.block");
    last = kind;
  }
  if (!blocks.ended) throw new MalformedError("snapshot", blocks.position, "must end after its last section");
  const { revision, compactedRevision, horizon, clockMs, hash } = header;
  const index = builder.finish();
  return {
    store: { revision, compactedRevision, index },
    leases: { clockMs, leases: [...leases.values()] },
    sessions: { horizon, sessions },
    members,
    auth: authStateOf(auth),
    cluster: clusterOf(cluster),
    hash,
  };
}

function addLease(leases: Map<LeaseId, CapturedLease>, reader: ByteReader): void {
  const start = reader.offset;
  const lease = readCapturedLease(reader);
  if (leases.has(lease.id)) throw new MalformedError("lease.id", start, "must be there once");
  leases.set(lease.id, lease);
}

interface Header {
  readonly revision: number;
  readonly compactedRevision: number;
  readonly horizon: number;
  readonly clockMs: number;
  readonly hash: readonly [left: number, right: number];
}

function readHeader(reader: ByteReader): Header {
  if (reader.u8("snapshot.section") !== section.header || reader.u32("snapshot.magic") !== magic) {
    throw new MalformedError("snapshot.magic", 0, "must be that of a key-value state");
  }
  const version = reader.varint("snapshot.version");
  if (version !== formatVersion) {
    throw new MalformedError("snapshot.version", 0, `must be ${formatVersion} (got ${version})`);
  }
  const start = reader.offset;
  const revision = reader.varint("snapshot.revision");
  const compactedRevision = reader.varint("snapshot.compactedRevision") - 1;
  if (revision < 1 || compactedRevision > revision) {
    throw new MalformedError("snapshot.revision", start, "must be at least 1 and not below the compacted one");
  }
  const horizon = reader.varint("snapshot.horizon") - 1;
  const clockMs = reader.varint("snapshot.clockMs");
  const hash = [reader.u32("snapshot.hash"), reader.u32("snapshot.hash")] as const;
  reader.end("snapshot.header");
  return { revision, compactedRevision, horizon, clockMs, hash };
}

/** Puts versions, in order of key and revision, into an index. */
class IndexBuilder {
  readonly #revision: number;
  readonly #leases: ReadonlyMap<LeaseId, CapturedLease>;
  readonly #index: OrderedIndex<KeyRecord> = createIndex();
  #record: KeyRecord | undefined;
  /** Where in its block the version that was read last begins. */
  #start = 0;

  constructor(revision: number, leases: ReadonlyMap<LeaseId, CapturedLease>) {
    this.#revision = revision;
    this.#leases = leases;
  }

  read(reader: ByteReader): void {
    const start = reader.offset;
    this.#start = start;
    const flags = reader.u8("version.flags");
    const key = (flags & sameKeyFlag) === 0 ? textOf(reader.sizedBytes("version.key")) : this.#record?.key;
    const modRevision = reader.varint("version.modRevision");
    const subRevision = reader.varint("version.subRevision");
    const tombstone = (flags & tombstoneFlag) !== 0;
    const createRevision = tombstone ? 0 : reader.varint("version.createRevision");
    const version = tombstone ? 0 : reader.varint("version.version");
    const lease = (flags & leaseFlag) === 0 ? 0n : readLease(reader, "version.lease");
    const value = tombstone ? undefined : textOf(reader.sizedBytes("version.value"));
    if (flags > 7 || modRevision > this.#revision || createRevision > modRevision) {
      throw new MalformedError("version", start, `must have known flags and revisions up to ${this.#revision}`);
    }
    const record = this.#record;
    if (record !== undefined && key === record.key) {
      const later =
        modRevision > record.modRevision || (modRevision === record.modRevision && subRevision > record.subRevision);
      if (!later) throw new MalformedError("version.modRevision", start, "must be later than the version before it");
      record.archive();
      Object.assign(record, { value, modRevision, subRevision, createRevision, version, lease });
      return;
    }
    if (key === undefined || key === "" || (record !== undefined && key < record.key)) {
      throw new MalformedError("version.key", start, "must not be empty, and above the key before it");
    }
    this.finish();
    this.#record = new KeyRecord(key, value, modRevision, subRevision, createRevision, version, lease);
  }

  /** A record weighs what its newest version does, so it goes in when it is whole. */
  finish(): OrderedIndex<KeyRecord> {
    const record = this.#record;
    if (record !== undefined && record.lease !== 0n && !this.#leases.has(record.lease)) {
      throw new MalformedError("version.lease", this.#start, "must be granted");
    }
    if (record !== undefined) this.#index.set(record.key, record);
    return this.#index;
  }
}
