import {
  array,
  assert,
  bigInt,
  boolean,
  constant,
  constantFrom,
  integer,
  maxSafeNat,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, MalformedError } from "../../wire/index.ts";
import {
  encodeContent,
  readHead,
  readKeepAlive,
  readLeases,
  readTerms,
  readTimeToLive,
  readTimeToLiveRequest,
  readWatch,
  writeHead,
  writeKeepAlive,
  writeLeases,
  writeTerms,
  writeTimeToLive,
  writeWatch,
} from "./remote-codec.ts";
import { readError, RemoteError, writeError } from "./remote-error.ts";
import { CoordinationError } from "../coordination-error.ts";
import { readHello, readWelcome, requestKinds, writeHello, writeWelcome } from "./remote-protocol.ts";
import { readWatchResponse, writeWatchResponse } from "./remote-watch-codec.ts";
import type { WatchResponse } from "../watches/watch.ts";

const bytes = uint8Array({ maxLength: 40 });
const id64 = bigInt({ min: 0n, max: 2n ** 64n - 1n });
const lease = bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const natural = maxSafeNat();
const flag = constant(true as const);
const pair = record({
  key: bytes,
  value: bytes,
  createRevision: natural,
  modRevision: natural,
  version: natural,
  lease,
});
const event = record(
  { type: constantFrom("put" as const, "delete" as const), pair, previousPair: pair },
  { requiredKeys: ["type", "pair"] },
);
const header = { clusterId: 1n, memberId: 2n, revision: 3, term: 4 };
const response = oneof(
  record({ events: array(event), fragment: flag, progress: flag }, { requiredKeys: ["events"] }),
  record(
    {
      events: constant([]),
      canceled: flag,
      cancelReason: constantFrom("COMPACTED" as const, "NO_LEADER" as const, "STOPPED" as const),
      compactRevision: integer({ min: 1 }),
    },
    { requiredKeys: ["events", "canceled", "cancelReason"] },
  ),
);
const demand = record({
  request: record(
    {
      key: bytes,
      rangeEnd: uint8Array({ minLength: 1, maxLength: 9 }),
      startRevision: integer({ min: 1 }),
      maxBytes: integer({ min: 1 }),
      previousPairs: flag,
      noPut: flag,
      noDelete: flag,
      progressNotify: flag,
      fragment: flag,
    },
    { requiredKeys: ["key"] },
  ),
  requireLeader: boolean(),
  credit: natural,
});

/** What was written, read again, with nothing left over. */
function again<T>(encoded: Uint8Array, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(encoded);
  const value = read(reader);
  reader.end("test");
  return value;
}

describe("the codec of the own protocol", () => {
  it("reads requests as they were written", () => {
    assert(
      property(constantFrom(...requestKinds), natural, natural, string(), demand, (kind, id, ms, token, wanted) => {
        const head = again(
          encodeContent((writer) => writeHead(writer, kind, id)),
          readHead,
        );
        expect(head).toEqual({ kind, id });
        const terms = again(
          encodeContent((writer) => writeTerms(writer, { timeoutMs: ms, token })),
          readTerms,
        );
        expect(terms).toEqual({ timeoutMs: ms, token: token.toWellFormed() });
        expect(
          again(
            encodeContent((writer) => writeWatch(writer, wanted)),
            readWatch,
          ),
        ).toEqual(wanted);
      }),
    );
  });

  it("reads answers as they were written", () => {
    assert(
      property(response, lease, natural, array(bytes), array(lease), (told, leaseId, n, keys, leases) => {
        const full: WatchResponse = { header, ...told };
        const encoded = encodeContent((writer) => writeWatchResponse(writer, full));
        expect(again(encoded, (reader) => readWatchResponse(reader, header))).toEqual(full);
        const alive = { id: leaseId, ttlSeconds: n };
        expect(
          again(
            encodeContent((writer) => writeKeepAlive(writer, alive)),
            readKeepAlive,
          ),
        ).toEqual(alive);
        const left = { id: leaseId, ttlSeconds: -1, grantedTtlSeconds: n, keys };
        expect(
          again(
            encodeContent((writer) => writeTimeToLive(writer, left)),
            readTimeToLive,
          ),
        ).toEqual(left);
        expect(
          again(
            encodeContent((writer) => writeLeases(writer, { leases })),
            readLeases,
          ),
        ).toEqual({ leases });
      }),
    );
  });

  it("reads greetings as they were written", () => {
    assert(
      property(id64, id64, id64, natural, natural, (clusterId, memberId, leader, maxInFlight, maxFrameBytes) => {
        expect(readHello(encodeContent((writer) => writeHello(writer, { clusterId })))).toEqual({ clusterId });
        const welcome = { clusterId, memberId, leader, maxInFlight, maxFrameBytes };
        const encoded = encodeContent((writer) => writeWelcome(writer, welcome)).subarray(1);
        expect(readWelcome(new ByteReader(encoded))).toEqual(welcome);
      }),
    );
  });

  it("finds malformed whatever it cannot read", () => {
    const readers: ((reader: ByteReader) => unknown)[] = [
      readHead,
      readTerms,
      readWatch,
      readKeepAlive,
      readTimeToLive,
      readTimeToLiveRequest,
      readLeases,
      readWelcome,
      readError,
      (reader) => readWatchResponse(reader, header),
      (reader) => readHello(reader.bytes(reader.remaining, "all")),
    ];
    let refused = 0;
    assert(
      property(uint8Array({ maxLength: 60 }), (noise) => {
        for (const read of readers) {
          try {
            read(new ByteReader(noise));
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
            refused++;
          }
        }
      }),
    );
    expect(refused).toBeGreaterThan(100);
  });

  it.each([
    [new CoordinationError("COMPACTED"), CoordinationError, "COMPACTED", "required revision has been compacted"],
    [new RemoteError("WRONG_CLUSTER", "this is cluster 7"), RemoteError, "WRONG_CLUSTER", "this is cluster 7"],
    [new TypeError("x is not a function of yours"), RemoteError, "MEMBER_FAILED", "the member failed to answer"],
  ])("tells %s by its code", (error, type, code, message) => {
    const told = again(
      encodeContent((writer) => writeError(writer, error)),
      readError,
    );
    expect(told).toBeInstanceOf(type);
    expect(told).toMatchObject({ code, message });
  });
});
