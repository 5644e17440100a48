import { Buffer } from "node:buffer";

/** Large buffers that are used again: to get new ones for hundreds of megabytes a second costs more than to fill them. */
export class ChunkPool {
  readonly chunkBytes: number;
  readonly #maxSpare: number;
  readonly #spare: Buffer[] = [];

  constructor(chunkBytes: number, maxSpare: number) {
    this.chunkBytes = chunkBytes;
    this.#maxSpare = maxSpare;
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.chunkBytes);
  }

  /** Nobody may read or write the chunk any more. */
  giveBack(chunk: Buffer): void {
    if (this.#spare.length < this.#maxSpare) this.#spare.push(chunk);
  }
}
