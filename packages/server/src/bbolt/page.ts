/**
 * The pages of a bbolt file, version 2, as go.etcd.io/bbolt lays them out on a little-endian machine: a header, then the
 * elements, then what they point to. A page with more than fits goes on into the pages behind it, its overflow.
 */
export const pageBytes = 4096;
export const pageHeaderBytes = 16;
/** Of a leaf's element as of a branch's. */
export const elementBytes = 16;
/** What precedes an inline page in the value that stands for a bucket. */
export const bucketHeaderBytes = 16;

export const pageFlags = { branch: 1, leaf: 2, meta: 4, freelist: 16 } as const;

/** Of a leaf's element: its value is a bucket. */
export const bucketFlag = 1;

export interface PageHeader {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  /** Pages behind it that belong to it. */
  readonly overflow: number;
}

export function writePageHeader(target: Buffer, { id, flags, count, overflow }: PageHeader, at = 0): void {
  target.writeBigUInt64LE(BigInt(id), at);
  target.writeUInt16LE(flags, at + 8);
  target.writeUInt16LE(count, at + 10);
  target.writeUInt32LE(overflow, at + 12);
}

/** An id beyond the safe integers comes out as one that no file has. */
export function readPageHeader(bytes: Buffer): PageHeader {
  return {
    id: Number(bytes.readBigUInt64LE(0)),
    flags: bytes.readUInt16LE(8),
    count: bytes.readUInt16LE(10),
    overflow: bytes.readUInt32LE(12),
  };
}
