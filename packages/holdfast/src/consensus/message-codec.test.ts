import {
  array,
  assert,
  boolean,
  constant,
  integer,
  maxSafeNat,
  nat,
  oneof,
  option,
  property,
  record,
  string,
  tuple,
  uint8Array,
  uniqueArray,
  type Arbitrary,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter, MalformedError } from "../wire/index.ts";
import type { Entry } from "./entry.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import type { PeerMessage } from "./peer-message.ts";
import { configurationOf } from "./configuration.ts";

const [from, to] = [7, 9];
const index = maxSafeNat();
const bytes = uint8Array({ maxLength: 40 });
const snapshot = record({
  index,
  term: index,
  configuration: uniqueArray(integer({ min: 1, max: 2 ** 53 - 1 }), { maxLength: 7 }).map((voters) =>
    configurationOf(voters),
  ),
});
const entries = tuple(
  integer({ min: 1, max: 2 ** 50 }),
  array(record({ term: index, data: bytes }), { maxLength: 6 }),
).map(([first, list]) => list.map((one, at): Entry => ({ index: first + at, kind: "command", ...one })));

/** Every kind that travels, with what it carries. */
const kinds = {
  requestVote: { preVote: boolean(), leadershipTransfer: boolean(), lastIndex: index, lastTerm: index },
  voteResult: { preVote: boolean(), granted: boolean() },
  append: { previousIndex: index, previousTerm: index, commit: index, entries },
  appendAccepted: { matchIndex: index },
  appendRejected: { rejectedIndex: index, hintIndex: index, hintTerm: index },
  heartbeat: { commit: index, readSequence: index, sentAt: index },
  heartbeatResult: { readSequence: index, sentAt: index, holdMs: index },
  propose: { commands: array(bytes, { maxLength: 5 }) },
  readIndex: { id: index },
  readIndexResult: { id: index, index },
  snapshotChunk: { snapshot, offset: index, size: index, data: bytes },
  snapshotChunkResult: { snapshotIndex: index, offset: index },
  timeoutNow: {},
} satisfies Record<Exclude<PeerMessage["type"], "snapshot">, Record<string, Arbitrary<unknown>>>;

const envelope = { from: constant(from), to: constant(to), term: index };
/** Some of the commands with a note. */
const noted: Arbitrary<PeerMessage> = tuple(
  record(envelope),
  array(tuple(bytes, option(string({ unit: "grapheme", maxLength: 30 }), { nil: undefined })), { maxLength: 5 }),
).map(([places, list]) => ({
  ...places,
  type: "propose",
  commands: list.map(([command]) => command),
  notes: list.flatMap(([, text], at) => (text === undefined ? [] : [{ at, text }])),
}));

/** Messages of one kind. */
function ofKind(type: string, fields: Record<string, Arbitrary<unknown>>): Arbitrary<PeerMessage> {
  return record<Record<string, unknown>>({
    type: constant(type),
    ...envelope,
    ...fields,
  }) as Arbitrary<unknown> as Arbitrary<PeerMessage>;
}

const message = oneof(...Object.entries(kinds).map(([type, fields]) => ofKind(type, fields)), noted);

function encode(message: PeerMessage): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.toBytes();
}

/** What decoding gives: a message, or the field that is blamed. */
function attempt(payload: Uint8Array): PeerMessage | string {
  try {
    return decodeMessage(payload, from, to);
  } catch (error) {
    if (error instanceof MalformedError) return error.what;
    throw error;
  }
}

describe("the message codec", () => {
  it.each(Object.entries(kinds))("reads what it wrote: %s", (type, fields) => {
    assert(
      property(ofKind(type, fields), (message) => {
        expect(decodeMessage(encode(message), from, to)).toEqual(message);
      }),
    );
  });

  it("reads what it wrote: notes on commands", () => {
    assert(
      property(noted, (message) => {
        expect(decodeMessage(encode(message), from, to)).toEqual(message);
      }),
    );
  });

  it("takes sender and receiver from the connection, not from the message", () => {
    const sent: PeerMessage = { type: "readIndex", from: 1, to: 2, term: 3, id: 4 };
    expect(decodeMessage(encode(sent), 5, 6)).toEqual({ ...sent, from: 5, to: 6 });
  });

  it("copies what lives on out of the network's buffer", () => {
    assert(
      property(message, (sent) => {
        const payload = encode(sent);
        const got = decodeMessage(payload, from, to);
        payload.fill(0xaa);
        expect(got).toEqual(sent);
      }),
    );
  });

  it("refuses every message that was cut, or that something follows", () => {
    assert(
      property(message, nat(), (sent, draw) => {
        const payload = encode(sent);
        expect(typeof attempt(payload.subarray(0, draw % payload.length))).toBe("string");
        expect(typeof attempt(Uint8Array.of(...payload, 0))).toBe("string");
      }),
    );
  });

  it("answers any bytes with a message or a MalformedError, at once", () => {
    assert(
      property(uint8Array({ maxLength: 200 }), (payload) => {
        const got = attempt(payload);
        if (typeof got === "string") return;
        // What was accepted is worth at most the bytes it came in.
        expect(encode(got).length).toBeLessThanOrEqual(payload.length);
      }),
      { numRuns: 2000 },
    );
  });

  it("survives a bit that turned", () => {
    assert(
      property(message, nat(), (sent, draw) => {
        const payload = encode(sent);
        payload[(draw >> 3) % payload.length]! ^= 1 << (draw & 7);
        expect(attempt(payload)).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["a kind nobody knows", [99, 1], "message.type"],
    ["no bytes", [], "message.type"],
    ["a note on no command", [13, 1, 1, 0, 0, 0], "notes"],
    ["two notes on one command", [13, 1, 2, 0, 0, 0, 0, 1, 0], "notes"],
    ["more commands than bytes", [7, 1, 0xff, 0xff, 0xff, 0x7f], "commands"],
    ["more voters than bytes", [10, 1, 5, 1, 1, 0xff, 0xff, 0x7f, 1], "configuration.voters"],
    ["a configuration of another version", [10, 1, 5, 1, 9], "configuration.version"],
    ["an entry with a broken configuration", [2, 1, 0, 0, 0, 1, 5, 0, 0, 0, 2, 1, 1, 1, 9], "configuration.version"],
    ["a number above the safe integers", [8, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "id"],
  ])("names the field: %s", (_, payload, field) => {
    expect(attempt(Uint8Array.from(payload))).toBe(field);
  });

  it("does not send what is local to a node", () => {
    const local = { type: "snapshot", from, to, term: 1 } as const;
    const meta = { index: 1, term: 1, configuration: configurationOf([1]) };
    expect(() => encode({ ...local, snapshot: meta })).toThrow("local");
  });
});
