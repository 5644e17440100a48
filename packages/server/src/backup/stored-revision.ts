import { MalformedError } from "holdfast/wire";

/** A revision as etcd keys its store by: eight bytes of the main one, `_`, eight of the one below it. */
export const revisionBytes = 17;
/** Behind the revision at which a key was deleted. */
const tombstoneMark = 0x74;
const separator = 0x5f;

export interface StoredRevision {
  readonly main: number;
  readonly sub: number;
  readonly isTombstone: boolean;
}

export function writeRevision(target: Buffer, at: number, { main, sub, isTombstone }: StoredRevision): void {
  target.writeBigUInt64BE(BigInt(main), at);
  target[at + 8] = separator;
  target.writeBigUInt64BE(BigInt(sub), at + 9);
  if (isTombstone) target[at + revisionBytes] = tombstoneMark;
}

/** @throws MalformedError; also beyond the safe integers, which no store reaches */
export function readRevision(bytes: Buffer): StoredRevision {
  const isTombstone = bytes.length === revisionBytes + 1 && bytes[revisionBytes] === tombstoneMark;
  if ((bytes.length !== revisionBytes && !isTombstone) || bytes[8] !== separator) {
    throw new MalformedError(
      "revision",
      0,
      `must be 8 bytes, "_", 8 bytes and a mark (got ${bytes.toString("hex", 0, 32)})`,
    );
  }
  const main = Number(bytes.readBigUInt64BE(0));
  const sub = Number(bytes.readBigUInt64BE(9));
  if (!Number.isSafeInteger(main) || !Number.isSafeInteger(sub)) {
    throw new MalformedError("revision", 0, `must be below 2^53 (got ${main}/${sub})`);
  }
  return { main, sub, isTombstone };
}
