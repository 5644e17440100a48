import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, MalformedError } from "../wire/index.ts";
import { type Entry, noData } from "./entry.ts";
import { decodeEntries, decodeEntry, encodeEntries, encodeEntry } from "./entry-codec.ts";

const batch: fc.Arbitrary<Entry[]> = fc
  .tuple(
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 }),
    fc.array(
      fc.record({
        term: fc.maxSafeNat(),
        kind: fc.constantFrom("noop", "command", "configuration", "omitted"),
        data: fc.uint8Array({ maxLength: 300 }),
      }),
      { maxLength: 20 },
    ),
  )
  .map(([first, entries]) => entries.map((entry, i) => ({ index: first + i, ...entry })));

function encoded(entries: readonly Entry[]): Uint8Array {
  const writer = new ByteWriter();
  encodeEntries(writer, entries);
  return writer.toBytes();
}

describe("entry codec", () => {
  it("gives back what was written, one by one and together", () => {
    fc.assert(
      fc.property(batch, (entries) => {
        const writer = new ByteWriter(1);
        for (const entry of entries) encodeEntry(writer, entry);
        const reader = new ByteReader(writer.view());
        expect(entries.map(() => decodeEntry(reader))).toEqual(entries);
        expect(reader.remaining).toBe(0);
        expect(decodeEntries(new ByteReader(encoded(entries)))).toEqual(entries);
      }),
    );
  });

  it("refuses every truncation and answers any bytes with entries or a MalformedError", () => {
    fc.assert(
      fc.property(batch, fc.nat(), (entries, cut) => {
        const bytes = encoded(entries);
        expect(() => decodeEntries(new ByteReader(bytes.subarray(0, cut % bytes.length)))).toThrow(MalformedError);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeEntries(new ByteReader(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
    );
  });

  it.each([
    ["an unknown kind", [9, 1, 1, 0], "entry.kind at byte 0 must be 0 to 3 (got 9)"],
    ["index 0", [0, 0, 1, 0], "entry.index at byte 1 must be at least 1 (got 0)"],
    ["data that is not there", [1, 1, 1, 200, 1, 7], "entry.data at byte 5 needs 200 bytes, 1 are there"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeEntry(new ByteReader(Uint8Array.from(bytes)))).toThrow(message);
  });

  it("refuses indexes that are not consecutive", () => {
    const entries: Entry[] = [5, 7].map((index) => ({ index, term: 1, kind: "noop", data: noData }));
    expect(() => decodeEntries(new ByteReader(encoded(entries)))).toThrow("must be 6, the next one (got 7)");
  });

  it("refuses a count that promises more than is there before it makes room for it", () => {
    const bytes = Uint8Array.from([255, 255, 255, 255, 127, 4, 0, 0, 0, 0, 1, 1, 0]);
    expect(() => decodeEntries(new ByteReader(bytes))).toThrow("entries.count at byte 0 must be a count that fits");
  });

  it("keeps alive its own batch only, not the buffer that was read", () => {
    const [entry] = decodeEntries(
      new ByteReader(encoded([{ index: 1, term: 1, kind: "command", data: Uint8Array.of(1, 2, 3) }])),
    );
    expect(entry!.data.buffer.byteLength).toBe(7);
  });
});
