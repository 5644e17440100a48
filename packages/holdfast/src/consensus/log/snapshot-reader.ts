import type { Disk, DiskFile } from "../../runtime/index.ts";
import type { SnapshotMeta } from "../entry.ts";
import type { SnapshotReader } from "./durable-log.ts";
import { LogCorruptError } from "./log-error.ts";
import { type LogIdentity, requireIdentity } from "./log-identity.ts";
import {
  addBlockChecksum,
  blockBytes,
  blockChecksum,
  blockCount,
  blockOverheadBytes,
  readSnapshotFooter,
  readSnapshotHeader,
} from "./snapshot-format.ts";

const blocksPerCheck = 16;

/** Opens a complete snapshot file; the state is checked as it is read. @throws LogCorruptError, ForeignDirectoryError */
export async function openSnapshotFile(
  disk: Disk,
  path: string,
  identity: LogIdentity,
): Promise<SnapshotReader & { readonly check: () => Promise<void> }> {
  const file = await disk.open(path);
  try {
    const { body, length } = await readSnapshotHeader(path, file);
    requireIdentity(path, body.identity, identity);
    const { size, checksum } = await readSnapshotFooter(path, file, length);
    const blocks = new BlockReader(path, file, length, size);
    return {
      meta: body.meta,
      size,
      read: (offset, count) => blocks.read(offset, count),
      close: () => file.close(),
      check: async () => {
        if ((await blocks.checksum()) === checksum) return;
        throw new LogCorruptError(path, length, "the blocks are not those that the footer is about");
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Reads a snapshot file from its first byte to its last. @throws LogCorruptError, ForeignDirectoryError */
export async function checkSnapshotFile(disk: Disk, path: string, identity: LogIdentity): Promise<SnapshotMeta> {
  const snapshot = await openSnapshotFile(disk, path, identity);
  try {
    await snapshot.check();
    return snapshot.meta;
  } finally {
    await snapshot.close();
  }
}

class BlockReader {
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #start: number;
  readonly #size: number;

  constructor(path: string, file: DiskFile, start: number, size: number) {
    this.#path = path;
    this.#file = file;
    this.#start = start;
    this.#size = size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.#size);
    if (end <= offset) return new Uint8Array(0);
    const first = Math.floor(offset / blockBytes);
    const state = new Uint8Array(end - offset);
    await this.#eachBlock(first, blockCount(end), (block, number) => {
      const start = number * blockBytes;
      const from = Math.max(offset, start);
      state.set(block.subarray(from - start, Math.min(end - start, block.length)), from - offset);
    });
    return state;
  }

  /** The checksum over all blocks' checksums. */
  async checksum(): Promise<number> {
    let total = 0;
    for (let first = 0; first < blockCount(this.#size); first += blocksPerCheck) {
      const end = Math.min(first + blocksPerCheck, blockCount(this.#size));
      await this.#eachBlock(first, end, (_block, _number, checksum) => {
        total = addBlockChecksum(total, checksum);
      });
    }
    return total;
  }

  /** Reads blocks `first` up to `end` in one go and checks them. */
  async #eachBlock(
    first: number,
    end: number,
    onBlock: (block: Uint8Array, number: number, checksum: number) => void,
  ): Promise<void> {
    const stride = blockBytes + blockOverheadBytes;
    const start = this.#start + first * stride;
    const stateBytes = Math.min(end * blockBytes, this.#size) - first * blockBytes;
    const bytes = await this.#file.read(start, stateBytes + (end - first) * blockOverheadBytes);
    for (let number = first; number < end; number++) {
      const at = (number - first) * stride;
      const length = Math.min(blockBytes, this.#size - number * blockBytes);
      const block = bytes.subarray(at + blockOverheadBytes, at + blockOverheadBytes + length);
      const checksum = blockChecksum(block, number);
      const written = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
      if (block.length < length || checksum !== written) {
        throw new LogCorruptError(this.#path, start + at, `block ${number} does not match its checksum`);
      }
      onBlock(block, number, checksum);
    }
  }
}
