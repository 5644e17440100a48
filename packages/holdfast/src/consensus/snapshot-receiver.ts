import type { DurableLog, SnapshotWriter } from "./log/durable-log.ts";
import type { SnapshotChunk } from "./peer-message.ts";

interface Arriving {
  readonly index: number;
  readonly term: number;
  readonly size: number;
  readonly writer: SnapshotWriter;
}

/** A snapshot that has arrived whole and is not yet part of the node's state. */
export interface StagedSnapshot {
  readonly writer: SnapshotWriter;
}

/** Puts a snapshot's chunks together on the disk; one snapshot at a time, a newer one replacing the older. */
export class SnapshotReceiver {
  readonly #log: DurableLog;
  #arriving: Arriving | undefined;
  #busy = false;

  constructor(log: DurableLog) {
    this.#log = log;
  }

  /**
   * Takes a chunk and answers where the next one must begin, and the staged snapshot when this was the last.
   * Undefined while an earlier chunk is still being written: the sender repeats.
   */
  async take(chunk: SnapshotChunk): Promise<{ offset: number; staged: StagedSnapshot | undefined } | undefined> {
    if (this.#busy) return undefined;
    this.#busy = true;
    try {
      const arriving = await this.#arrivingFor(chunk);
      if (arriving === undefined) return { offset: 0, staged: undefined };
      if (chunk.offset === arriving.writer.size) await arriving.writer.write(chunk.data);
      const offset = arriving.writer.size;
      if (offset < arriving.size) return { offset, staged: undefined };
      this.#arriving = undefined;
      return { offset, staged: { writer: arriving.writer } };
    } finally {
      this.#busy = false;
    }
  }

  /** Gives up what has not arrived whole. */
  async close(): Promise<void> {
    const known = this.#arriving;
    this.#arriving = undefined;
    await known?.writer.abort();
  }

  async #arrivingFor(chunk: SnapshotChunk): Promise<Arriving | undefined> {
    const { index, term } = chunk.snapshot;
    const known = this.#arriving;
    if (known !== undefined && known.index === index && known.term === term && known.size === chunk.size) return known;
    // Only its first chunk starts a snapshot; the middle of one we know nothing of is asked for from the start.
    if (chunk.offset !== 0) return undefined;
    this.#arriving = undefined;
    await known?.writer.abort();
    const writer = await this.#log.createSnapshot(chunk.snapshot);
    this.#arriving = { index, term, size: chunk.size, writer };
    return this.#arriving;
  }
}
