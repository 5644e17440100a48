import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { environmentError } from "../cli/exit.ts";
import { backupBytes, decodeHead, digestBytes, sectorBytes, type BackupHead } from "./backup-file.ts";

const readBytes = 1024 * 1024;

export interface ReadBackup {
  readonly head: BackupHead;
  readonly fileBytes: number;
  readonly sha256: string;
}

/**
 * Reads a backup from end to end and checks its digest; tells the state, in pieces.
 *
 * @throws ExitError (environment) when it is none, or damaged
 */
export async function readBackup(path: string, onState: (bytes: Uint8Array) => void): Promise<ReadBackup> {
  const file = await opened(path);
  try {
    const { size } = await file.stat();
    const head = decodeHead(await read(file, 0, sectorBytes));
    if (head === undefined) throw environmentError(`${path} is no backup of Holdfast's`);
    if (size !== backupBytes(head)) {
      throw environmentError(`${path} is cut short: it must have ${backupBytes(head)} bytes (got ${size})`);
    }
    const hash = createHash("sha256");
    const stateEnd = sectorBytes + head.stateBytes;
    for (let at = 0; at < size - digestBytes;) {
      const bytes = await read(file, at, Math.min(readBytes, size - digestBytes - at));
      hash.update(bytes);
      const [from, to] = [Math.max(0, sectorBytes - at), Math.min(bytes.length, stateEnd - at)];
      if (to > from) onState(bytes.subarray(from, to));
      at += bytes.length;
    }
    const sha256 = hash.digest("hex");
    const expected = (await read(file, size - digestBytes, digestBytes)).toString("hex");
    if (sha256 !== expected) throw environmentError(`${path} is damaged: its SHA-256 is ${sha256}, not ${expected}`);
    return { head, fileBytes: size, sha256 };
  } finally {
    await file.close();
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    throw environmentError(`cannot read ${path} (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

async function read(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
