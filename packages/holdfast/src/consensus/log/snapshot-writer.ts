import type { Disk, DiskFile } from "../../runtime/index.ts";
import type { SnapshotWriter } from "./durable-log.ts";
import { LogFailedError } from "./log-error.ts";
import {
  addBlockChecksum,
  blockBytes,
  blockChecksum,
  blockOverheadBytes,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  type SnapshotHeader,
} from "./snapshot-format.ts";

/** Writes a snapshot under a temporary name; `publish` gives it its own. */
export async function writeSnapshotFile(
  disk: Disk,
  temporary: string,
  header: SnapshotHeader,
  publish: () => Promise<void>,
): Promise<SnapshotWriter> {
  const file = await disk.open(temporary, { create: true }).catch((error: unknown) => {
    throw new LogFailedError(`cannot create the snapshot ${temporary}`, error);
  });
  const writer = new BlockWriter(file, encodeSnapshotHeader(header));
  let ended = false;

  const end = async (): Promise<void> => {
    ended = true;
    await file.close().catch(() => undefined);
  };
  const guarded = async (work: () => Promise<void>): Promise<void> => {
    if (ended) throw new LogFailedError(`the snapshot ${temporary} is no longer being written`);
    try {
      await work();
    } catch (error) {
      await end();
      await disk.remove(temporary).catch(() => undefined);
      if (error instanceof LogFailedError) throw error;
      throw new LogFailedError(`cannot write the snapshot ${temporary}`, error);
    }
  };

  return {
    get size() {
      return writer.size;
    },
    write: (bytes) => guarded(() => writer.write(bytes)),
    commit: () =>
      guarded(async () => {
        await writer.finish();
        await file.sync();
        await end();
        await publish();
      }),
    abort: async () => {
      if (ended) return;
      await end();
      await disk.remove(temporary);
    },
  };
}

/** Cuts state into blocks; holds one block in memory. */
class BlockWriter {
  readonly #file: DiskFile;
  readonly #block: Uint8Array = new Uint8Array(blockOverheadBytes + blockBytes);
  #filled = 0;
  #number = 0;
  #offset = 0;
  #checksum = 0;
  /** The header, until it is written together with the first block. */
  #pending: Uint8Array[];
  size = 0;

  constructor(file: DiskFile, header: Uint8Array) {
    this.#file = file;
    this.#pending = [header];
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(bytes.length - at, blockBytes - this.#filled);
      this.#block.set(bytes.subarray(at, at + count), blockOverheadBytes + this.#filled);
      this.#filled += count;
      this.size += count;
      at += count;
      if (this.#filled === blockBytes) await this.#writeBlock();
    }
  }

  async finish(): Promise<void> {
    if (this.#filled > 0) await this.#writeBlock();
    await this.#put(encodeSnapshotFooter({ size: this.size, checksum: this.#checksum }));
  }

  async #writeBlock(): Promise<void> {
    const block = this.#block.subarray(0, blockOverheadBytes + this.#filled);
    const checksum = blockChecksum(block.subarray(blockOverheadBytes), this.#number);
    for (let i = 0; i < blockOverheadBytes; i++) block[i] = checksum >>> (8 * i);
    this.#checksum = addBlockChecksum(this.#checksum, checksum);
    this.#number++;
    this.#filled = 0;
    await this.#put(block);
  }

  async #put(bytes: Uint8Array): Promise<void> {
    const parts = [...this.#pending, bytes];
    this.#pending = [];
    await this.#file.write(this.#offset, parts);
    for (const part of parts) this.#offset += part.length;
  }
}
