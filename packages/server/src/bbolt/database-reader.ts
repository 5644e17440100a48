import { MalformedError } from "holdfast/wire";
import type { ByteSource } from "./byte-source.ts";
import { metaBytes, readMeta, type Meta } from "./meta.ts";
import { bucketHeaderBytes } from "./page.ts";
import { Page, readPage, type LeafElement } from "./page-reader.ts";

const pageSizes = [4096, 512, 1024, 2048, 8192, 16_384, 32_768, 65_536];

/** More than a tree of the largest file has. */
const maxDepth = 32;

/**
 * Reads a bbolt file that may be anything: every length, place and id is checked before it is followed, every key must be
 * above the one before it, and no more pages are read than there are. In memory are the pages from a root to a leaf.
 */
export class DatabaseReader {
  readonly #source: ByteSource;
  readonly #meta: Meta;
  #pagesRead = 0;

  /** @throws MalformedError when it is no such file, or cut short */
  constructor(source: ByteSource) {
    this.#source = source;
    this.#meta = metaOf(source);
  }

  /** The buckets of the file, by ascending name. @throws MalformedError */
  *buckets(): Generator<{ readonly name: string; readonly entries: () => Generator<LeafElement> }> {
    const root = this.#page(this.#meta.root);
    for (const { key, value, isBucket } of this.#walk(root)) {
      const name = key.toString("latin1");
      if (!isBucket || value.length < bucketHeaderBytes) {
        throw new MalformedError(
          "bucket",
          this.#meta.root * this.#meta.pageSize,
          `must be one: ${JSON.stringify(name)}`,
        );
      }
      yield { name, entries: () => this.#entries(name, value) };
    }
  }

  *#entries(name: string, bucket: Buffer): Generator<LeafElement> {
    const root = Number(bucket.readBigUInt64LE(0));
    // A small bucket lies where its name does.
    const page = root === 0 ? new Page(bucket.subarray(bucketHeaderBytes), 0) : this.#page(root);
    for (const element of this.#walk(page)) {
      if (element.isBucket) throw new MalformedError(`bucket ${name}`, 0, "must hold no other buckets");
      yield element;
    }
  }

  *#walk(root: Page): Generator<LeafElement> {
    let last: Buffer | undefined;
    const path = [{ page: root, at: 0 }];
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const { page } = step;
      if (step.at === page.count) {
        path.pop();
      } else if (!page.isLeaf) {
        if (path.length === maxDepth) throw new MalformedError("tree", 0, `must not be deeper than ${maxDepth} pages`);
        path.push({ page: this.#page(page.child(step.at++)), at: 0 });
      } else {
        const element = page.leafElement(step.at++);
        if (last !== undefined && Buffer.compare(last, element.key) >= 0) {
          throw new MalformedError("leaf.key", 0, "must be above the key before it");
        }
        last = element.key;
        yield element;
      }
    }
  }

  #page(id: number): Page {
    const { pageSize, highWater } = this.#meta;
    // A page that is reached twice would be read for ever.
    if (++this.#pagesRead > highWater) throw new MalformedError("tree", 0, "must reach each page once");
    return readPage(this.#source, id, pageSize, highWater);
  }
}

/** Whether the bytes begin as a bbolt file does. */
export function isDatabase(source: ByteSource): boolean {
  return newestMeta(source) !== undefined;
}

/** The newer of the two that are whole. */
function newestMeta(source: ByteSource): Meta | undefined {
  const first = metaAt(source, 0);
  const second = (first === undefined ? pageSizes : [first.pageSize])
    .map((pageSize) => metaAt(source, pageSize))
    .find((meta) => meta !== undefined);
  if (first === undefined || second === undefined) return first ?? second;
  return second.transaction > first.transaction ? second : first;
}

function metaOf(source: ByteSource): Meta {
  const newest = newestMeta(source);
  if (newest === undefined) throw new MalformedError("meta", 0, "must be that of a bbolt file, with its checksum");
  const { pageSize, root, highWater } = newest;
  if (!pageSizes.includes(pageSize)) throw new MalformedError("meta.pageSize", 0, `must be known (got ${pageSize})`);
  if (highWater * pageSize > source.bytes) {
    const rule = `must end before byte ${source.bytes} (got ${highWater} pages of ${pageSize} bytes)`;
    throw new MalformedError("meta.highWater", 0, rule);
  }
  if (!(root >= 2 && root < highWater)) throw new MalformedError("meta.root", 0, `must be a page (got ${root})`);
  return newest;
}

function metaAt(source: ByteSource, at: number): Meta | undefined {
  return at + metaBytes > source.bytes ? undefined : readMeta(source.read(at, metaBytes));
}
