import { InvalidArgumentError } from "../../errors/base.ts";
import type { DirectoryLock, Disk } from "../../runtime/index.ts";
import { ByteWriter } from "../../wire/index.ts";
import type { Configuration } from "../configuration.ts";
import type { HardState, SnapshotMeta } from "../entry.ts";
import { encodeBatch } from "./batch-codec.ts";
import type { DurableLog, LogBatch, SnapshotReader, SnapshotWriter } from "./durable-log.ts";
import { LogFailedError } from "./log-error.ts";
import type { LogIdentity } from "./log-identity.ts";
import { beginRecord, endRecord } from "./log-record.ts";
import { createSegment, type OpenSegment, type Segment, writeToSegment } from "./segment-file.ts";
import type { Position } from "./segment-header.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

export interface SegmentedLogOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly lock: DirectoryLock;
  readonly identity: LogIdentity;
  readonly bootstrap: Configuration;
  readonly segmentBytes: number;
}

/** What the log holds when it is opened. */
export interface SegmentedLogState {
  /** Oldest first. */
  readonly sealed: Segment[];
  readonly current: OpenSegment;
  readonly nextSequence: number;
  readonly hardState: HardState;
  /** Entries at or below this index are never replaced. */
  readonly start: number;
  readonly last: Position;
}

/** A write-ahead log in segment files: one record an append, one sync a record. */
export class SegmentedLog implements DurableLog {
  readonly #options: SegmentedLogOptions;
  readonly #snapshots: SnapshotStore;
  readonly #sealed: Segment[];
  #current: OpenSegment;
  #nextSequence: number;
  #hardState: HardState;
  #start: number;
  #last: Position;
  /** One buffer for all records: an append waits for the one before. */
  readonly #record = new ByteWriter(64 * 1024);
  #appending: Promise<void> | undefined;
  #compacting: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #failure: LogFailedError | undefined;

  constructor(options: SegmentedLogOptions, snapshots: SnapshotStore, state: SegmentedLogState) {
    this.#options = options;
    this.#snapshots = snapshots;
    this.#sealed = state.sealed;
    this.#current = state.current;
    this.#nextSequence = state.nextSequence;
    this.#hardState = state.hardState;
    this.#start = state.start;
    this.#last = state.last;
  }

  get sizeBytes(): number {
    let bytes = this.#current.size;
    for (const segment of this.#sealed) bytes += segment.size;
    return bytes;
  }

  /** Ends the log: a disk that failed once is never asked to try the same again. */
  fail(failure: LogFailedError): void {
    this.#failure ??= failure;
  }

  append(batch: LogBatch): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const refused = this.#appending === undefined ? this.#check(batch) : overlapping();
    if (refused !== undefined) return Promise.reject(refused);
    if (batch.hardState === undefined && batch.reset === undefined && batch.entries.length === 0) {
      return Promise.resolve();
    }
    this.#appending = this.#write(batch);
    return this.#appending;
  }

  async createSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter> {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#snapshots.create(meta);
  }

  async openSnapshot(): Promise<SnapshotReader | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#snapshots.openNewest();
  }

  compact(index: number): Promise<void> {
    const covered = this.#snapshots.newest?.index ?? 0;
    if (index > covered) {
      return Promise.reject(
        new InvalidArgumentError("log.compact index", `must be <= ${covered}, the newest snapshot's`, index),
      );
    }
    const compacted = this.#compacting.then(() => this.#removeSegments(index));
    this.#compacting = compacted.catch(() => undefined);
    return compacted;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #write(batch: LogBatch): Promise<void> {
    try {
      const record = this.#record;
      record.clear();
      beginRecord(record);
      encodeBatch(record, batch);
      if (!this.#fits(record.length + 1)) await this.#roll();
      const current = this.#current;
      const bytes = endRecord(record, current, this.#nextSequence);
      await writeToSegment(current, bytes, this.#options.segmentBytes);
      this.#nextSequence++;
      this.#took(batch);
    } catch (error) {
      this.fail(new LogFailedError(`cannot write the log in ${this.#options.directory}: ${reasonOf(error)}`, error));
      throw this.#failure;
    } finally {
      this.#appending = undefined;
    }
  }

  /** A record larger than a whole segment has one to itself. */
  #fits(bytes: number): boolean {
    const { start, offset } = this.#current;
    return offset === start || offset + bytes <= this.#options.segmentBytes;
  }

  /** Goes on in a new segment; everything in the one so far is durable already. */
  async #roll(): Promise<void> {
    const { disk, directory, identity, bootstrap, segmentBytes } = this.#options;
    const previous = this.#current;
    const header = {
      identity,
      bootstrap,
      ordinal: previous.ordinal + 1,
      firstSequence: this.#nextSequence,
      hardState: this.#hardState,
      last: this.#last,
    };
    this.#current = await createSegment(disk, directory, header, segmentBytes);
    this.#sealed.push(previous);
    await previous.file.close();
  }

  #took(batch: LogBatch): void {
    const { hardState, reset, entries } = batch;
    if (hardState !== undefined) this.#hardState = hardState;
    if (reset !== undefined) {
      this.#start = reset.index;
      this.#last = reset;
      for (const segment of this.#sealed) segment.highestIndex = 0;
      this.#current.highestIndex = 0;
    }
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#last = { index: last.index, term: last.term };
    this.#current.highestIndex = Math.max(this.#current.highestIndex, last.index);
  }

  #check(batch: LogBatch): InvalidArgumentError | undefined {
    const covered = this.#snapshots.newest?.index ?? 0;
    if (batch.reset !== undefined && batch.reset.index > covered) {
      const rule = `must be <= ${covered}, the newest snapshot's`;
      return new InvalidArgumentError("log.append reset.index", rule, batch.reset.index);
    }
    const first = batch.entries[0];
    if (first === undefined) return undefined;
    const start = batch.reset?.index ?? this.#start;
    const last = batch.reset?.index ?? this.#last.index;
    if (first.index <= start || first.index > last + 1) {
      const rule = `must be from ${start + 1} to ${last + 1}`;
      return new InvalidArgumentError("log.append entries[0].index", rule, first.index);
    }
    for (const [i, entry] of batch.entries.entries()) {
      if (entry.index === first.index + i) continue;
      return new InvalidArgumentError(`log.append entries[${i}].index`, `must be ${first.index + i}`, entry.index);
    }
    return undefined;
  }

  async #removeSegments(index: number): Promise<void> {
    const { disk, directory } = this.#options;
    if (this.#failure !== undefined) throw this.#failure;
    try {
      // Oldest first, each durably gone before the next: whatever a crash leaves has no hole.
      while (this.#sealed.length > 0 && this.#sealed[0]!.highestIndex <= index && this.#failure === undefined) {
        await disk.remove(this.#sealed[0]!.path);
        await disk.syncDirectory(directory);
        this.#sealed.shift();
      }
    } catch (error) {
      this.fail(new LogFailedError(`cannot remove segments in ${directory}: ${reasonOf(error)}`, error));
      throw this.#failure;
    }
  }

  async #close(): Promise<void> {
    const { directory, lock } = this.#options;
    this.fail(new LogFailedError(`the log in ${directory} is closed`));
    await this.#appending?.catch(() => undefined);
    await this.#compacting;
    try {
      await this.#current.file.close();
    } finally {
      await lock.release();
    }
  }
}

function overlapping(): InvalidArgumentError {
  return new InvalidArgumentError(
    "log.append",
    "must not be called before the call before has settled",
    "a second call",
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
