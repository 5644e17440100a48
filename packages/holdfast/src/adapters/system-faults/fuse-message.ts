import type { Stats } from "node:fs";

/** Linux's numbers of what is asked for (linux/fuse.h, protocol 7.31). */
export const fuseOperations = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  rename2: 45,
} as const;

export interface FuseRequest {
  readonly operation: number;
  readonly number: bigint;
  readonly node: number;
  readonly user: number;
  readonly group: number;
  readonly body: Buffer;
}

/** The header of 40 bytes, and what follows it. */
export function readRequest(bytes: Buffer): FuseRequest {
  return {
    operation: bytes.readUInt32LE(4),
    number: bytes.readBigUInt64LE(8),
    node: Number(bytes.readBigUInt64LE(16)),
    user: bytes.readUInt32LE(24),
    group: bytes.readUInt32LE(28),
    body: bytes.subarray(40),
  };
}

export function reply(number: bigint, errno: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(errno === 0 ? 16 + body.length : 16, 0);
  header.writeInt32LE(-errno, 4);
  header.writeBigUInt64LE(number, 8);
  return errno === 0 ? Buffer.concat([header, body]) : header;
}

/** Texts that end with a zero byte, one after the other. */
export function names(body: Buffer, from: number): string[] {
  return body.toString("utf8", from, body.length).split("\0");
}

export function number64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

export function uint64(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [at, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), at * 8);
  return bytes;
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, at * 4);
  return bytes;
}

/** The most that one write brings. */
const maxWriteBytes: number = 128 * 1024;

export function initialised(maxReadahead: number): Buffer {
  const asyncRead = 1;
  const bigWrites = 1 << 5;
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(31, 4);
  body.writeUInt32LE(maxReadahead, 8);
  body.writeUInt32LE(asyncRead | bigWrites, 12);
  // How many requests may be under way in the background, and from how many on the kernel holds back.
  body.writeUInt16LE(64, 16);
  body.writeUInt16LE(48, 18);
  body.writeUInt32LE(maxWriteBytes, 20);
  body.writeUInt32LE(1, 24);
  return body;
}

export function attributes(stats: Stats): Buffer {
  const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1_000));
  const nanoseconds = (ms: number): number => Math.floor((ms - Math.floor(ms / 1_000) * 1_000) * 1e6);
  const { atimeMs, mtimeMs, ctimeMs } = stats;
  return Buffer.concat([
    uint64(stats.ino, stats.size, stats.blocks, seconds(atimeMs), seconds(mtimeMs), seconds(ctimeMs)),
    uint32(nanoseconds(atimeMs), nanoseconds(mtimeMs), nanoseconds(ctimeMs)),
    uint32(stats.mode, stats.nlink, stats.uid, stats.gid, stats.rdev, stats.blksize, 0),
  ]);
}

/** A node and its attributes; the kernel asks again each time. */
export function entry(node: number, stats: Stats): Buffer {
  return Buffer.concat([uint64(node, 0, 0, 0), uint32(0, 0), attributes(stats)]);
}

/** An entry of a directory; `next` is where the one after it begins. */
export function directoryEntry(ino: number, next: number, type: number, name: string): Buffer {
  const bytes = Buffer.from(name);
  const padding = Buffer.alloc((8 - (bytes.length % 8)) % 8);
  return Buffer.concat([uint64(ino, next), uint32(bytes.length, type), bytes, padding]);
}
