import { entryOf, type Entry } from "./entry.ts";
import { metaBytes, writeMeta } from "./meta.ts";
import { pageBytes, pageFlags, writePageHeader } from "./page.ts";
import { TreeBuilder, type Allocate, type PageRun } from "./tree-builder.ts";

/** What a bucket holds, by ascending key. Read twice: both times it must be the same. */
export interface Bucket {
  readonly name: string;
  readonly entries: () => AsyncIterable<readonly Entry[]> | Iterable<readonly Entry[]>;
}

/** The file begins with its meta, twice. */
const metaPages = 2;

export interface Database {
  readonly bytes: number;
  /** The file in pieces from its beginning, each a multiple of a page. May be read once. */
  readonly parts: AsyncIterable<Buffer>;
}

/**
 * Lays out a bbolt file of buckets, by ascending name, and writes it from its first byte to its last. The first page must
 * say where the last one is, so everything is measured first; in memory are the open pages alone.
 */
export async function writeDatabase(buckets: readonly Bucket[]): Promise<Database> {
  const measuring = runs(buckets);
  let measured = await measuring.next();
  while (measured.done !== true) measured = await measuring.next();
  const { root, highWater } = measured.value;
  return { bytes: highWater * pageBytes, parts: parts(buckets, root, highWater) };
}

async function* parts(buckets: readonly Bucket[], root: number, highWater: number): AsyncGenerator<Buffer> {
  yield metaPage(0, root, highWater);
  yield metaPage(1, root, highWater);
  let written = metaPages;
  for await (const run of runs(buckets)) {
    written += run.pages;
    yield run.write();
  }
  if (written !== highWater) throw new Error(`the buckets have changed: ${written} pages, measured were ${highWater}`);
}

/** The one in the first page is the newer one: transactions write to the two in turn. */
function metaPage(id: 0 | 1, root: number, highWater: number): Buffer {
  const page = Buffer.alloc(pageBytes);
  writePageHeader(page, { id, flags: pageFlags.meta, count: 0, overflow: 0 });
  writeMeta(page.subarray(0, metaBytes), { pageSize: pageBytes, root, highWater, transaction: BigInt(2 - id) });
  return page;
}

/** All pages behind the meta, in the order of their ids. Returns where the tree of all begins, and the end. */
async function* runs(
  buckets: readonly Bucket[],
): AsyncGenerator<PageRun, { readonly root: number; readonly highWater: number }> {
  let highWater = metaPages;
  let ready: PageRun[] = [];
  const allocate: Allocate = (make) => {
    const id = highWater;
    const run = make(id);
    ready.push(run);
    highWater += run.pages;
    return id;
  };
  const take = (): PageRun[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const all = new TreeBuilder(allocate, true);
  for (const { name, entries } of buckets) {
    const tree = new TreeBuilder(allocate);
    for await (const batch of entries()) {
      for (const entry of batch) tree.add(entry);
      yield* take();
    }
    all.add(entryOf(Buffer.from(name), tree.finishBucket()));
    yield* take();
  }
  const root = all.finish();
  yield* take();
  return { root, highWater };
}
