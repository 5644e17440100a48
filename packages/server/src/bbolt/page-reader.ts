import { MalformedError } from "holdfast/wire";
import type { ByteSource } from "./byte-source.ts";
import { bucketFlag, elementBytes, pageFlags, pageHeaderBytes, readPageHeader } from "./page.ts";

/** No value comes near it: etcd takes requests of 1.5 MiB. */
const maxRunBytes = 256 * 1024 * 1024;

export interface LeafElement {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly isBucket: boolean;
}

/** A page with its overflow, checked as far as a page can be alone; its elements are checked when they are asked for. */
export class Page {
  readonly isLeaf: boolean;
  readonly count: number;
  readonly #bytes: Buffer;
  /** In the file, for messages. */
  readonly #at: number;

  /** @throws MalformedError */
  constructor(bytes: Buffer, at: number) {
    const tooShort = bytes.length < pageHeaderBytes;
    if (tooShort) throw new MalformedError("page", at, `must have ${pageHeaderBytes} bytes (got ${bytes.length})`);
    const { flags, count } = readPageHeader(bytes);
    if (flags !== pageFlags.leaf && flags !== pageFlags.branch) {
      throw new MalformedError("page.flags", at, `must be those of a leaf or a branch (got ${flags})`);
    }
    if (pageHeaderBytes + count * elementBytes > bytes.length) {
      throw new MalformedError("page.count", at, `must fit into ${bytes.length} bytes (got ${count})`);
    }
    this.isLeaf = flags === pageFlags.leaf;
    if (!this.isLeaf && count === 0) throw new MalformedError("page.count", at, "must not be 0 in a branch");
    this.count = count;
    this.#bytes = bytes;
    this.#at = at;
  }

  /** @throws MalformedError */
  leafElement(at: number): LeafElement {
    const element = pageHeaderBytes + at * elementBytes;
    const flags = this.#bytes.readUInt32LE(element);
    if (flags !== 0 && flags !== bucketFlag) {
      throw new MalformedError("leaf.flags", this.#at + element, `must be 0 or ${bucketFlag} (got ${flags})`);
    }
    const start = element + this.#bytes.readUInt32LE(element + 4);
    const keyBytes = this.#bytes.readUInt32LE(element + 8);
    const valueBytes = this.#bytes.readUInt32LE(element + 12);
    this.#check("leaf", element, start, keyBytes + valueBytes);
    if (keyBytes === 0) throw new MalformedError("leaf.key", this.#at + element, "must not be empty");
    return {
      key: this.#bytes.subarray(start, start + keyBytes),
      value: this.#bytes.subarray(start + keyBytes, start + keyBytes + valueBytes),
      isBucket: flags === bucketFlag,
    };
  }

  /** The page below. @throws MalformedError */
  child(at: number): number {
    const element = pageHeaderBytes + at * elementBytes;
    this.#check("branch", element, element + this.#bytes.readUInt32LE(element), this.#bytes.readUInt32LE(element + 4));
    return Number(this.#bytes.readBigUInt64LE(element + 8));
  }

  #check(what: string, element: number, start: number, length: number): void {
    const behindElements = pageHeaderBytes + this.count * elementBytes;
    if (start >= behindElements && start + length <= this.#bytes.length) return;
    const rule = `must lie behind the elements and before the end of its page (got ${start} to ${start + length})`;
    throw new MalformedError(what, this.#at + element, rule);
  }
}

/** Reads the page `id` with its overflow. @throws MalformedError */
export function readPage(source: ByteSource, id: number, pageSize: number, highWater: number): Page {
  // The first two are the file's meta. What is not a number is not below anything.
  if (!(id >= 2 && id < highWater)) {
    throw new MalformedError("page.id", 0, `must be from 2 to ${highWater - 1} (got ${id})`);
  }
  const at = id * pageSize;
  const header = readPageHeader(source.read(at, pageHeaderBytes));
  if (header.id !== id) throw new MalformedError("page.id", at, `must be ${id} (got ${header.id})`);
  const pages = header.overflow + 1;
  if (id + pages > highWater || pages * pageSize > maxRunBytes) {
    throw new MalformedError("page.overflow", at, `must end before page ${highWater} (got ${header.overflow})`);
  }
  return new Page(source.read(at, pages * pageSize), at);
}
