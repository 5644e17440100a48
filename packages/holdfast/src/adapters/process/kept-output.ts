import type { Readable } from "node:stream";

/** The end of what streams say, in bytes; whole characters only. */
export class KeptOutput {
  readonly #maxBytes: number;
  #kept: Buffer = Buffer.alloc(0);
  #dropped = 0;

  constructor(maxBytes: number, ...streams: readonly Readable[]) {
    this.#maxBytes = maxBytes;
    for (const stream of streams) this.follow(stream);
  }

  follow(stream: Readable): void {
    stream.on("data", (chunk: Buffer) => this.#add(chunk));
    // A pipe that breaks has said what it had to say.
    stream.on("error", () => undefined);
  }

  /** Bytes that were said before. */
  get droppedBytes(): number {
    return this.#dropped;
  }

  get text(): string {
    // The first bytes may be the rest of a character.
    const start = this.#dropped > 0 ? this.#kept.findIndex((byte) => (byte & 0xc0) !== 0x80) : 0;
    return this.#kept.subarray(Math.max(0, start)).toString("utf8");
  }

  get lastLine(): string {
    return (
      this.text
        .split("\n")
        .findLast((line) => line.trim() !== "")
        ?.trim() ?? ""
    );
  }

  #add(chunk: Buffer): void {
    const all = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    const excess = Math.max(0, all.length - this.#maxBytes);
    this.#dropped += excess;
    // A copy: a small rest must not hold a large chunk.
    this.#kept = excess === 0 ? all : Buffer.from(all.subarray(excess));
  }
}
