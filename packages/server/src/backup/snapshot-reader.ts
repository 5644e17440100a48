import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import type { BackupContents } from "holdfast/coordination";
import { crc32c, MalformedError } from "holdfast/wire";
import { bytesOfFile, type ByteSource } from "../bbolt/byte-source.ts";
import { DatabaseReader, isDatabase } from "../bbolt/database-reader.ts";
import { environmentError } from "../cli/exit.ts";
import { readBackend } from "./backend-reader.ts";
import { digestBytes } from "./snapshot-file.ts";

const readBytes = 1024 * 1024;
/** The length of a database, whatever its pages' size, is a multiple of it. */
const sectorBytes = 512;

/** What `etcdctl snapshot status` says of a file. */
export interface SnapshotStatus {
  readonly revision: number;
  /** Entries of all buckets: versions of keys, leases, users, members and others. */
  readonly totalKeys: number;
  /** CRC-32C of all entries. */
  readonly hash: number;
}

export interface ReadOptions {
  /** Take a file without a digest too: a member's own `member/snap/db`. Default false. */
  readonly skipHashCheck?: boolean;
}

/** An open file whose digest is right. */
export interface Snapshot {
  /** Of the database. */
  readonly bytes: number;
  readonly sha256: string;
  /** Reads all of it. @throws ExitError (environment) */
  status(): SnapshotStatus;
  /** What is in it; its versions are read when they are asked for. @throws ExitError (environment) */
  contents(): BackupContents;
  close(): void;
}

/**
 * Opens a snapshot of Holdfast's or etcd's.
 *
 * @throws ExitError (environment) that names the file and what is wrong with it, as all that is done with it
 */
export function openSnapshot(path: string, { skipHashCheck = false }: ReadOptions = {}): Snapshot {
  const descriptor = opened(path);
  try {
    const size = fstatSync(descriptor).size;
    const digested = size % sectorBytes === digestBytes;
    const source = bytesOfFile(descriptor, digested ? size - digestBytes : size);
    if (!isDatabase(source)) throw environmentError(`${path} is no snapshot of Holdfast's or etcd's`);
    if (!digested && !skipHashCheck) {
      const why = "it is cut short, or was copied and not saved; --skip-hash-check takes it as it is";
      throw environmentError(`${path} has no SHA-256 at its end: ${why}`);
    }
    const sha256 = digestOf(source);
    if (digested && !skipHashCheck) {
      const expected = bytesOfFile(descriptor, size).read(source.bytes, digestBytes).toString("hex");
      if (sha256 !== expected) throw environmentError(`${path} is damaged: its SHA-256 is ${sha256}, not ${expected}`);
    }
    return {
      bytes: source.bytes,
      sha256,
      status: () => blaming(path, () => statusOf(source)),
      contents() {
        const contents = blaming(path, () => readBackend(source));
        return { ...contents, versions: () => blamed(path, contents.versions()) };
      },
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function opened(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw environmentError(`cannot read ${path} (${(error as NodeJS.ErrnoException).code})`, error);
  }
}

function digestOf(source: ByteSource): string {
  const hash = createHash("sha256");
  for (let at = 0; at < source.bytes; at += readBytes) {
    hash.update(source.read(at, Math.min(readBytes, source.bytes - at)));
  }
  return hash.digest("hex");
}

function statusOf(source: ByteSource): SnapshotStatus {
  let totalKeys = 0;
  let hash = 0;
  for (const { name, entries } of new DatabaseReader(source).buckets()) {
    hash = crc32c(Buffer.from(name, "latin1"), hash);
    for (const { key, value } of entries()) {
      hash = crc32c(value, crc32c(key, hash));
      totalKeys++;
    }
  }
  return { revision: readBackend(source).revision, totalKeys, hash };
}

function blaming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw damageOf(path, error);
  }
}

async function* blamed<T>(path: string, items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw damageOf(path, error);
  }
}

function damageOf(path: string, error: unknown): unknown {
  if (!(error instanceof MalformedError)) return error;
  return environmentError(`${path} is damaged: ${error.message}`, error);
}
