import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../wire/index.ts";
import { beginRecord, endRecord, examineRecord, findLaterRecord, recordHeaderBytes } from "./log-record.ts";

const ordinal = 3;

function record(payload: Uint8Array, offset: number, sequence: number): Uint8Array {
  const writer = new ByteWriter();
  beginRecord(writer);
  writer.bytes(payload);
  return endRecord(writer, { ordinal, offset }, sequence).slice();
}

/** A segment of `size` bytes with zeros everywhere but for these bytes at their offsets. */
function segment(size: number, ...parts: [number, Uint8Array][]): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const [offset, part] of parts) bytes.set(part, offset);
  return bytes;
}

function sectorsOf(start: number, end: number): [number, number][] {
  const sectors: [number, number][] = [];
  for (let at = start; at < end;) {
    const next = Math.min(end, (Math.floor(at / 512) + 1) * 512);
    sectors.push([at, next]);
    at = next;
  }
  return sectors;
}

const contents: [string, (length: number) => Uint8Array][] = [
  ["different bytes", (length) => Uint8Array.from({ length }, (_, i) => (i * 31) % 251)],
  ["zeros", (length) => new Uint8Array(length)],
  ["sectors of one byte each", (length) => Uint8Array.from({ length }, (_, i) => Math.floor(i / 512))],
];

describe.each(contents)("a record of %s", (_, content) => {
  it.each([0, 1, 100, 480, 500, 511])("comes back from offset %d as it was, however large", (offset) => {
    for (const length of [0, 1, 447, 448, 449, 1000, 3000]) {
      const payload = content(length);
      const bytes = record(payload, offset, 9);
      const examined = examineRecord(segment(8192, [offset, bytes]), { ordinal, offset }, 9);
      expect(examined).toEqual({ kind: "whole", end: offset + bytes.length, payload });
    }
  });

  it("is unwritten when any of its sectors is, and only then", () => {
    for (const offset of [0, 70, 490, 511]) {
      const bytes = record(content(2500), offset, 9);
      const sectors = sectorsOf(offset, offset + bytes.length);
      for (let kept = 0; kept < 2 ** sectors.length; kept++) {
        const torn = segment(4096, [offset, bytes]);
        for (const [i, [start, end]] of sectors.entries()) if ((kept & (1 << i)) === 0) torn.fill(0, start, end);
        const expected = kept === 2 ** sectors.length - 1 ? "whole" : "unwritten";
        expect(examineRecord(torn, { ordinal, offset }, 9).kind).toBe(expected);
      }
    }
  });

  it("is unwritten when the file, or what was written, ends before it does", () => {
    const bytes = record(content(600), 70, 9);
    for (let size = 70; size < 70 + bytes.length; size++) {
      const cut = segment(4096, [70, bytes]).subarray(0, size);
      expect(examineRecord(cut, { ordinal, offset: 70 }, 9).kind).toBe("unwritten");
      expect(examineRecord(segment(4096, [0, cut]), { ordinal, offset: 70 }, 9).kind).toBe("unwritten");
    }
  });

  it("is damaged when any bit of it has turned", () => {
    const bytes = record(content(1200), 70, 9);
    for (let at = 70; at < 70 + bytes.length; at++) {
      const turned = segment(4096, [70, bytes]);
      turned[at]! ^= 1 << (at % 8);
      expect(examineRecord(turned, { ordinal, offset: 70 }, 9).kind).toBe("damaged");
    }
  });
});

describe("examineRecord", () => {
  it("takes free space for unwritten", () => {
    expect(examineRecord(new Uint8Array(4096), { ordinal, offset: 300 }, 1).kind).toBe("unwritten");
    expect(examineRecord(new Uint8Array(4096), { ordinal, offset: 4096 }, 1).kind).toBe("unwritten");
  });

  it("names a record that is not the next one", () => {
    const examined = examineRecord(segment(512, [0, record(Uint8Array.of(1), 0, 5)]), { ordinal, offset: 0 }, 7);
    expect(examined).toEqual({ kind: "damaged", reason: "record 7 should be here, not 5" });
  });

  it("does not know a record that belongs to another place", () => {
    const bytes = record(Uint8Array.of(1, 2, 3), 70, 5);
    expect(examineRecord(segment(512, [100, bytes]), { ordinal, offset: 100 }, 5).kind).toBe("damaged");
    expect(examineRecord(segment(512, [70, bytes]), { ordinal: ordinal + 1, offset: 70 }, 5).kind).toBe("damaged");
  });

  it("answers any bytes without a throw, and never with a record that was not written there", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(100), (bytes, offset) => {
        expect(examineRecord(bytes, { ordinal, offset: Math.min(offset, bytes.length) }, 1).kind).not.toBe("whole");
      }),
    );
  });
});

describe("findLaterRecord", () => {
  const first = record(new Uint8Array(600).fill(3), 64, 5);
  const second = record(new Uint8Array(600).fill(4), 64 + first.length, 6);
  const place = { ordinal, offset: 64 };

  it("finds the record behind a bad one, also when only its header is whole", () => {
    const bytes = segment(4096, [64, first], [64 + first.length, second]);
    bytes[80]! ^= 1;
    expect(findLaterRecord(bytes, place, 5)).toBe(64 + first.length);
    bytes.fill(0, 64 + first.length + recordHeaderBytes);
    expect(findLaterRecord(bytes, place, 5)).toBe(64 + first.length);
  });

  it("finds nothing in a record's own data, even when that is a record", () => {
    const inner = record(Uint8Array.of(1), 0, 99);
    const outer = record(segment(900, [200, inner]), 64, 5);
    expect(findLaterRecord(segment(4096, [64, outer]), place, 5)).toBeUndefined();
  });

  it("finds nothing in the record itself and in free space", () => {
    expect(findLaterRecord(segment(4096, [64, first]), place, 5)).toBeUndefined();
  });
});
