import { MalformedError } from "./malformed-error.ts";

// A leading U+FEFF belongs to the text.
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads what a `ByteWriter` wrote. Nothing is read, copied or allocated beyond the bytes that are there: a length that
 * promises more is refused first. Every method names the field it reads in the `MalformedError` it throws.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where the next read starts. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(field: string): number {
    return this.#bytes[this.#take(1, field)]!;
  }

  u32(field: string): number {
    const at = this.#take(4, field);
    const bytes = this.#bytes;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** @throws MalformedError also for an integer above 2^53 - 1 */
  u64(field: string): number {
    const start = this.#offset;
    const low = this.u32(field);
    const value = this.u32(field) * 0x1_0000_0000 + low;
    if (!Number.isSafeInteger(value)) throw new MalformedError(field, start, "must be at most 2^53 - 1");
    return value;
  }

  bigU64(field: string): bigint {
    const low = BigInt(this.u32(field));
    return (BigInt(this.u32(field)) << 32n) | low;
  }

  /** @throws MalformedError also for an integer above 2^53 - 1 and for one with needless bytes */
  varint(field: string): number {
    const start = this.#offset;
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    for (let at = start; at < start + 8; at++) {
      if (at >= bytes.length) this.#refuse(field, at + 1 - start);
      const byte = bytes[at]!;
      value += (byte & 127) * scale;
      if (byte < 128) {
        // One encoding for each number: equal values have equal bytes and equal checksums.
        if (byte === 0 && at > start) throw new MalformedError(field, start, "must be a varint without leading zeros");
        if (!Number.isSafeInteger(value)) throw new MalformedError(field, start, "must be at most 2^53 - 1");
        this.#offset = at + 1;
        return value;
      }
      scale *= 128;
    }
    throw new MalformedError(field, start, "must be a varint of at most 8 bytes");
  }

  /** A varint of how many items follow, each at least `minItemBytes` long, so that the count may size an array. */
  count(field: string, minItemBytes: number): number {
    const start = this.#offset;
    const count = this.varint(field);
    if (count * minItemBytes > this.remaining) {
      throw new MalformedError(field, start, `must be a count that fits in ${this.remaining} bytes (got ${count})`);
    }
    return count;
  }

  /** The next `length` bytes, a view of what is being read. */
  bytes(length: number, field: string): Uint8Array {
    const at = this.#take(length, field);
    return this.#bytes.subarray(at, at + length);
  }

  /** A varint length, then that many bytes: a view of what is being read. */
  sizedBytes(field: string): Uint8Array {
    return this.bytes(this.varint(field), field);
  }

  latin1(field: string): string {
    const bytes = this.sizedBytes(field);
    let text = "";
    for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
    return text;
  }

  utf8(field: string): string {
    const start = this.#offset;
    const length = this.varint(field);
    const at = this.#take(length, field);
    if (length <= 24) {
      const text = this.#shortAscii(at, length);
      if (text !== undefined) return text;
    }
    try {
      return utf8Decoder.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw new MalformedError(field, start, "must be valid UTF-8");
    }
  }

  /** @throws MalformedError when bytes are left over */
  end(what: string): void {
    if (this.remaining > 0)
      throw new MalformedError(what, this.#offset, `must end here (${this.remaining} bytes more)`);
  }

  #shortAscii(at: number, length: number): string | undefined {
    let text = "";
    for (let i = at; i < at + length; i++) {
      const byte = this.#bytes[i]!;
      if (byte > 0x7f) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #take(count: number, field: string): number {
    const at = this.#offset;
    if (count > this.#bytes.length - at) this.#refuse(field, count);
    this.#offset = at + count;
    return at;
  }

  #refuse(field: string, count: number): never {
    throw new MalformedError(field, this.#offset, `needs ${count} bytes, ${this.remaining} are there`);
  }
}
