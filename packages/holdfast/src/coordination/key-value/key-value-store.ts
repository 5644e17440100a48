import { textOf } from "../byte-text.ts";
import { ChangeLog } from "../watches/change-log.ts";
import { CoordinationError } from "../coordination-error.ts";
import { KeyRecord, keyValueOf, keyValuesOf, type Version } from "./key-record.ts";
import { keyRange } from "./key-range.ts";
import type {
  CompactRequest,
  CompactResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  LeaseId,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from "./key-value.ts";
import { OrderedIndex } from "./ordered-index.ts";
import { readRange } from "./range-query.ts";
import { executeTxn } from "./txn-execution.ts";
import { validateCompact, validateDeleteRange, validatePut, validateRange, validateTxn } from "./validate-request.ts";

export interface KeyValueStoreOptions {
  /** The leases that keys may be put with. Default: none is granted. */
  readonly leases?: LeaseKeys;
  /** Called after each write that changed something, before anything else happens; `changes` tells what it changed. */
  readonly onRevision?: (revision: number) => void;
}

/** What a store asks and tells of the leases of its keys. */
export interface LeaseKeys {
  /** Whether it is granted, asked when a put names it. */
  has(lease: LeaseId): boolean;
  attach(lease: LeaseId, key: string): void;
  detach(lease: LeaseId, key: string): void;
}

const noLeases: LeaseKeys = { has: () => false, attach: () => undefined, detach: () => undefined };

/** What a store holds, for the snapshot to read and for the restore to fill. */
export interface StoreContents {
  readonly revision: number;
  readonly compactedRevision: number;
  readonly index: OrderedIndex<KeyRecord>;
}

/** An empty index, in which the keys that exist are what counts. */
export function createIndex(): OrderedIndex<KeyRecord> {
  return new OrderedIndex<KeyRecord>((record) => (record.value === undefined ? 0 : 1));
}

/** How much garbage a compaction frees at once, and how much each later write does; in versions. */
const sweepAtCompaction = 4096;
const sweepAtWrite = 64;

/**
 * The key-value model in memory: every key with all its versions since the last compaction. Deterministic, with etcd's
 * meaning (3.4): one revision for each write that changed something, from 1; reads as of any revision not compacted.
 * Requests are checked before anything changes, so one that throws has changed nothing.
 */
export class KeyValueStore {
  readonly #index: OrderedIndex<KeyRecord>;
  readonly #leases: LeaseKeys;
  #revision = 1;
  #compactedRevision = -1;
  /** Changes made by the write in progress; they carry the revision after `#revision`. */
  #changes = 0;
  #bytes = 0;
  readonly #onRevision: ((revision: number) => void) | undefined;
  /** Every change since the compaction, for watches; when its revision is compacted, the versions before it are garbage. */
  readonly #log = new ChangeLog();
  /** Changes at the head of the log whose garbage is gone, but which are of the compacted revision and so still watched. */
  #sweptAhead = 0;
  #openSnapshots = 0;

  constructor(options: KeyValueStoreOptions = {}, contents?: StoreContents) {
    this.#leases = options.leases ?? noLeases;
    this.#onRevision = options.onRevision;
    this.#index = contents?.index ?? createIndex();
    if (contents === undefined) return;
    this.#revision = contents.revision;
    this.#compactedRevision = contents.compactedRevision;
    const changes: Version[] = [];
    this.#index.ascend("", undefined, (record) => {
      for (let position = 0; position < record.depth; position++) {
        const version = record.versionAt(position);
        this.#bytes += sizeOf(version);
        if (version.modRevision >= this.#compactedRevision) changes.push(version);
      }
      if (record.value !== undefined && record.lease !== 0n) this.#leases.attach(record.lease, record.key);
      return true;
    });
    changes.sort((left, right) => left.modRevision - right.modRevision || left.subRevision - right.subRevision);
    for (const { key, modRevision } of changes) this.#log.push(modRevision, this.#index.get(key)!);
  }

  /** The revision of the last write; 1 when there was none. */
  get revision(): number {
    return this.#revision;
  }

  /** History below this revision is gone; -1 before the first compaction. */
  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  /** Bytes of keys and values held, all versions. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys that exist now. */
  get keyCount(): number {
    return this.#index.weight("");
  }

  /** What changed, revision by revision; revisions below the compacted one may be there in part, or not at all. */
  get changes(): ChangeLog {
    return this.#log;
  }

  /** Every record held, deleted keys among them. */
  get index(): OrderedIndex<KeyRecord> {
    return this.#index;
  }

  /** @throws CoordinationError COMPACTED, FUTURE_REVISION, and what validateRange throws */
  range(request: RangeRequest): RangeResponse {
    validateRange(request);
    const current = this.#changes === 0 ? this.#revision : this.#revision + 1;
    const asked = request.revision ?? 0;
    if (asked > current) throw new CoordinationError("FUTURE_REVISION");
    const revision = asked <= 0 ? current : asked;
    if (revision < this.#compactedRevision) throw new CoordinationError("COMPACTED");
    return readRange(this.#index, request, revision === current ? undefined : revision);
  }

  /** @throws CoordinationError LEASE_NOT_FOUND, KEY_NOT_FOUND, and what validatePut throws */
  put(request: PutRequest): PutResponse {
    validatePut(request);
    this.#requireLease(request.lease);
    if (request.ignoreValue === true || request.ignoreLease === true) this.#requireKey(textOf(request.key));
    const response = this.#put(request);
    this.#commit();
    return response;
  }

  /** @throws CoordinationError, what validateDeleteRange throws */
  deleteRange(request: DeleteRangeRequest): DeleteRangeResponse {
    validateDeleteRange(request);
    const response = this.#deleteRange(request);
    this.#commit();
    return response;
  }

  /**
   * Runs one branch of a transaction as one write. All conditions, nested ones too, are judged on the state before it.
   *
   * @throws CoordinationError KEY_NOT_FOUND, LEASE_NOT_FOUND, COMPACTED, FUTURE_REVISION, and what validateTxn throws,
   * except that the number of operations is not limited here
   */
  txn(request: TxnRequest): TxnResponse {
    validateTxn(request, Infinity);
    const response = executeTxn(request, {
      revision: this.#revision,
      compactedRevision: this.#compactedRevision,
      index: this.#index,
      requireKey: (key) => this.#requireKey(key),
      requireLease: (lease) => this.#requireLease(lease),
      range: (operation) => this.range(operation),
      put: (operation) => this.#put(operation),
      deleteRange: (operation) => this.#deleteRange(operation),
    });
    this.#commit();
    return response;
  }

  /** Deletes keys, in this order, as one write; those that do not exist are passed over. */
  deleteKeys(keys: readonly string[]): void {
    for (const key of keys) {
      const record = this.#index.get(key);
      if (record?.value !== undefined) this.#bury(record);
    }
    this.#commit();
  }

  /**
   * Forgets the history below a revision, which itself stays readable. Takes effect at once; the memory is freed in
   * slices, by later writes and `sweep`.
   *
   * @throws CoordinationError COMPACTED, FUTURE_REVISION; InvalidArgumentError, see validateCompact
   */
  compact(request: CompactRequest): CompactResponse {
    validateCompact(request);
    if (request.revision <= this.#compactedRevision) throw new CoordinationError("COMPACTED");
    if (request.revision > this.#revision) throw new CoordinationError("FUTURE_REVISION");
    this.#compactedRevision = request.revision;
    this.sweep(sweepAtCompaction);
    return {};
  }

  /** Frees up to `limit` compacted versions; true when more are left. Does nothing while a snapshot is open. */
  sweep(limit: number): boolean {
    for (let freed = 0; ; freed++) {
      const compacted = this.#log.firstRevision < this.#compactedRevision;
      if (!compacted && this.#log.revisionAt(this.#sweptAhead) !== this.#compactedRevision) return false;
      if (freed === limit || this.#openSnapshots > 0) return true;
      if (compacted) {
        this.#prune(this.#log.shift()!);
        this.#sweptAhead = Math.max(0, this.#sweptAhead - 1);
      } else {
        this.#prune(this.#log.recordAt(this.#sweptAhead++)!);
      }
    }
  }

  /**
   * The contents for a snapshot as of now. Until `release`, writes add to them and nothing is taken away, so that
   * versions up to the revision told here can be read at leisure.
   */
  openSnapshot(): StoreContents & { release(): void } {
    this.#openSnapshots++;
    let open = true;
    return {
      revision: this.#revision,
      compactedRevision: this.#compactedRevision,
      index: this.#index,
      release: () => {
        if (open) this.#openSnapshots--;
        open = false;
      },
    };
  }

  #requireKey(key: string): void {
    if (this.#index.get(key)?.value === undefined) throw new CoordinationError("KEY_NOT_FOUND");
  }

  #requireLease(lease: LeaseId | undefined): void {
    if (lease === undefined || lease === 0n) return;
    if (!this.#leases.has(lease)) throw new CoordinationError("LEASE_NOT_FOUND");
  }

  #put(request: PutRequest): PutResponse {
    const key = textOf(request.key);
    const record = this.#index.get(key);
    const revision = this.#revision + 1;
    if (record === undefined) {
      const lease = request.lease ?? 0n;
      const created = new KeyRecord(key, textOf(request.value), revision, this.#changes++, revision, 1, lease);
      this.#index.set(key, created);
      this.#log.push(revision, created);
      this.#bytes += sizeOf(created);
      if (lease !== 0n) this.#leases.attach(lease, key);
      return {};
    }
    const before = record.value;
    const response = request.previousPair === true && before !== undefined ? { previousPair: keyValueOf(record) } : {};
    const value = request.ignoreValue === true ? before! : textOf(request.value);
    this.#supersede(record, revision);
    record.value = value;
    if (request.ignoreLease !== true) this.#hang(record, request.lease ?? 0n);
    if (before === undefined) {
      record.createRevision = revision;
      record.version = 1;
      this.#index.reweigh(key, 1);
    } else {
      record.version++;
    }
    this.#bytes += sizeOf(record);
    return response;
  }

  #deleteRange(request: DeleteRangeRequest): DeleteRangeResponse {
    const { from, to, single } = keyRange(request.key, request.rangeEnd);
    const doomed: KeyRecord[] = [];
    if (single) {
      const record = this.#index.get(from);
      if (record?.value !== undefined) doomed.push(record);
    } else {
      this.#index.ascend(from, to, (record) => {
        if (record.value !== undefined) doomed.push(record);
        return true;
      });
    }
    const previousPairs = request.previousPairs === true ? keyValuesOf(doomed) : [];
    for (const record of doomed) this.#bury(record);
    return { deleted: doomed.length, previousPairs };
  }

  #bury(record: KeyRecord): void {
    this.#supersede(record, this.#revision + 1);
    record.value = undefined;
    record.createRevision = 0;
    record.version = 0;
    this.#hang(record, 0n);
    this.#bytes += sizeOf(record);
    this.#index.reweigh(record.key, -1);
  }

  #hang(record: KeyRecord, lease: LeaseId): void {
    if (record.lease === lease) return;
    if (record.lease !== 0n) this.#leases.detach(record.lease, record.key);
    if (lease !== 0n) this.#leases.attach(lease, record.key);
    record.lease = lease;
  }

  #supersede(record: KeyRecord, revision: number): void {
    record.archive();
    record.modRevision = revision;
    record.subRevision = this.#changes++;
    this.#log.push(revision, record);
  }

  #commit(): void {
    if (this.#changes === 0) return;
    this.#revision++;
    this.#changes = 0;
    this.#onRevision?.(this.#revision);
    this.sweep(sweepAtWrite);
  }

  #prune(record: KeyRecord): void {
    const kept = record.firstKept(this.#compactedRevision);
    const gone = kept === record.depth;
    // It may be gone by an earlier entry of the queue already, its key even created anew.
    if (kept === 0 || (gone && this.#index.get(record.key) !== record)) return;
    for (let position = 0; position < kept; position++) this.#bytes -= sizeOf(record.versionAt(position));
    if (gone) {
      this.#index.remove(record.key);
      return;
    }
    record.older!.splice(0, kept);
    if (record.older!.length === 0) record.older = undefined;
  }
}

function sizeOf(version: Version): number {
  return version.key.length + (version.value?.length ?? 0);
}
