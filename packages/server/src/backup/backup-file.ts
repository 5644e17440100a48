import { createHash } from "node:crypto";
import type { Member, StateBackup } from "holdfast/coordination";

/**
 * A backup, as a file: a head of 512 bytes, the state, zeros up to a whole sector, and the SHA-256 of all that. etcdctl
 * takes a snapshot for whole when its length ends so.
 */
export const sectorBytes = 512;
export const digestBytes = 32;
const magic = "HFBACKUP";
const version = 1;

/** What a backup says of itself. */
export interface BackupHead {
  /** Of the cluster it is from. */
  readonly clusterId: bigint;
  /** The store's. */
  readonly revision: number;
  /** Bytes of state. */
  readonly stateBytes: number;
}

/** Bytes of the whole file. */
export function backupBytes({ stateBytes }: Pick<BackupHead, "stateBytes">): number {
  return sectorBytes + Math.ceil(stateBytes / sectorBytes) * sectorBytes + digestBytes;
}

/** The parts of a backup, in order, made while they are taken. */
export function backupFile(
  { clusterId }: Pick<Member, "clusterId">,
  { revision, size: stateBytes, chunks }: StateBackup,
): { readonly size: number; readonly parts: AsyncIterable<Uint8Array> } {
  const head: BackupHead = { clusterId, revision, stateBytes };
  const size = backupBytes(head);
  async function* parts(): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    const hashed = <T extends Uint8Array>(part: T): T => {
      hash.update(part);
      return part;
    };
    yield hashed(encodeHead(head));
    for await (const chunk of chunks) yield hashed(chunk);
    const padding = size - digestBytes - sectorBytes - stateBytes;
    if (padding > 0) yield hashed(new Uint8Array(padding));
    yield hash.digest();
  }
  return { size, parts: parts() };
}

function encodeHead({ clusterId, revision, stateBytes }: BackupHead): Uint8Array {
  const head = Buffer.alloc(sectorBytes);
  head.write(magic, "latin1");
  head.writeUInt32LE(version, 8);
  head.writeBigUInt64LE(clusterId, 16);
  head.writeBigUInt64LE(BigInt(revision), 24);
  head.writeBigUInt64LE(BigInt(stateBytes), 32);
  return head;
}

/** Undefined when it is no head of ours. */
export function decodeHead(bytes: Buffer): BackupHead | undefined {
  if (bytes.length < sectorBytes || bytes.toString("latin1", 0, 8) !== magic || bytes.readUInt32LE(8) !== version) {
    return undefined;
  }
  return {
    clusterId: bytes.readBigUInt64LE(16),
    revision: Number(bytes.readBigUInt64LE(24)),
    stateBytes: Number(bytes.readBigUInt64LE(32)),
  };
}
