import { createHash } from "node:crypto";
import type { StateBackup } from "holdfast/coordination";
import { writeDatabase } from "../bbolt/database-writer.ts";
import { backendBuckets, type BackedUpMember } from "./backend-buckets.ts";

/** At the end of the file: the SHA-256 of all before it. etcdctl looks for it where a length is no multiple of 512. */
export const digestBytes = 32;
/** In which the file is sent. */
const partBytes = 64 * 1024;

export interface SnapshotFile {
  readonly bytes: number;
  /** In order, made while they are taken; not to be changed. */
  readonly parts: AsyncIterable<Buffer>;
}

/** A backup as a snapshot of etcd's. @throws the signal's reason, then or while the parts are taken */
export async function snapshotFile(
  backup: StateBackup,
  member: BackedUpMember,
  signal?: AbortSignal,
): Promise<SnapshotFile> {
  const database = await writeDatabase(backendBuckets(backup, member, signal));
  return { bytes: database.bytes + digestBytes, parts: inParts(withDigest(database.parts)) };
}

async function* withDigest(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const part of parts) {
    hash.update(part);
    yield part;
  }
  yield hash.digest();
}

async function* inParts(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = piece.subarray(at, at + partBytes - waitingBytes);
      waiting.push(taken);
      waitingBytes += taken.length;
      at += taken.length;
      if (waitingBytes < partBytes) continue;
      yield Buffer.concat(waiting, waitingBytes);
      waiting = [];
      waitingBytes = 0;
    }
  }
  if (waitingBytes > 0) yield Buffer.concat(waiting, waitingBytes);
}
