import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, MalformedError } from "../wire/index.ts";
import { decodeMessages, encodeMessages, sizeOf } from "./codec.ts";
import type { Message } from "./message.ts";

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const host = fc.constantFrom("127.0.0.1", "::1", "a.example", "h".repeat(255));
const port = fc.integer({ min: 1, max: 65_535 });
const seq = fc.nat(0xffff_ffff);
const incarnation = fc.oneof(fc.nat(3), fc.nat(2 ** 48 - 1));
const meta = fc.uint8Array({ maxLength: 512 });
const source = fc.record({ name, host, port });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const positive = fc.float({ min: 0, noNaN: true, noDefaultInfinity: true });
const coordinate = fc.record({
  vector: fc.array(float, { minLength: 8, maxLength: 8 }),
  height: positive,
  error: positive,
  adjustment: float,
});
const state = fc.constantFrom("alive" as const, "suspect" as const, "dead" as const, "left" as const);
const of = <Type extends string>(type: Type): fc.Arbitrary<Type> => fc.constant(type);

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: of("ping"), seq, target: name, source }),
  fc.record({
    type: of("pingReq"),
    seq,
    target: name,
    targetHost: host,
    targetPort: port,
    source,
    wantsNack: fc.boolean(),
  }),
  fc.record({ type: of("ack"), seq }),
  fc.record({ type: of("ack"), seq, coordinate }),
  fc.record({ type: of("nack"), seq }),
  fc.record({ type: of("alive"), name, host, port, meta, incarnation }),
  fc.record({ type: fc.constantFrom("suspect" as const, "dead" as const), name, incarnation, from: name }),
  fc.record({ type: fc.constantFrom("suspect" as const, "dead" as const), name: of("a"), incarnation, from: of("a") }),
  fc.record({ type: of("user"), id: name, payload: fc.uint8Array({ maxLength: 1000 }) }),
  fc.record({
    type: of("pushPull"),
    join: fc.boolean(),
    reply: fc.boolean(),
    members: fc.array(fc.record({ name, host, port, meta, incarnation, state }), { maxLength: 5 }),
  }),
);

function encode(messages: readonly Message[]): Uint8Array {
  const writer = new ByteWriter();
  encodeMessages(writer, messages);
  return writer.toBytes();
}

const never = (): never => {
  throw new Error("an unknown kind was found");
};

describe("messages", () => {
  it("come back as they were, in the size that was told", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
        const bytes = encode(messages);
        expect(decodeMessages(new ByteReader(bytes), "stream", never)).toEqual(messages);
        expect(messages.reduce((sum, each) => sum + sizeOf(each), 0)).toBe(bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  it("of any bytes are read whole or refused as malformed", () => {
    let read = 0;
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (valid, at, byte) => {
        const bytes = encode([valid]);
        bytes[at % bytes.length] = byte;
        try {
          for (const each of decodeMessages(new ByteReader(bytes), "stream", () => read++)) {
            expect(sizeOf(each)).toBeLessThanOrEqual(bytes.length);
            read++;
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(0);
  });

  it("are small: the sizes gossip is planned with", () => {
    const source = { name: "node-17", host: "10.0.0.17", port: 7946 };
    expect(sizeOf({ type: "ping", seq: 300, target: "node-18", source })).toBe(32);
    expect(sizeOf({ type: "ack", seq: 300 })).toBe(4);
    expect(sizeOf({ type: "suspect", name: "node-17", incarnation: 4, from: "node-18" })).toBe(19);
    expect(sizeOf({ type: "dead", name: "node-17", incarnation: 4, from: "node-17" })).toBe(12);
    expect(sizeOf({ type: "alive", ...source, meta: new Uint8Array(0), incarnation: 4 })).toBe(24);
  });
});
