import type { Entry, HardState, SnapshotMeta } from "../entry.ts";

/** What one `append` makes durable, in this order of meaning: hard state, then reset, then entries. */
export interface LogBatch {
  readonly hardState?: HardState;
  /** The log starts anew after this position, whose snapshot is already saved; entries held so far are void. */
  readonly reset?: { readonly index: number; readonly term: number };
  /** Consecutive; they replace everything held from `entries[0].index` on. */
  readonly entries: readonly Entry[];
}

/** What a log held when it was opened. */
export interface RecoveredLog {
  readonly hardState: HardState;
  /** The newest complete snapshot, or the bootstrap position (index 0, term 0). */
  readonly snapshot: SnapshotMeta;
  /** All entries after the snapshot's position, consecutive. */
  readonly entries: readonly Entry[];
}

/** A snapshot file being read. */
export interface SnapshotReader {
  readonly meta: SnapshotMeta;
  /** Bytes of state, without the file's own framing. */
  readonly size: number;
  /** Up to `length` bytes of state from `offset`. @throws LogCorruptError when a checksum does not match */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A snapshot file being written; it counts only after `commit`. */
export interface SnapshotWriter {
  readonly size: number;
  /** Appends bytes of state. */
  write(bytes: Uint8Array): Promise<void>;
  /** Completes, syncs, renames and syncs the directory: durable when it resolves. Older snapshot files go. */
  commit(): Promise<void>;
  /** Gives up and removes what was written. */
  abort(): Promise<void>;
}

/** One node's durable state: hard state, entries, snapshots. Calls to `append` never overlap. */
export interface DurableLog {
  /** One write and one sync. After any failure the log is dead: this and every later call rejects with LogFailedError. */
  append(batch: LogBatch): Promise<void>;
  createSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter>;
  /** The newest committed snapshot; undefined when there is none. */
  openSnapshot(): Promise<SnapshotReader | undefined>;
  /** Drops segments whose entries all lie at or below `index`, which a committed snapshot covers. */
  compact(index: number): Promise<void>;
  /** Bytes the log's files take on the disk, snapshots left out. */
  readonly sizeBytes: number;
  close(): Promise<void>;
}
