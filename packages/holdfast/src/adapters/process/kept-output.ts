import type { Readable } from "node:stream";
import { setImmediate as afterInput, setTimeout as delay } from "node:timers/promises";

const quietMs = 200;

/** The end of what streams say, in bytes; whole characters only. */
export class KeptOutput {
  readonly #maxBytes: number;
  readonly #open = new Set<Readable>();
  #bytes = 0;
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
    this.#open.add(stream);
    stream.once("close", () => this.#open.delete(stream));
  }

  /**
   * Resolves when whoever wrote has ended and everything that it said has come: the streams that are followed have closed,
   * or nothing comes any more, where something that it left behind holds them open.
   */
  async ended(): Promise<void> {
    const streams = [...this.#open];
    const closed = Promise.all(
      streams.map((stream) => new Promise<void>((resolve) => stream.once("close", () => resolve()))),
    ).then(() => true);
    for (let before = -1; before !== this.#bytes;) {
      before = this.#bytes;
      if (await Promise.race([closed, delay(quietMs, false, { ref: false })])) return;
      // On a busy machine, what came meanwhile is read only after the timers.
      await afterInput();
    }
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
    this.#bytes += chunk.length;
    const all = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    const excess = Math.max(0, all.length - this.#maxBytes);
    this.#dropped += excess;
    // A copy: a small rest must not hold a large chunk.
    this.#kept = excess === 0 ? all : Buffer.from(all.subarray(excess));
  }
}
