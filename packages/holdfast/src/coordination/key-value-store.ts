import { textOf } from "./byte-text.ts";
import { CoordinationError } from "./coordination-error.ts";
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
import { RevisionQueue } from "./revision-queue.ts";
import { executeTxn } from "./txn-execution.ts";
import { validateCompact, validateDeleteRange, validatePut, validateRange, validateTxn } from "./validate-request.ts";

export interface KeyValueStoreOptions {
  /** Whether a lease is granted, asked when a put names one. Default: none is. */
  readonly isLeaseGranted?: (lease: LeaseId) => boolean;
}

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
  readonly #isLeaseGranted: (lease: LeaseId) => boolean;
  #revision = 1;
  #compactedRevision = -1;
  /** Changes made by the write in progress; they carry the revision after `#revision`. */
  #changes = 0;
  #bytes = 0;
  /** Records that got a new version, by its revision: when that is compacted, the versions before it are garbage. */
  readonly #superseded = new RevisionQueue<KeyRecord>();
  #openSnapshots = 0;

  constructor(options: KeyValueStoreOptions = {}, contents?: StoreContents) {
    this.#isLeaseGranted = options.isLeaseGranted ?? (() => false);
    this.#index = contents?.index ?? createIndex();
    if (contents === undefined) return;
    this.#revision = contents.revision;
    this.#compactedRevision = contents.compactedRevision;
    const superseded: Version[] = [];
    this.#index.ascend("", undefined, (record) => {
      for (let position = 0; position < record.depth; position++) {
        const version = record.versionAt(position);
        this.#bytes += sizeOf(version);
        if (position > 0 || version.value === undefined) superseded.push(version);
      }
      return true;
    });
    superseded.sort((left, right) => left.modRevision - right.modRevision);
    for (const { key, modRevision } of superseded) this.#superseded.push(modRevision, this.#index.get(key)!);
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
    for (let freed = 0; this.#superseded.firstRevision <= this.#compactedRevision; freed++) {
      if (freed === limit || this.#openSnapshots > 0) return true;
      this.#prune(this.#superseded.shift()!);
    }
    return false;
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
    if (!this.#isLeaseGranted(lease)) throw new CoordinationError("LEASE_NOT_FOUND");
  }

  #put(request: PutRequest): PutResponse {
    const key = textOf(request.key);
    const record = this.#index.get(key);
    const revision = this.#revision + 1;
    if (record === undefined) {
      const lease = request.lease ?? 0n;
      const created = new KeyRecord(key, textOf(request.value), revision, this.#changes++, revision, 1, lease);
      this.#index.set(key, created);
      this.#bytes += sizeOf(created);
      return {};
    }
    const before = record.value;
    const response = request.previousPair === true && before !== undefined ? { previousPair: keyValueOf(record) } : {};
    const value = request.ignoreValue === true ? before! : textOf(request.value);
    this.#supersede(record, revision);
    record.value = value;
    if (request.ignoreLease !== true) record.lease = request.lease ?? 0n;
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
    record.lease = 0n;
    this.#bytes += sizeOf(record);
    this.#index.reweigh(record.key, -1);
  }

  #supersede(record: KeyRecord, revision: number): void {
    record.archive();
    record.modRevision = revision;
    record.subRevision = this.#changes++;
    this.#superseded.push(revision, record);
  }

  #commit(): void {
    if (this.#changes === 0) return;
    this.#revision++;
    this.#changes = 0;
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
