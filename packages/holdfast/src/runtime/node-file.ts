import { close, fdatasync, fstat, ftruncate, read, writev } from "node:fs";
import { platformError } from "./platform-error.ts";
import type { DiskFile } from "./runtime.ts";

/** What one writev takes (IOV_MAX). */
const partsPerCall = 1024;

/** An open file descriptor. */
export class NodeFile implements DiskFile {
  #descriptor: number | undefined;
  readonly #syncsWrites: boolean;

  /** `syncsWrites`: every write is followed by a sync. */
  constructor(descriptor: number, syncsWrites: boolean) {
    this.#descriptor = descriptor;
    this.#syncsWrites = syncsWrites;
  }

  size(): Promise<number> {
    return new Promise((done, fail) => {
      fstat(this.#open("fstat"), (error, stats) => (error === null ? done(stats.size) : fail(error)));
    });
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    // No pool: the array belongs to the caller, memory and all.
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const count = await new Promise<number>((done, fail) => {
        read(this.#open("read"), buffer, filled, length - filled, offset + filled, (error, bytesRead) =>
          error === null ? done(bytesRead) : fail(error),
        );
      });
      if (count === 0) break;
      filled += count;
    }
    return new Uint8Array(buffer.buffer, 0, filled);
  }

  async write(offset: number, parts: readonly Uint8Array[]): Promise<void> {
    let remaining = parts.filter((part) => part.byteLength > 0);
    let position = offset;
    while (remaining.length > 0) {
      const written = await this.#writeSome(position, remaining.slice(0, partsPerCall));
      position += written;
      remaining = withoutFirst(remaining, written);
    }
    if (this.#syncsWrites) await this.sync();
  }

  truncate(size: number): Promise<void> {
    return new Promise((done, fail) => {
      ftruncate(this.#open("ftruncate"), size, (error) => (error === null ? done() : fail(error)));
    });
  }

  sync(): Promise<void> {
    return new Promise((done, fail) => {
      fdatasync(this.#open("fdatasync"), (error) => (error === null ? done() : fail(error)));
    });
  }

  close(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor === undefined) return Promise.resolve();
    return new Promise((done, fail) => {
      close(descriptor, (error) => (error === null || error === undefined ? done() : fail(error)));
    });
  }

  #writeSome(position: number, parts: Uint8Array[]): Promise<number> {
    return new Promise((done, fail) => {
      writev(this.#open("writev"), parts, position, (error, written) => (error === null ? done(written) : fail(error)));
    });
  }

  /** The number may belong to another file as soon as this one is closed. */
  #open(syscall: string): number {
    if (this.#descriptor === undefined) throw platformError("EBADF", syscall, "a closed file");
    return this.#descriptor;
  }
}

function withoutFirst(parts: Uint8Array[], byteLength: number): Uint8Array[] {
  let skip = byteLength;
  let index = 0;
  for (; index < parts.length; index++) {
    const part = parts[index] as Uint8Array;
    if (skip < part.byteLength) break;
    skip -= part.byteLength;
  }
  const rest = parts.slice(index);
  const first = rest[0];
  if (first !== undefined && skip > 0) rest[0] = first.subarray(skip);
  return rest;
}
