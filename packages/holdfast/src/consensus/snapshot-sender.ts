import type { Clock, Timer } from "../runtime/index.ts";
import type { NodeId } from "./entry.ts";
import type { SnapshotReader } from "./log/durable-log.ts";
import type { SnapshotChunk, SnapshotChunkResult } from "./peer-message.ts";

export interface SnapshotSenderOptions {
  readonly clock: Clock;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
  readonly reader: SnapshotReader;
  readonly chunkBytes: number;
  /** A chunk unanswered for this long is sent again. */
  readonly retryMs: number;
  /** Unanswered sends of one chunk before giving up. */
  readonly attempts: number;
  readonly send: (chunk: SnapshotChunk) => void;
  /** Called once. */
  readonly onDone: (delivered: boolean) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Sends one snapshot to one follower, one chunk at a time, so that heartbeats on the same connection never wait behind
 * more than a chunk. The receiver's answers say where to go on, also after it lost what it had.
 */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  #offset = 0;
  #attemptsLeft: number;
  #timer: Timer | undefined;
  #done = false;

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
    this.#attemptsLeft = options.attempts;
  }

  start(): void {
    void this.#sendChunk();
  }

  onResult(result: SnapshotChunkResult): void {
    const { reader } = this.#options;
    if (this.#done || result.snapshotIndex !== reader.meta.index || result.term !== this.#options.term) return;
    if (result.offset >= reader.size) {
      this.#finish(true);
      return;
    }
    // It asks for the chunk that is already on its way: an answer to a repeated one.
    if (result.offset === this.#offset) return;
    this.#offset = result.offset;
    this.#attemptsLeft = this.#options.attempts;
    void this.#sendChunk();
  }

  stop(): void {
    this.#finish(false);
  }

  async #sendChunk(): Promise<void> {
    const { clock, reader, chunkBytes, from, to, term, send, onError } = this.#options;
    this.#timer?.cancel();
    if (this.#attemptsLeft-- === 0) {
      this.#finish(false);
      return;
    }
    const offset = this.#offset;
    try {
      const data = await reader.read(offset, chunkBytes);
      if (this.#done || offset !== this.#offset) return;
      send({ type: "snapshotChunk", from, to, term, snapshot: reader.meta, offset, size: reader.size, data });
      this.#timer = clock.setTimer(this.#options.retryMs, () => void this.#sendChunk());
    } catch (error) {
      if (this.#done) return;
      onError(error as Error);
      this.#finish(false);
    }
  }

  #finish(delivered: boolean): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer?.cancel();
    void this.#options.reader.close();
    this.#options.onDone(delivered);
  }
}
