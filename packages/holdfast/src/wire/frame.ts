import { InvalidArgumentError } from "../errors/base.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./crc32c.ts";
import { MalformedError } from "./malformed-error.ts";

export interface FrameOptions {
  /** Whether a CRC-32C of the payload follows the length; both sides must agree. Default false. */
  readonly checksum?: boolean;
}

export interface FrameDecoderOptions extends FrameOptions {
  /** The largest payload that is accepted. Default 16 MiB. */
  readonly maxBytes?: number;
}

export const defaultMaxFrameBytes: number = 16 * 1024 * 1024;

/** A frame of its own: u32 length of the payload, u32 CRC-32C when asked for, payload. */
export function encodeFrame(payload: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const checksum = options.checksum ?? false;
  const frame = new Uint8Array(headerBytes(checksum) + payload.length);
  setU32(frame, 0, payload.length);
  if (checksum) setU32(frame, 4, crc32c(payload));
  frame.set(payload, headerBytes(checksum));
  return frame;
}

/** Starts a frame in a writer: what is written until `endFrame` is the payload. Returns what `endFrame` wants. */
export function beginFrame(writer: ByteWriter, options: FrameOptions = {}): number {
  return writer.skip(headerBytes(options.checksum ?? false));
}

/** Completes the frame that `beginFrame` started at `start`, with the same options. */
export function endFrame(writer: ByteWriter, start: number, options: FrameOptions = {}): void {
  const checksum = options.checksum ?? false;
  const payload = start + headerBytes(checksum);
  writer.setU32(start, writer.length - payload);
  if (checksum) writer.setU32(start + 4, crc32c(writer.view(), 0, payload));
}

/**
 * Takes a stream apart into frames, wherever it is cut.
 *
 * A payload that lies within one chunk is a view of that chunk: copy what outlives it. One that is spread over several
 * is put together in an array of its own, which grows with what has arrived, never with what a length promises.
 */
export class FrameDecoder {
  readonly #checksum: boolean;
  readonly #maxBytes: number;
  /** Header, and as much of the payload as has arrived, of a frame whose end is still to come. */
  #partial: Uint8Array = new Uint8Array(0);
  #partialLength = 0;
  /** Bytes of the stream before the chunk in hand. */
  #streamOffset = 0;
  #failure: MalformedError | undefined;

  constructor(options: FrameDecoderOptions = {}) {
    const { checksum = false, maxBytes = defaultMaxFrameBytes } = options;
    if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 0xffff_ffff) {
      throw new InvalidArgumentError("frameDecoder.maxBytes", "must be an integer from 1 to 2^32 - 1", maxBytes);
    }
    this.#checksum = checksum;
    this.#maxBytes = maxBytes;
  }

  /** Bytes held of a frame whose end is still to come; a stream that ends with some was cut. */
  get pendingBytes(): number {
    return this.#partialLength;
  }

  /**
   * Takes the next bytes of the stream and calls `onFrame`, which must not throw, with each payload they complete.
   *
   * @throws MalformedError on a payload above `maxBytes` or a wrong checksum; after one, always, as the stream is lost
   */
  push(chunk: Uint8Array, onFrame: (payload: Uint8Array) => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    const header = headerBytes(this.#checksum);
    let at = 0;
    if (this.#partialLength > 0) {
      at = this.#fill(chunk, 0, header);
      if (this.#partialLength < header) return this.#consumed(chunk);
      const total = header + this.#payloadLength(this.#partial, 0, this.#streamOffset + at - this.#partialLength);
      at = this.#fill(chunk, at, total);
      if (this.#partialLength < total) return this.#consumed(chunk);
      const frame = this.#partial.subarray(0, total);
      const start = this.#streamOffset + at - total;
      this.#partial = new Uint8Array(0);
      this.#partialLength = 0;
      onFrame(this.#payload(frame, 0, total, start));
    }
    while (chunk.length - at >= header) {
      const end = at + header + this.#payloadLength(chunk, at, this.#streamOffset + at);
      if (end > chunk.length) break;
      const payload = this.#payload(chunk, at, end, this.#streamOffset + at);
      at = end;
      onFrame(payload);
    }
    this.#fill(chunk, at, chunk.length - at);
    this.#consumed(chunk);
  }

  #consumed(chunk: Uint8Array): void {
    this.#streamOffset += chunk.length;
  }

  /** Appends to the partial frame from `chunk` at `at`, until it is `total` long or the chunk ends; returns where. */
  #fill(chunk: Uint8Array, at: number, total: number): number {
    const end = at + Math.min(chunk.length - at, Math.max(0, total - this.#partialLength));
    if (end === at) return at;
    const length = this.#partialLength + end - at;
    if (length > this.#partial.length) {
      const larger = new Uint8Array(Math.max(length, Math.min(total, this.#partial.length * 2)));
      larger.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = larger;
    }
    this.#partial.set(chunk.subarray(at, end), this.#partialLength);
    this.#partialLength = length;
    return end;
  }

  #payloadLength(bytes: Uint8Array, at: number, streamOffset: number): number {
    const length = getU32(bytes, at);
    if (length <= this.#maxBytes) return length;
    this.#failure = new MalformedError(
      "frame",
      streamOffset,
      `must be at most ${this.#maxBytes} bytes (got ${length})`,
    );
    throw this.#failure;
  }

  #payload(bytes: Uint8Array, at: number, end: number, streamOffset: number): Uint8Array {
    const start = at + headerBytes(this.#checksum);
    if (this.#checksum && getU32(bytes, at + 4) !== crc32c(bytes, 0, start, end)) {
      this.#failure = new MalformedError("frame", streamOffset, "must match its checksum");
      throw this.#failure;
    }
    return bytes.subarray(start, end);
  }
}

function headerBytes(checksum: boolean): number {
  return checksum ? 8 : 4;
}

function getU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function setU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
