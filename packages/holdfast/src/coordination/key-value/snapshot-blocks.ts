import { ByteWriter, MalformedError } from "../../wire/index.ts";

/** A snapshot is a sequence of blocks of about this size. */
const blockBytes = 64 * 1024;

/** Fills blocks: four bytes of length, then what was written. Nothing spans two blocks but what `full` is asked before. */
export class BlockWriter {
  readonly bytes: ByteWriter = new ByteWriter(blockBytes + 4096);

  constructor() {
    this.bytes.skip(4);
  }

  get full(): boolean {
    return this.bytes.length >= blockBytes;
  }

  get empty(): boolean {
    return this.bytes.length === 4;
  }

  /** The block, and a new one begins. */
  take(): Uint8Array {
    this.bytes.setU32(0, this.bytes.length - 4);
    const block = this.bytes.toBytes();
    this.bytes.clear();
    this.bytes.skip(4);
    return block;
  }
}

/** Reads blocks from chunks cut anywhere. Allocates no more than is there. */
export class BlockReader {
  readonly #chunks: readonly Uint8Array[];
  #chunk = 0;
  #offset = 0;
  #position = 0;
  #remaining: number;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
    this.#remaining = chunks.reduce((total, chunk) => total + chunk.length, 0);
  }

  get ended(): boolean {
    return this.#remaining === 0;
  }

  /** Where the next block starts, counted over all chunks. */
  get position(): number {
    return this.#position;
  }

  /** The next block. @throws MalformedError when it is cut short */
  next(): Uint8Array {
    const start = this.#position;
    const [b0, b1, b2, b3] = this.#take(4, start) as unknown as [number, number, number, number];
    return this.#take((b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0, start);
  }

  #take(length: number, start: number): Uint8Array {
    if (length > this.#remaining) {
      throw new MalformedError("snapshot.block", start, `needs ${length} bytes, ${this.#remaining} are there`);
    }
    this.#remaining -= length;
    this.#position += length;
    this.#skipEmpty();
    const chunk = this.#chunks[this.#chunk];
    if (chunk !== undefined && chunk.length - this.#offset >= length) {
      this.#offset += length;
      return chunk.subarray(this.#offset - length, this.#offset);
    }
    const joined = new Uint8Array(length);
    for (let filled = 0; filled < length; this.#skipEmpty()) {
      const part = this.#chunks[this.#chunk]!.subarray(this.#offset, this.#offset + length - filled);
      joined.set(part, filled);
      filled += part.length;
      this.#offset += part.length;
    }
    return joined;
  }

  #skipEmpty(): void {
    while (this.#chunk < this.#chunks.length && this.#offset === this.#chunks[this.#chunk]!.length) {
      this.#chunk++;
      this.#offset = 0;
    }
  }
}
