import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "./byte-writer.ts";
import { beginFrame, encodeFrame, endFrame, FrameDecoder } from "./frame.ts";
import { MalformedError } from "./malformed-error.ts";

function decode(decoder: FrameDecoder, chunks: readonly Uint8Array[]): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (const chunk of chunks) decoder.push(chunk, (payload) => payloads.push(payload.slice()));
  return payloads;
}

function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut));
}

describe.each([false, true])("frames, checksum %s", (checksum) => {
  it("come out as they went in, wherever the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), fc.array(fc.nat()), (payloads, cuts) => {
        const writer = new ByteWriter(1);
        for (const payload of payloads) {
          const start = beginFrame(writer, { checksum });
          writer.bytes(payload);
          endFrame(writer, start, { checksum });
        }
        const stream = writer.toBytes();
        expect(stream).toEqual(Uint8Array.from(payloads.flatMap((each) => [...encodeFrame(each, { checksum })])));
        const decoder = new FrameDecoder({ checksum });
        expect(decode(decoder, cutAt(stream, cuts))).toEqual(payloads);
        expect(decoder.pendingBytes).toBe(0);
        const bytewise = new FrameDecoder({ checksum });
        expect(decode(bytewise, cutAt(stream, [...stream.keys()]))).toEqual(payloads);
      }),
    );
  });

  it("refuse a payload above the limit and stay refused", () => {
    const decoder = new FrameDecoder({ checksum, maxBytes: 10 });
    const good = encodeFrame(new Uint8Array(10), { checksum });
    expect(decode(decoder, [good])).toHaveLength(1);
    const bad = encodeFrame(new Uint8Array(11), { checksum });
    const message = `frame at byte ${good.length} must be at most 10 bytes (got 11)`;
    expect(() => decode(decoder, cutAt(bad, [...bad.keys()]))).toThrow(message);
    expect(() => decode(decoder, [good])).toThrow(message);
  });

  it("do not make room for bytes that a length only promises", () => {
    const decoder = new FrameDecoder({ checksum });
    const cut = encodeFrame(new Uint8Array(1_000_000), { checksum }).subarray(0, 100);
    expect(decode(decoder, [cut])).toEqual([]);
    expect(decoder.pendingBytes).toBe(100);
  });
});

describe("FrameDecoder", () => {
  it("gives a view of the chunk when a frame lies within it", () => {
    const chunk = encodeFrame(Uint8Array.of(1, 2, 3));
    new FrameDecoder().push(chunk, (payload) => expect(payload.buffer).toBe(chunk.buffer));
    expect.assertions(1);
  });

  it("finds every changed byte of a payload by its checksum", () => {
    const frame = encodeFrame(
      Uint8Array.from({ length: 40 }, (_, i) => i),
      { checksum: true },
    );
    for (let at = 4; at < frame.length; at++) {
      const changed = frame.slice();
      changed[at]! ^= 0x10;
      const decoder = new FrameDecoder({ checksum: true });
      expect(() => decode(decoder, [changed.subarray(0, 20), changed.subarray(20)])).toThrow(MalformedError);
    }
  });

  it("names a limit that makes no sense", () => {
    expect(() => new FrameDecoder({ maxBytes: 0 })).toThrow("frameDecoder.maxBytes must be an integer from 1");
  });
});
