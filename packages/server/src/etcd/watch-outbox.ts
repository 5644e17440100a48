import { Buffer } from "node:buffer";
import { ChunkPool } from "./chunk-pool.ts";
import type { StreamCall } from "./method.ts";
import type { FramedMessage } from "./watch-messages.ts";
import type { WireMessage } from "./wire-type.ts";

/** One answer that waits to be sent. What it says is not encoded before there is room for it. */
export interface Outgoing {
  message(): WireMessage;
  frame(): FramedMessage;
}

/** Written at once, at most; a longer message goes alone. */
const chunkBytes = 256 * 1024;
/** Smaller writes are not worth a chunk of the pool. They are larger than what a stream takes without being waited for. */
const leastPooledBytes = 64 * 1024;

const pool = new ChunkPool(chunkBytes, 32);

/** The answers of one watch stream, in order, sent in large pieces as fast as the caller takes them. */
export class WatchOutbox {
  readonly #call: StreamCall;
  readonly #onEmpty: () => void;
  readonly #queue: Outgoing[] = [];
  #scheduled = false;
  #blocked = false;
  /** Of the pool, on its way to the caller. */
  #underWay: Buffer | undefined;

  /** @param onEmpty called when all is sent and the caller can take more */
  constructor(call: StreamCall, onEmpty: () => void) {
    this.#call = call;
    this.#onEmpty = onEmpty;
  }

  push(outgoing: Outgoing): void {
    this.#queue.push(outgoing);
    if (this.#blocked || this.#scheduled) return;
    this.#scheduled = true;
    // What others are told at the same moment goes with it.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { sendFramed } = this.#call;
    while (this.#queue.length > 0) {
      const room =
        sendFramed === undefined ? this.#call.send(this.#queue.shift()!.message()) : sendFramed(this.#chunk());
      if (room !== undefined) return this.#waitFor(room);
    }
    this.#onEmpty();
  }

  #waitFor(room: Promise<void>): void {
    this.#blocked = true;
    const goOn = (): void => {
      // Of one who is gone, what was on its way may still be in the connection's hands, and nothing else is to be sent.
      if (this.#call.options.signal?.aborted === true) return;
      if (this.#underWay !== undefined) pool.giveBack(this.#underWay);
      this.#underWay = undefined;
      this.#blocked = false;
      this.#flush();
    };
    void room.then(goOn);
  }

  #chunk(): Buffer {
    const frames: FramedMessage[] = [];
    let size = 0;
    for (const outgoing of this.#queue) {
      const frame = outgoing.frame();
      if (frames.length > 0 && size + frame.size > chunkBytes) break;
      frames.push(frame);
      size += frame.size;
    }
    this.#queue.splice(0, frames.length);
    const chunk = this.#bufferOf(size);
    let at = 0;
    for (const frame of frames) {
      frame.write(chunk, at);
      at += frame.size;
    }
    return chunk;
  }

  #bufferOf(size: number): Buffer {
    if (size < leastPooledBytes || size > chunkBytes) return Buffer.allocUnsafe(size);
    this.#underWay = pool.take();
    return this.#underWay.subarray(0, size);
  }
}
