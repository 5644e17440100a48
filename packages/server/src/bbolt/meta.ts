import { pageHeaderBytes } from "./page.ts";

const magic = 0xed0cdaed;
const formatVersion = 2;
/** Of the page: header, meta and its checksum. */
export const metaBytes = 80;
const checksumAt = pageHeaderBytes + 56;
/** In place of a free list: there is none in the file. */
const noFreelist = 0xffffffffffffffffn;

/** What a bbolt file says of itself, twice: in its first page and in its second, the newer of which counts. */
export interface Meta {
  readonly pageSize: number;
  /** The page where the bucket of all buckets begins. */
  readonly root: number;
  /** Pages from here on belong to nobody. */
  readonly highWater: number;
  readonly transaction: bigint;
}

/** Without a free list: whoever opens the file to write finds what is free, here nothing, by itself. */
export function writeMeta(target: Buffer, { pageSize, root, highWater, transaction }: Meta): void {
  const at = pageHeaderBytes;
  target.writeUInt32LE(magic, at);
  target.writeUInt32LE(formatVersion, at + 4);
  target.writeUInt32LE(pageSize, at + 8);
  target.writeBigUInt64LE(BigInt(root), at + 16);
  target.writeBigUInt64LE(noFreelist, at + 32);
  target.writeBigUInt64LE(BigInt(highWater), at + 40);
  target.writeBigUInt64LE(transaction, at + 48);
  target.writeBigUInt64LE(fnv1a(target.subarray(at, checksumAt)), checksumAt);
}

/** Reads the meta of a page from its first 80 bytes; undefined when there is none, or its checksum is wrong. */
export function readMeta(bytes: Buffer): Meta | undefined {
  const at = pageHeaderBytes;
  if (bytes.length < metaBytes) return undefined;
  if (bytes.readUInt32LE(at) !== magic || bytes.readUInt32LE(at + 4) !== formatVersion) return undefined;
  if (fnv1a(bytes.subarray(at, checksumAt)) !== bytes.readBigUInt64LE(checksumAt)) return undefined;
  return {
    pageSize: bytes.readUInt32LE(at + 8),
    root: Number(bytes.readBigUInt64LE(at + 16)),
    highWater: Number(bytes.readBigUInt64LE(at + 40)),
    transaction: bytes.readBigUInt64LE(at + 48),
  };
}

/** FNV-1a (Fowler, Noll, Vo), 64 bits. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}
