import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { framed, FramingError, MessageReader } from "./message-reader.ts";

const messagesOf = (reader: MessageReader): Buffer[] => {
  const found: Buffer[] = [];
  for (let next = reader.next(); next !== undefined; next = reader.next()) found.push(next);
  return found;
};

it("finds the same messages however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 20 })),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(framed));
        const reader = new MessageReader(20);
        const found: Buffer[] = [];
        for (let at = 0; at < bytes.length;) {
          const size = cuts.next().value as number;
          reader.add(bytes.subarray(at, at + size));
          found.push(...messagesOf(reader));
          at += size;
        }
        expect(found).toEqual(sent.map((message) => Buffer.from(message)));
        expect(reader.isWithinMessage).toBe(false);
      },
    ),
  );
});

it("refuses a message that says it is too long before its bytes come", () => {
  const reader = new MessageReader(10);
  reader.add(framed(Buffer.alloc(11)).subarray(0, 5));
  expect(() => reader.next()).toThrow("grpc: received message larger than max (11 vs. 10)");
});

it("refuses a compressed message", () => {
  const reader = new MessageReader(10);
  reader.add(Buffer.from([1, 0, 0, 0, 0]));
  expect(() => reader.next()).toThrow(FramingError);
});

it("knows that a message is not whole", () => {
  const reader = new MessageReader(10);
  reader.add(framed(Buffer.alloc(4)).subarray(0, 8));
  expect(reader.next()).toBeUndefined();
  expect(reader.isWithinMessage).toBe(true);
});
