import type { Disk, DiskFile } from "../../runtime/index.ts";
import { encodeSegmentHeader, type SegmentHeader, segmentName } from "./segment-header.ts";

/** A segment that is on the disk under its name. */
export interface Segment {
  readonly ordinal: number;
  readonly path: string;
  /** Bytes the file takes. */
  size: number;
  /** The highest entry in it that is not void; 0 when there is none. */
  highestIndex: number;
}

/** The segment that is being written: records up to `offset`, zeros from there to `size`. */
export interface OpenSegment extends Segment {
  /** Its writes are synced. */
  readonly file: DiskFile;
  /** Where the first record goes. */
  readonly start: number;
  /** Where the next record goes. */
  offset: number;
}

/**
 * A write that reaches the end of its file brings this many zeros with it. The writes after it overwrite them, and
 * syncing those need not make a new size or new blocks durable, which costs a quarter to a half of a small append.
 */
const growthBytes = 256 * 1024;
const zeros: Uint8Array = new Uint8Array(growthBytes);

/** Makes a segment that starts with `header`; it is durable under its name when this resolves. */
export async function createSegment(
  disk: Disk,
  directory: string,
  header: SegmentHeader,
  segmentBytes: number,
): Promise<OpenSegment> {
  const temporary = `${directory}/segment.tmp`;
  await disk.remove(temporary);
  const path = `${directory}/${segmentName(header.ordinal)}`;
  const file = await disk.open(temporary, { create: true, syncedWrites: true });
  const segment = { ordinal: header.ordinal, path, file, start: 0, offset: 0, size: 0, highestIndex: 0 };
  try {
    await writeToSegment(segment, encodeSegmentHeader(header), segmentBytes);
    // The name comes last: a segment under its name has a header.
    await disk.rename(temporary, path);
    await disk.syncDirectory(directory);
    return { ...segment, start: segment.offset };
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

/** Appends to a segment that is `segmentBytes` long when it is full: one write, which is a sync, too. */
export async function writeToSegment(segment: OpenSegment, bytes: Uint8Array, segmentBytes: number): Promise<void> {
  const end = segment.offset + bytes.length;
  let size = segment.size;
  if (end <= size) {
    await segment.file.write(segment.offset, [bytes]);
  } else {
    size = Math.max(end, Math.min(segmentBytes, Math.ceil(end / growthBytes) * growthBytes));
    await segment.file.write(segment.offset, [bytes, zeros.subarray(0, size - end)]);
  }
  segment.offset = end;
  segment.size = size;
}
