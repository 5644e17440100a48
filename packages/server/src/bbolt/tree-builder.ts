import type { Entry } from "./entry.ts";
import {
  bucketFlag,
  bucketHeaderBytes,
  elementBytes,
  pageBytes,
  pageFlags,
  pageHeaderBytes,
  writePageHeader,
} from "./page.ts";

/** A page with its overflow, of which the place is known: to be written now, or only counted. */
export interface PageRun {
  readonly pages: number;
  write(): Buffer;
}

/** Gives a run its place in the file. */
export type Allocate = (run: (id: number) => PageRun) => number;

/** bbolt keeps a bucket in the value that names it up to this size. */
const maxInlineBytes = pageBytes / 4;
/** When a branch is closed, its last child begins the next one: so each has two at least. */
const minChildren = 3;

interface Child {
  readonly first: Entry;
  readonly id: number;
}

/** An open page. */
interface Draft<T> {
  items: T[];
  bytes: number;
}

/**
 * Builds the tree of one bucket from its leaves up, from entries in ascending order of key, and lets go of each page when
 * it is full: in memory is one open page a level.
 */
export class TreeBuilder {
  readonly #allocate: Allocate;
  readonly #leafFlag: number;
  #leaf: Draft<Entry> = emptyDraft();
  /** The lowest first. */
  readonly #branches: Draft<Child>[] = [];

  /** @param ofBuckets whether the entries are buckets: values as `bucketEntry` makes them */
  constructor(allocate: Allocate, ofBuckets: boolean = false) {
    this.#allocate = allocate;
    this.#leafFlag = ofBuckets ? bucketFlag : 0;
  }

  add(entry: Entry): void {
    const bytes = elementBytes + entry.keyBytes + entry.valueBytes;
    if (this.#leaf.items.length > 0 && this.#leaf.bytes + bytes > pageBytes) this.#addChild(0, this.#closeLeaf());
    this.#leaf.items.push(entry);
    this.#leaf.bytes += bytes;
  }

  /** Closes what is open. Gives the page where the tree begins. */
  finish(): number {
    const branches = this.#branches;
    if (branches.length === 0) return this.#closeLeaf().id;
    this.#addChild(0, this.#closeLeaf());
    for (let level = 0; level < branches.length - 1; level++) this.#addChild(level + 1, this.#closeBranch(level));
    return this.#closeBranch(branches.length - 1).id;
  }

  /** As `finish`; but gives the value that stands for the bucket, which holds all of it when that is little. */
  finishBucket(): Buffer {
    const { bytes } = this.#leaf;
    const isInline = this.#branches.length === 0 && bytes <= maxInlineBytes;
    const value = Buffer.alloc(bucketHeaderBytes + (isInline ? bytes : 0));
    if (isInline) writeLeaf(value.subarray(bucketHeaderBytes), 0, this.#leaf.items, this.#leafFlag);
    else value.writeBigUInt64LE(BigInt(this.finish()));
    return value;
  }

  #addChild(level: number, child: Child): void {
    const branch = (this.#branches[level] ??= emptyDraft());
    const bytes = elementBytes + child.first.keyBytes;
    if (branch.items.length >= minChildren && branch.bytes + bytes > pageBytes) {
      const last = branch.items.pop()!;
      this.#addChild(level + 1, this.#closeBranch(level));
      this.#addChild(level, last);
    }
    const open = this.#branches[level];
    open.items.push(child);
    open.bytes += bytes;
  }

  #closeLeaf(): Child {
    const { items, bytes } = this.#leaf;
    this.#leaf = emptyDraft();
    const id = this.#allocate((place) => pageRun(bytes, (target) => writeLeaf(target, place, items, this.#leafFlag)));
    return { first: items[0]!, id };
  }

  #closeBranch(level: number): Child {
    const { items } = this.#branches[level]!;
    const bytes = items.reduce((sum, { first }) => sum + elementBytes + first.keyBytes, pageHeaderBytes);
    this.#branches[level] = emptyDraft();
    const id = this.#allocate((place) => pageRun(bytes, (target) => writeBranch(target, place, items)));
    return { first: items[0]!.first, id };
  }
}

function emptyDraft<T>(): Draft<T> {
  return { items: [], bytes: pageHeaderBytes };
}

function pageRun(bytes: number, fill: (target: Buffer) => void): PageRun {
  const pages = Math.ceil(bytes / pageBytes);
  return {
    pages,
    write() {
      const target = Buffer.alloc(pages * pageBytes);
      fill(target);
      return target;
    },
  };
}

function writeLeaf(target: Buffer, id: number, entries: readonly Entry[], flag: number): void {
  const overflow = Math.max(0, Math.ceil(target.length / pageBytes) - 1);
  writePageHeader(target, { id, flags: pageFlags.leaf, count: entries.length, overflow });
  let element = pageHeaderBytes;
  let data = element + entries.length * elementBytes;
  for (const entry of entries) {
    target.writeUInt32LE(flag, element);
    // Counted from the element itself.
    target.writeUInt32LE(data - element, element + 4);
    target.writeUInt32LE(entry.keyBytes, element + 8);
    target.writeUInt32LE(entry.valueBytes, element + 12);
    entry.write(target, data);
    data += entry.keyBytes + entry.valueBytes;
    element += elementBytes;
  }
}

function writeBranch(target: Buffer, id: number, children: readonly Child[]): void {
  writePageHeader(target, {
    id,
    flags: pageFlags.branch,
    count: children.length,
    overflow: target.length / pageBytes - 1,
  });
  let element = pageHeaderBytes;
  let data = element + children.length * elementBytes;
  for (const { first, id: child } of children) {
    target.writeUInt32LE(data - element, element);
    target.writeUInt32LE(first.keyBytes, element + 4);
    target.writeBigUInt64LE(BigInt(child), element + 8);
    first.writeKey(target, data);
    data += first.keyBytes;
    element += elementBytes;
  }
}
