import { InvalidArgumentError } from "../errors/base.ts";

const encoder = new TextEncoder();

/**
 * Writes binary values one after the other into a buffer that grows.
 *
 * Integers of fixed width are little-endian. A varint holds an integer from 0 to 2^53 - 1 in one to eight bytes, seven
 * bits each, the lowest first. Texts and sized bytes are a varint length, then the bytes.
 */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#buffer = new Uint8Array(initialBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    checkInteger("u8", value, 0xff);
    this.#grow(1);
    this.#buffer[this.#length++] = value;
  }

  u32(value: number): void {
    this.setU32(this.skip(4), value);
  }

  /** A safe integer in eight bytes. */
  u64(value: number): void {
    checkInteger("u64", value, Number.MAX_SAFE_INTEGER);
    this.u32(value % 0x1_0000_0000);
    this.u32(Math.floor(value / 0x1_0000_0000));
  }

  bigU64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
      throw new InvalidArgumentError("bigU64", "must be an integer from 0 to 2^64 - 1", value);
    }
    this.u32(Number(value & 0xffff_ffffn));
    this.u32(Number(value >> 32n));
  }

  varint(value: number): void {
    checkInteger("varint", value, Number.MAX_SAFE_INTEGER);
    this.#grow(8);
    let rest = value;
    // Bit operations see 32 bits only.
    while (rest > 0x7fff_ffff) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  /** Bytes as they are, without their length. */
  bytes(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A varint length, then the bytes. */
  sizedBytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  /** One byte a character. @throws InvalidArgumentError on a character above U+00FF */
  latin1(text: string): void {
    this.varint(text.length);
    this.#grow(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0xff) throw new InvalidArgumentError("latin1", "must hold characters up to U+00FF only", text);
      this.#buffer[this.#length + i] = unit;
    }
    this.#length += text.length;
  }

  /** A surrogate without its other half becomes U+FFFD, as everywhere in the platform's encoder. */
  utf8(text: string): void {
    if (text.length <= 64 && this.#shortAscii(text)) return;
    this.#grow(text.length * 3 + 8);
    // The length comes first and is known last: encode behind the widest possible one, then move up.
    const room = this.#length + 8;
    const { written } = encoder.encodeInto(text, this.#buffer.subarray(room));
    this.varint(written);
    this.#buffer.copyWithin(this.#length, room, room + written);
    this.#length += written;
  }

  /** Leaves `count` bytes to be filled in later, holding anything until then; returns where they start. */
  skip(count: number): number {
    this.#grow(count);
    const at = this.#length;
    this.#length += count;
    return at;
  }

  /** Fills in four bytes at `at`, which must have been written or skipped before. */
  setU32(at: number, value: number): void {
    checkInteger("u32", value, 0xffff_ffff);
    if (at + 4 > this.#length) throw new InvalidArgumentError("setU32.at", `must be <= ${this.#length - 4}`, at);
    this.#buffer[at] = value;
    this.#buffer[at + 1] = value >>> 8;
    this.#buffer[at + 2] = value >>> 16;
    this.#buffer[at + 3] = value >>> 24;
  }

  /** What was written, in place: good until the next write or `clear`. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written, exactly as large as it must be. */
  toBytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  /** Starts anew in the same buffer, or in a new one when it has grown beyond `keepBytes`. */
  clear(keepBytes: number = 1024 * 1024): void {
    this.#length = 0;
    if (this.#buffer.length > keepBytes) this.#buffer = new Uint8Array(256);
  }

  #shortAscii(text: string): boolean {
    this.#grow(text.length + 1);
    const start = this.#length + 1;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      this.#buffer[start + i] = unit;
    }
    this.#buffer[this.#length] = text.length;
    this.#length = start + text.length;
    return true;
  }

  #grow(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}

function checkInteger(name: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new InvalidArgumentError(name, `must be an integer from 0 to ${max}`, value);
  }
}
