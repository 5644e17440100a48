import type { Disk, DiskFile } from "../../runtime/index.ts";
import { MalformedError } from "../../wire/index.ts";
import { decodeBatch } from "./batch-codec.ts";
import type { LogBatch } from "./durable-log.ts";
import { LogCorruptError } from "./log-error.ts";
import { examineRecord, findLaterRecord } from "./log-record.ts";
import { LogReplay } from "./log-replay.ts";
import type { OpenSegment, Segment } from "./segment-file.ts";
import { readSegmentHeader, type SegmentHeader } from "./segment-header.ts";

/** A segment of which only the header was read. */
export interface FoundSegment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly headerBytes: number;
}

export interface RecoveredSegments {
  readonly replay: LogReplay;
  /** All but the last, oldest first. */
  readonly sealed: Segment[];
  readonly current: OpenSegment;
  /** Sequence number of the next record. */
  readonly nextSequence: number;
  /** Whether an unfinished write stands behind the last record, so that the next one needs a segment of its own. */
  readonly torn: boolean;
}

/** Reads the header of the segment with this ordinal. @throws LogCorruptError */
export async function findSegment(disk: Disk, path: string, ordinal: number): Promise<FoundSegment> {
  const file = await disk.open(path);
  try {
    const { body, length } = await readSegmentHeader(path, file);
    if (body.ordinal !== ordinal) {
      throw new LogCorruptError(path, 0, `it is segment ${body.ordinal} under the name of another`);
    }
    return { path, header: body, headerBytes: length };
  } finally {
    await file.close();
  }
}

/**
 * Replays segments, one in memory at a time, and makes the last one ready to be written, unless it is torn: an
 * unfinished write is left where it is, and never read, since the next segment tells which record is its first.
 *
 * Appends do not overlap, so at most the very last record can be without its sync when the machine stops. Only it may
 * be cut off, and only when a sector of it was never written; all else that is wrong was right once, and is refused.
 *
 * @param found at least one, in ascending order of ordinals
 * @param keepFrom entries below this index are let go on the way
 * @throws LogCorruptError
 */
export async function recoverSegments(
  disk: Disk,
  found: readonly FoundSegment[],
  keepFrom: number,
): Promise<RecoveredSegments> {
  requireNoHole(found);
  const { hardState, last } = found[0]!.header;
  const replay = new LogReplay(hardState, last);
  const sealed: Segment[] = [];
  for (const segment of found.slice(0, -1)) {
    const { scan, file } = await scanSegment(disk, segment, replay, found[sealed.length + 1]!.header.firstSequence);
    await file.close();
    if (scan.sawReset) for (const earlier of sealed) earlier.highestIndex = 0;
    sealed.push(scan.segment());
    requireContinues(found[sealed.length]!, replay);
    replay.forgetBelow(keepFrom);
  }
  const { scan, file } = await scanSegment(disk, found.at(-1)!, replay, Infinity);
  try {
    if (scan.sawReset) for (const earlier of sealed) earlier.highestIndex = 0;
    replay.forgetBelow(keepFrom);
    await writeAgain(file, scan);
  } catch (error) {
    await file.close();
    throw error;
  }
  const current = { ...scan.segment(), file, start: scan.start, offset: scan.offset };
  return { replay, sealed, current, nextSequence: scan.sequence, torn: !isZero(scan.bytes, scan.offset) };
}

async function scanSegment(
  disk: Disk,
  found: FoundSegment,
  replay: LogReplay,
  end: number,
): Promise<{ readonly scan: SegmentScan; readonly file: DiskFile }> {
  const file = await disk.open(found.path, { syncedWrites: true });
  try {
    const scan = new SegmentScan(found, await file.read(0, await file.size()), replay);
    scan.readUntil(end);
    return { scan, file };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A missing segment is told as such, before the records around it look incomplete. */
function requireNoHole(found: readonly FoundSegment[]): void {
  for (const [i, segment] of found.entries()) {
    const expected = found[0]!.header.ordinal + i;
    if (segment.header.ordinal === expected) continue;
    throw new LogCorruptError(segment.path, 0, `segment ${expected} before it is missing`);
  }
}

function requireContinues({ path, header }: FoundSegment, replay: LogReplay): void {
  const { hardState, last } = header;
  const agrees =
    hardState.term === replay.hardState.term &&
    hardState.vote === replay.hardState.vote &&
    last.index === replay.lastIndex &&
    last.term === (replay.lastTerm ?? last.term);
  if (!agrees) throw new LogCorruptError(path, 0, "its header does not continue the segment before");
}

/** Reads the records of one segment into a replay. */
class SegmentScan {
  readonly #found: FoundSegment;
  readonly #replay: LogReplay;
  readonly bytes: Uint8Array;
  /** Where the first record should start. */
  readonly start: number;
  /** Where the next record should start. */
  offset: number;
  sequence: number;
  /** Where the last record read starts; undefined before the first. */
  lastRecord: number | undefined;
  sawReset = false;
  #highestIndex = 0;

  constructor(found: FoundSegment, bytes: Uint8Array, replay: LogReplay) {
    this.#found = found;
    this.#replay = replay;
    this.bytes = bytes;
    this.start = found.headerBytes;
    this.offset = found.headerBytes;
    this.sequence = found.header.firstSequence;
  }

  segment(): Segment {
    const { path, header } = this.#found;
    return { ordinal: header.ordinal, path, size: this.bytes.length, highestIndex: this.#highestIndex };
  }

  /** Reads the records before sequence number `end`, the next segment's first; all there are when it is infinite. */
  readUntil(end: number): void {
    const { path, header } = this.#found;
    while (this.sequence < end) {
      const place = { ordinal: header.ordinal, offset: this.offset };
      const examined = examineRecord(this.bytes, place, this.sequence);
      if (examined.kind === "whole") {
        this.#apply(examined.payload);
        this.lastRecord = this.offset;
        this.offset = examined.end;
        this.sequence++;
        continue;
      }
      if (examined.kind === "damaged") throw new LogCorruptError(path, this.offset, examined.reason);
      const missing = `record ${this.sequence} is not whole`;
      if (end !== Infinity) throw new LogCorruptError(path, this.offset, `${missing}, but a later segment follows`);
      const later = findLaterRecord(this.bytes, place, this.sequence);
      if (later === undefined) return;
      throw new LogCorruptError(path, this.offset, `${missing}, but a later one stands at offset ${later}`);
    }
  }

  #apply(payload: Uint8Array): void {
    const { path } = this.#found;
    let batch: LogBatch;
    try {
      batch = decodeBatch(payload);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new LogCorruptError(path, this.offset, `record ${this.sequence} is malformed: ${error.message}`, error);
    }
    const refused = this.#replay.apply(batch);
    if (refused !== undefined) throw new LogCorruptError(path, this.offset, `in record ${this.sequence}, ${refused}`);
    if (batch.reset !== undefined) {
      this.sawReset = true;
      this.#highestIndex = 0;
    }
    this.#highestIndex = Math.max(this.#highestIndex, batch.entries.at(-1)?.index ?? 0);
  }
}

/**
 * Makes the last record as durable as it looks. A process that stopped before its sync, or after one that failed,
 * leaves a record that can be read and is not on the disk, in pages that may count as clean: only what is written again
 * is sure to be what the next sync is about.
 */
async function writeAgain(file: DiskFile, { bytes, offset, lastRecord }: SegmentScan): Promise<void> {
  if (lastRecord !== undefined) await file.write(lastRecord, [bytes.subarray(lastRecord, offset)]);
  // And the size and the zeros behind it, whatever became of them.
  await file.sync();
}

/** Whether `bytes` holds zeros only from `from` on; looks at four at a time, as most of a segment may be unused. */
function isZero(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (at < bytes.length && ((bytes.byteOffset + at) & 3) !== 0) if (bytes[at++] !== 0) return false;
  if (at === bytes.length) return true;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (bytes.length - at) >> 2);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  for (at += words.length * 4; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}
