import * as fc from "fast-check";
import { MalformedError } from "holdfast/wire";
import { describe, expect, it } from "vitest";
import { bytesOf } from "./byte-source.ts";
import { DatabaseReader, isDatabase } from "./database-reader.ts";
import { writeDatabase } from "./database-writer.ts";
import { entryOf } from "./entry.ts";
import { metaBytes, writeMeta } from "./meta.ts";
import { pageBytes, pageFlags, readPageHeader } from "./page.ts";

/** Text of one code unit a byte, so that the order of strings is that of the bytes. */
type Contents = Readonly<Record<string, readonly (readonly [key: string, value: string])[]>>;

async function written(contents: Contents, batch = 3): Promise<Buffer> {
  const buckets = Object.entries(contents).map(([name, pairs]) => ({
    name,
    *entries() {
      const entries = pairs.map(([key, value]) => entryOf(Buffer.from(key, "latin1"), Buffer.from(value, "latin1")));
      for (let at = 0; at < entries.length; at += batch) yield entries.slice(at, at + batch);
    },
  }));
  const { bytes, parts } = await writeDatabase(buckets);
  const all = Buffer.concat(await Array.fromAsync(parts));
  expect(all.length).toBe(bytes);
  return all;
}

function read(bytes: Buffer): Contents {
  const contents: Record<string, [string, string][]> = {};
  for (const { name, entries } of new DatabaseReader(bytesOf(bytes)).buckets()) {
    contents[name] = Array.from(entries(), ({ key, value }) => [key.toString("latin1"), value.toString("latin1")]);
  }
  return contents;
}

/** Keys that count up, with values of these sizes. */
function counted(sizes: readonly number[], keyBytes = 17): [string, string][] {
  return sizes.map((size, at) => [String(at).padStart(keyBytes, "0"), String.fromCharCode(at % 256).repeat(size)]);
}

function evenly(count: number, size: number): [string, string][] {
  return counted(Array.from({ length: count }, () => size));
}

/** Every page of the file, as the headers tell when read one after the other. */
function pagesOf(bytes: Buffer): ReturnType<typeof readPageHeader>[] {
  const pages: ReturnType<typeof readPageHeader>[] = [];
  for (let at = 0; at < bytes.length;) {
    const header = readPageHeader(bytes.subarray(at));
    expect(header.id).toBe(at / pageBytes);
    pages.push(header);
    at += (header.overflow + 1) * pageBytes;
  }
  return pages;
}

const text = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const sizes = fc.oneof(
  { weight: 20, arbitrary: fc.nat(60) },
  { weight: 3, arbitrary: fc.nat(5000) },
  { weight: 1, arbitrary: fc.constantFrom(4039, 4040, 4041, 8136, 100_000) },
);
const bucket = fc
  .tuple(
    fc.uniqueArray(
      text.filter((key) => key !== ""),
      { maxLength: 400, size: "max" },
    ),
    fc.array(sizes, { minLength: 1, maxLength: 50 }),
    fc.constantFrom(0, 0, 0, 900, 3000),
  )
  .map(([keys, lengths, padding]) =>
    keys
      .sort((left, right) => (left < right ? -1 : 1))
      .map((key, at) => [key + "~".repeat(padding), "v".repeat(lengths[at % lengths.length]!)] as const)
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );

describe("a bbolt file", () => {
  it("gives back what was written, whatever the sizes", async () => {
    await fc.assert(
      fc.asyncProperty(bucket, bucket, fc.integer({ min: 1, max: 500 }), async (one, two, batch) => {
        const contents = { a: one, b: [], c: two };
        const bytes = await written(contents, batch);
        expect(read(bytes)).toEqual(contents);
        pagesOf(bytes);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ["nothing", []],
    ["one entry", evenly(1, 5)],
    ["what just fits into the value that names the bucket", counted([1024 - 16 - 16 - 17])],
    ["what does not", counted([1024 - 16 - 16 - 17 + 1])],
    ["a page that is just full", counted([4096 - 16 - 16 - 17])],
    ["one byte more", counted([4096 - 16 - 16 - 17 + 1])],
    ["a value of a megabyte between small ones", counted([3, 1_000_000, 3])],
    ["branches of branches", evenly(20_000, 40)],
  ] as [string, [string, string][]][])("holds %s", async (_, pairs) => {
    const bytes = await written({ bucket: pairs }, 256);
    expect(read(bytes)).toEqual({ bucket: pairs });
    for (const { flags, count } of pagesOf(bytes)) if (flags === pageFlags.branch) expect(count).toBeGreaterThan(1);
  });

  it("has a tree of three levels where there is that much", async () => {
    const pages = pagesOf(await written({ bucket: evenly(20_000, 40) }, 256));
    const branches = pages.filter(({ flags }) => flags === pageFlags.branch).length;
    expect(pages.length).toBeGreaterThan(350);
    expect(branches).toBeGreaterThan(3);
  });

  it("says when what it holds changes while it is written", async () => {
    let asked = 0;
    const entries = (): ReturnType<typeof entryOf>[][] => [
      evenly(100 * ++asked, 50).map(([key, value]) => entryOf(Buffer.from(key), Buffer.from(value))),
    ];
    const { parts } = await writeDatabase([{ name: "a", entries }]);
    await expect(Array.fromAsync(parts)).rejects.toThrow("the buckets have changed");
  });
});

describe("a bbolt file that is none, or damaged", () => {
  const metaAt = (bytes: Buffer, meta: Partial<Parameters<typeof writeMeta>[1]>, at = 0): Buffer => {
    const whole = { pageSize: pageBytes, root: bytes.length / pageBytes - 1, highWater: bytes.length / pageBytes };
    writeMeta(bytes.subarray(at, at + metaBytes), { ...whole, transaction: 9n, ...meta });
    return bytes;
  };

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ["empty", () => Buffer.alloc(0), /^meta at byte 0 must be that of a bbolt file/],
    ["something else", () => Buffer.alloc(9000, "SQLite format 3"), /^meta at byte 0/],
    [
      "cut short",
      (bytes) => bytes.subarray(0, -1),
      /^meta.highWater at byte 0 must end before byte \d+ \(got \d+ pages/,
    ],
    ["without a root", (bytes) => metaAt(bytes, { root: 10_000 }), /^meta.root/],
    ["of pages of an unknown size", (bytes) => metaAt(bytes, { pageSize: 100 }), /^meta.pageSize/],
    ["beyond all bounds", (bytes) => metaAt(bytes, { highWater: 2 ** 60 }), /^meta.highWater/],
    [
      "without its last page",
      (bytes) => bytes.fill(0, bytes.length - pageBytes),
      /^page.id at byte \d+ must be \d+ \(got 0\)/,
    ],
    ["a page of meta for a root", (bytes) => metaAt(bytes, { root: 1 }), /^meta.root/],
    [
      "another kind of page for a root",
      (bytes) => {
        bytes.writeUInt16LE(16, bytes.length - pageBytes + 8);
        return bytes;
      },
      /^page.flags/,
    ],
    [
      "with too many elements",
      (bytes) => {
        bytes.writeUInt16LE(60_000, bytes.length - pageBytes + 10);
        return bytes;
      },
      /^page.count/,
    ],
    [
      "with a page that does not end",
      (bytes) => {
        bytes.writeUInt32LE(2 ** 31, bytes.length - pageBytes + 12);
        return bytes;
      },
      /^page.overflow/,
    ],
    [
      "with an element outside its page",
      (bytes) => {
        bytes.writeUInt32LE(2 ** 32 - 1, bytes.length - pageBytes + 20);
        return bytes;
      },
      /^leaf at byte/,
    ],
    [
      "with an element over the others",
      (bytes) => {
        bytes.writeUInt32LE(0, bytes.length - pageBytes + 20);
        return bytes;
      },
      /^leaf at byte/,
    ],
    [
      "with a value too long",
      (bytes) => {
        bytes.writeUInt32LE(2 ** 31, bytes.length - pageBytes + 28);
        return bytes;
      },
      /^leaf at byte/,
    ],
  ])("is refused when it is %s", async (_, damage, message) => {
    const bytes = damage(await written({ bucket: evenly(100, 100) }));
    expect(() => read(bytes)).toThrow(message);
    expect(() => read(bytes)).toThrow(MalformedError);
  });

  it("is read by the other meta when one is damaged", async () => {
    const contents = { bucket: evenly(100, 100) };
    for (const at of [0, pageBytes]) {
      const bytes = await written(contents);
      bytes.fill(0, at, at + metaBytes);
      expect(read(bytes)).toEqual(contents);
    }
    expect(isDatabase(bytesOf(Buffer.alloc(9000)))).toBe(false);
  });

  it("does not go round in circles", async () => {
    const bytes = await written({ bucket: evenly(2000, 100) });
    const branch = pagesOf(bytes).find(({ flags }) => flags === pageFlags.branch)!;
    // The first child of the bucket's root is the root.
    bytes.writeBigUInt64LE(BigInt(branch.id), branch.id * pageBytes + 16 + 8);
    expect(() => read(bytes)).toThrow(/^tree at byte 0 must/);
    // The second child is the first.
    bytes.writeBigUInt64LE(2n, branch.id * pageBytes + 16 + 8);
    bytes.writeBigUInt64LE(2n, branch.id * pageBytes + 32 + 8);
    expect(() => read(bytes)).toThrow(/^leaf.key at byte 0 must be above/);
  });

  it("whatever changes in it, is read or refused and nothing else", async () => {
    const whole = await written({ alarm: [], big: counted([5, 9000, 5]), keys: evenly(1500, 60), small: evenly(3, 9) });
    const places = [0, pageBytes, ...pagesOf(whole).map(({ id }) => id * pageBytes)];
    let refused = 0;
    const change = fc.record({
      page: fc.nat(places.length - 1),
      // Most of it in headers and elements.
      at: fc.oneof(fc.nat(15), fc.nat(80), fc.nat(pageBytes - 1)),
      byte: fc.nat(255),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.option(fc.nat(whole.length)), (changes, end) => {
        const bytes = Buffer.from(whole);
        for (const { page, at, byte } of changes) bytes[places[page]! + at] = byte;
        try {
          read(end === null ? bytes : bytes.subarray(0, end));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
          refused++;
        }
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});
