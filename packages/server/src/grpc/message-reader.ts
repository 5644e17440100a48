import { Buffer } from "node:buffer";
import { grpcCode, type Status } from "./status-code.ts";

/** Before each message: a byte that says whether it is compressed, and its length (gRPC over HTTP/2, "Requests"). */
export const prefixBytes = 5;

/** The bytes of a call are no messages, or too long ones. */
export class FramingError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message);
    this.name = "FramingError";
    this.status = status;
  }
}

/** Cuts a stream of bytes into length-prefixed messages. */
export class MessageReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Of the message being read; undefined before its prefix is whole. */
  #length: number | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun and not ended. */
  get isWithinMessage(): boolean {
    return this.#buffered > 0 || this.#length !== undefined;
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /** The next whole message, undefined when its rest has not come yet. @throws FramingError */
  next(): Buffer | undefined {
    if (this.#length === undefined) {
      if (this.#buffered < prefixBytes) return undefined;
      this.#length = this.#readPrefix();
    }
    if (this.#buffered < this.#length) return undefined;
    const message = this.#take(this.#length);
    this.#length = undefined;
    return message;
  }

  #readPrefix(): number {
    const prefix = this.#take(prefixBytes);
    const length = prefix.readUInt32BE(1);
    if (prefix[0] !== 0) {
      const message = "grpc: compressed flag set with identity or empty encoding";
      throw new FramingError({ code: grpcCode.INTERNAL, message });
    }
    if (length > this.#maxBytes) {
      const message = `grpc: received message larger than max (${length} vs. ${this.#maxBytes})`;
      throw new FramingError({ code: grpcCode.RESOURCE_EXHAUSTED, message });
    }
    return length;
  }

  #take(length: number): Buffer {
    const [first] = this.#chunks;
    this.#buffered -= length;
    if (first === undefined || length === 0) return Buffer.alloc(0);
    if (first.length === length) {
      this.#chunks.shift();
      return first;
    }
    if (first.length > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  }
}

/** A message as it goes over the wire, uncompressed. */
export function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, prefixBytes);
  return bytes;
}
