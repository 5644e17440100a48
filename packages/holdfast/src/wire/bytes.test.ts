import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { MalformedError } from "./malformed-error.ts";

const value = fc.oneof(
  fc.tuple(fc.constant("u8" as const), fc.nat(0xff)),
  fc.tuple(fc.constant("u32" as const), fc.nat(0xffff_ffff)),
  fc.tuple(fc.constant("u64" as const), fc.maxSafeNat()),
  fc.tuple(fc.constant("bigU64" as const), fc.bigInt(0n, 2n ** 64n - 1n)),
  fc.tuple(fc.constant("varint" as const), fc.oneof(fc.maxSafeNat(), fc.nat(300))),
  fc.tuple(fc.constant("sizedBytes" as const), fc.uint8Array()),
  fc.tuple(fc.constant("utf8" as const), fc.string({ unit: "grapheme", maxLength: 100 })),
  fc.tuple(fc.constant("latin1" as const), fc.string({ unit: fc.nat(0xff).map((c) => String.fromCharCode(c)) })),
);

function write(writer: ByteWriter, [method, content]: [string, unknown]): void {
  (writer[method as "varint"] as (content: unknown) => void).call(writer, content);
}

function read(reader: ByteReader, method: string): unknown {
  return reader[method as "varint"](method);
}

describe("ByteWriter and ByteReader", () => {
  it("give back what was written, and refuse every truncation", () => {
    fc.assert(
      fc.property(fc.array(value), fc.nat(), (values, cut) => {
        const writer = new ByteWriter(1);
        for (const each of values) write(writer, each);
        const reader = new ByteReader(writer.toBytes());
        expect(values.map(([method]) => read(reader, method))).toEqual(values.map(([, content]) => content));
        reader.end("values");
        if (writer.length === 0) return;
        const short = new ByteReader(writer.view().subarray(0, cut % writer.length));
        expect(() => values.map(([method]) => read(short, method))).toThrow(MalformedError);
      }),
    );
  });

  it.each([
    [0, [0]],
    [127, [127]],
    [128, [128, 1]],
    [300, [172, 2]],
    [2 ** 31 - 1, [255, 255, 255, 255, 7]],
    [2 ** 31, [128, 128, 128, 128, 8]],
    [2 ** 32, [128, 128, 128, 128, 16]],
    [Number.MAX_SAFE_INTEGER, [255, 255, 255, 255, 255, 255, 255, 15]],
  ])("varint %d", (number, bytes) => {
    const writer = new ByteWriter(1);
    writer.varint(number);
    expect([...writer.view()]).toEqual(bytes);
    expect(new ByteReader(writer.view()).varint("n")).toBe(number);
  });

  it.each<[string, number[], (reader: ByteReader) => unknown, string]>([
    ["a cut varint", [128, 128], (r) => r.varint("n"), "n at byte 0 needs 3 bytes, 2 are there"],
    ["a varint of nine bytes", Array(9).fill(128), (r) => r.varint("n"), "n at byte 0 must be a varint of at most 8"],
    ["a varint above 2^53", [...Array(7).fill(255), 16], (r) => r.varint("n"), "n at byte 0 must be at most 2^53 - 1"],
    ["a varint with needless bytes", [128, 0], (r) => r.varint("n"), "n at byte 0 must be a varint without leading"],
    ["a u64 above 2^53", Array(8).fill(255), (r) => r.u64("n"), "n at byte 0 must be at most 2^53 - 1"],
    ["a huge length", [255, 255, 255, 255, 15], (r) => r.sizedBytes("b"), "b at byte 5 needs 4294967295 bytes, 0 are"],
    ["a huge count", [200, 1, 0], (r) => r.count("c", 2), "c at byte 0 must be a count that fits in 1 bytes (got 200)"],
    ["bad UTF-8", [2, 0xc0, 0x80], (r) => r.utf8("t"), "t at byte 0 must be valid UTF-8"],
    ["left over bytes", [1, 2], (r) => r.end("message"), "message at byte 0 must end here (2 bytes more)"],
  ])("refuses %s", (_, bytes, read, message) => {
    expect(() => read(new ByteReader(Uint8Array.from(bytes)))).toThrow(message);
  });

  it.each<[string, (writer: ByteWriter) => void, string]>([
    ["a fraction", (w) => w.varint(0.5), "varint must be an integer from 0 to"],
    ["a negative number", (w) => w.u32(-1), "u32 must be an integer from 0 to 4294967295 (got -1)"],
    ["an unsafe integer", (w) => w.u64(2 ** 53), "u64 must be an integer from 0 to"],
    ["a wide bigint", (w) => w.bigU64(2n ** 64n), "bigU64 must be an integer from 0 to 2^64 - 1"],
    ["a wide character", (w) => w.latin1("→"), "latin1 must hold characters up to U+00FF only"],
    ["a patch beyond the end", (w) => w.setU32(0, 1), "setU32.at must be"],
  ])("does not write %s", (_, write, message) => {
    expect(() => write(new ByteWriter())).toThrow(message);
  });

  it("writes after clear without touching a copy made before", () => {
    const writer = new ByteWriter(4);
    writer.utf8("first");
    const first = writer.toBytes();
    writer.clear();
    writer.utf8("after");
    expect(new ByteReader(first).utf8("t")).toBe("first");
    expect(new ByteReader(writer.toBytes()).utf8("t")).toBe("after");
  });
});
