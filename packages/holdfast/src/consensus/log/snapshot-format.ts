import type { DiskFile } from "../../runtime/index.ts";
import { ByteReader, ByteWriter, crc32c } from "../../wire/index.ts";
import { readConfiguration, writeConfiguration } from "../configuration-codec.ts";
import type { SnapshotMeta } from "../entry.ts";
import { encodeFileHeader, readFileHeader } from "./file-header.ts";
import { LogCorruptError } from "./log-error.ts";
import { type LogIdentity, readIdentity, writeIdentity } from "./log-identity.ts";

/**
 * A snapshot file: header, blocks, footer.
 *
 * A block is u32 CRC-32C, started from the block's number, then 64 KiB of state; the last one may be shorter, and an
 * empty state has none. The footer is u64 bytes of state, u32 CRC-32C of all blocks' checksums, u32 CRC-32C of the
 * footer so far, and eight bytes that say that the file is complete.
 */
const magic = "HFSNAP\u00002";
const completeMark = "COMPLETE";
export const blockBytes: number = 64 * 1024;
export const blockOverheadBytes = 4;
const footerBytes = 24;

export interface SnapshotHeader {
  readonly identity: LogIdentity;
  readonly meta: SnapshotMeta;
}

export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  return encodeFileHeader(magic, (writer) => {
    writeIdentity(writer, header.identity);
    writer.varint(header.meta.index);
    writer.varint(header.meta.term);
    writeConfiguration(writer, header.meta.configuration);
  });
}

/** @throws LogCorruptError */
export function readSnapshotHeader(
  path: string,
  file: DiskFile,
): Promise<{ readonly body: SnapshotHeader; readonly length: number }> {
  return readFileHeader(path, file, magic, (reader) => ({
    identity: readIdentity(reader),
    meta: {
      index: reader.varint("index"),
      term: reader.varint("term"),
      configuration: readConfiguration(reader),
    },
  }));
}

export interface SnapshotFooter {
  /** Bytes of state. */
  readonly size: number;
  readonly checksum: number;
}

export function encodeSnapshotFooter(footer: SnapshotFooter): Uint8Array {
  const writer = new ByteWriter(footerBytes);
  writer.u64(footer.size);
  writer.u32(footer.checksum);
  writer.u32(crc32c(writer.view()));
  for (let i = 0; i < 8; i++) writer.u8(completeMark.charCodeAt(i));
  return writer.toBytes();
}

/** Reads the footer, and checks that the file is as long as it says. @throws LogCorruptError */
export async function readSnapshotFooter(path: string, file: DiskFile, headerLength: number): Promise<SnapshotFooter> {
  const start = (await file.size()) - footerBytes;
  if (start < headerLength) throw new LogCorruptError(path, headerLength, "the snapshot is incomplete");
  const bytes = await file.read(start, footerBytes);
  const reader = new ByteReader(bytes);
  reader.bytes(12, "footer");
  if (
    reader.u32("checksum") !== crc32c(bytes, 0, 0, 12) ||
    String.fromCharCode(...bytes.subarray(16)) !== completeMark
  ) {
    throw new LogCorruptError(path, start, "the snapshot is incomplete: it does not end with a footer");
  }
  const footer = new ByteReader(bytes);
  const size = footer.u64("size");
  if (headerLength + size + blockCount(size) * blockOverheadBytes !== start) {
    throw new LogCorruptError(path, start, `the footer promises ${size} bytes of state, which is not what is there`);
  }
  return { size, checksum: footer.u32("checksum") };
}

export function blockCount(size: number): number {
  return Math.ceil(size / blockBytes);
}

export function blockChecksum(block: Uint8Array, number: number): number {
  return crc32c(block, number);
}

/** Continues the checksum over all blocks by one block's. */
export function addBlockChecksum(total: number, checksum: number): number {
  return crc32c(Uint8Array.of(checksum, checksum >>> 8, checksum >>> 16, checksum >>> 24), total);
}

export function snapshotName(meta: { readonly index: number; readonly term: number }): string {
  return `snapshot-${String(meta.index).padStart(16, "0")}-${meta.term}.snap`;
}

/** The position in a snapshot's name; undefined for any other name. */
export function parseSnapshotName(name: string): { readonly index: number; readonly term: number } | undefined {
  const match = /^snapshot-(\d{16})-(\d{1,16})\.snap$/.exec(name);
  return match === null ? undefined : { index: Number(match[1]), term: Number(match[2]) };
}
