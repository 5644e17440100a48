import { type ByteWriter, crc32c } from "../../wire/index.ts";

/**
 * A record of a segment file: what one append makes durable, in one write.
 *
 * | bytes | what |
 * | --- | --- |
 * | 4 | magic |
 * | 4 | length of all that follows the header |
 * | 8 | sequence number, counted through all segments |
 * | 4 | CRC-32C of all that follows the header |
 * | 4 | mask |
 * | 4 | CRC-32C of the header so far, started from the record's place |
 * | 4 | end of the header |
 * | … | payload, every byte combined with the mask by exclusive or |
 * | 1 | end of the record |
 *
 * A crash may leave any of the last record's 512-byte sectors unwritten, and unwritten space holds zeros. So that a
 * sector of zeros always means "never written", no written one is all zeros: a record's first and last byte are not,
 * its header begins and ends with bytes that are not, and the mask is chosen so that no sector inside the payload is.
 *
 * Records follow each other without padding. The sector that one record shares with the next is written again by the
 * next append with the same bytes for the first, so whichever version of it survives a crash, the first is whole.
 *
 * The place in the header's checksum means that a record counts only where it was written: not when a misdirected
 * write put it elsewhere, nor as part of an entry's data.
 */
export const recordHeaderBytes = 32;
const sectorBytes = 512;
const magic = 0x1f_c0_4c_a7;
const headerEnd = 0x5e_a1_0f_d3;
const recordEnd = 0xe5;

export interface RecordPlace {
  /** The segment's ordinal. */
  readonly ordinal: number;
  readonly offset: number;
}

/** What stands where a record should start. */
export type Examined =
  | { readonly kind: "whole"; readonly end: number; readonly payload: Uint8Array }
  /** A write that never finished, or the free space behind the last record. */
  | { readonly kind: "unwritten" }
  /** Bytes that were all written and are no longer what they were. */
  | { readonly kind: "damaged"; readonly reason: string };

/** Starts a record in an empty writer; the payload follows. */
export function beginRecord(writer: ByteWriter): void {
  writer.skip(recordHeaderBytes);
}

/** Completes the record for its place; returns its bytes, which belong to the writer. */
export function endRecord(writer: ByteWriter, place: RecordPlace, sequence: number): Uint8Array {
  writer.u8(recordEnd);
  const record = writer.view();
  const mask = chooseMask(record, place.offset);
  if (mask !== 0) applyMask(record, recordHeaderBytes, record.length - 1, mask);
  writer.setU32(0, magic);
  writer.setU32(4, record.length - recordHeaderBytes);
  writer.setU32(8, sequence % 0x1_0000_0000);
  writer.setU32(12, Math.floor(sequence / 0x1_0000_0000));
  writer.setU32(16, crc32c(record, 0, recordHeaderBytes));
  writer.setU32(20, mask);
  writer.setU32(24, headerChecksum(record, 0, place));
  writer.setU32(28, headerEnd);
  return record;
}

/** Examines the record that should start at `place` in a segment of which `segment` holds all bytes. */
export function examineRecord(segment: Uint8Array, place: RecordPlace, sequence: number): Examined {
  const start = place.offset;
  const payload = start + recordHeaderBytes;
  if (!hasHeader(segment, place)) {
    return hasUnwrittenPart(segment, start, payload)
      ? { kind: "unwritten" }
      : { kind: "damaged", reason: "a record's header does not match its checksum" };
  }
  const found = sequenceAt(segment, start);
  if (found !== sequence) return { kind: "damaged", reason: `record ${sequence} should be here, not ${found}` };
  const end = payload + u32(segment, start + 4);
  if (end > segment.length || crc32c(segment, 0, payload, end) !== u32(segment, start + 16)) {
    return hasUnwrittenPart(segment, start, end)
      ? { kind: "unwritten" }
      : { kind: "damaged", reason: `record ${sequence} does not match its checksum` };
  }
  const mask = u32(segment, start + 20);
  if (mask === 0) return { kind: "whole", end, payload: segment.subarray(payload, end - 1) };
  const plain = segment.slice(payload, end - 1);
  applyMask(plain, 0, plain.length, mask);
  return { kind: "whole", end, payload: plain };
}

/** Where a record with a sequence number above `sequence` starts behind `place`, whole or not; undefined if none does. */
export function findLaterRecord(segment: Uint8Array, place: RecordPlace, sequence: number): number | undefined {
  let offset = place.offset;
  for (;;) {
    offset = segment.indexOf(magic & 0xff, offset + 1);
    if (offset === -1) return undefined;
    if (hasHeader(segment, { ordinal: place.ordinal, offset }) && sequenceAt(segment, offset) > sequence) return offset;
  }
}

/** The smallest mask that leaves no sector inside the payload all zeros: one that no sector consists of. */
function chooseMask(record: Uint8Array, offset: number): number {
  let taken: Set<number> | undefined;
  const firstSector = Math.ceil((offset + recordHeaderBytes) / sectorBytes) * sectorBytes - offset;
  for (let at = firstSector; at + sectorBytes < record.length; at += sectorBytes) {
    const byte = record[at]!;
    let next = at + 1;
    while (next < at + sectorBytes && record[next] === byte) next++;
    if (next === at + sectorBytes) (taken ??= new Set()).add(byte);
  }
  if (taken === undefined) return 0;
  // When sectors of all 256 kinds are there, one of zeros stays: a torn write may then be what a damaged record seems.
  for (let mask = 0; mask < 256; mask++) if (!taken.has(mask)) return mask;
  return 0;
}

function applyMask(bytes: Uint8Array, start: number, end: number, mask: number): void {
  for (let at = start; at < end; at++) bytes[at]! ^= mask;
}

/**
 * Whether some of what should be between `start` and `end`, where it starts and ends with a byte that is not zero, was
 * never written: the file ends before, a sector's part holds zeros only, or, when a process ended in the middle of a
 * write that no sector's border cuts, the first or the last byte is zero.
 */
function hasUnwrittenPart(segment: Uint8Array, start: number, end: number): boolean {
  if (end > segment.length || segment[start] === 0 || segment[end - 1] === 0) return true;
  let at = start;
  while (at < end) {
    const next = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    while (at < next && segment[at] === 0) at++;
    if (at === next) return true;
    at = next;
  }
  return false;
}

function hasHeader(segment: Uint8Array, place: RecordPlace): boolean {
  const at = place.offset;
  return (
    at + recordHeaderBytes <= segment.length &&
    u32(segment, at) === magic &&
    u32(segment, at + 28) === headerEnd &&
    u32(segment, at + 24) === headerChecksum(segment, at, place)
  );
}

function headerChecksum(bytes: Uint8Array, at: number, place: RecordPlace): number {
  return crc32c(bytes, Math.imul(place.ordinal, 0x9e37_79b1) ^ place.offset, at, at + 24);
}

function sequenceAt(segment: Uint8Array, at: number): number {
  return u32(segment, at + 12) * 0x1_0000_0000 + u32(segment, at + 8);
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
