import { Buffer } from "node:buffer";
import type { WatchEvent, WatchResponse } from "holdfast/coordination";
import { describe, expect, it } from "vitest";
import { framed } from "../grpc/message-reader.ts";
import { encodeWatchId, frameWatchResponse, fromWatchResponse, isEmptyRange } from "./watch-messages.ts";
import { wireType } from "./wire-type.ts";

const header = { clusterId: 14301398113967654015n, memberId: 7n, revision: 9, term: 2 };
const pair = {
  key: Buffer.from("k"),
  createRevision: 2,
  modRevision: 9,
  version: 3,
  value: Buffer.from("v"),
  lease: -1n,
};
const put: WatchEvent = { type: "put", pair, previousPair: { ...pair, modRevision: 4, version: 2, lease: 0n } };
const gone: WatchEvent = {
  type: "delete",
  pair: { ...pair, createRevision: 0, version: 0, value: Buffer.alloc(0), lease: 0n },
};

function bytesOf(id: bigint, response: WatchResponse): Buffer {
  const frame = frameWatchResponse(encodeWatchId(id), response);
  const bytes = Buffer.alloc(frame.size + 4, 0xee);
  frame.write(bytes, 2);
  expect([...bytes.subarray(0, 2), ...bytes.subarray(-2)]).toEqual([0xee, 0xee, 0xee, 0xee]);
  return bytes.subarray(2, -2);
}

describe("a response that watches share", () => {
  it.each<[string, WatchResponse]>([
    ["events", { header, events: [put, gone] }],
    ["a fragment", { header, events: [put], fragment: true }],
    ["progress", { header, events: [], progress: true }],
    ["the past", { header, events: [put], presentRevision: 90 }],
  ])("is the same bytes as one of its own: %s", (_, response) => {
    for (const id of [0n, 1n, 300n, -1n, 2n ** 62n]) {
      const expected = framed(wireType("WatchResponse").encode(fromWatchResponse(id, response)));
      expect(bytesOf(id, response)).toEqual(expected);
    }
  });

  it("says of the past which revision the present is", () => {
    const message = fromWatchResponse(1n, { header, events: [put], presentRevision: 90 });
    expect(message).toMatchObject({ header: { revision: 90 } });
    expect(fromWatchResponse(1n, { header, events: [put] })).toMatchObject({ header: { revision: 9 } });
  });

  it("is not taken for another that ends alike", () => {
    const responses: WatchResponse[] = [
      { header, events: [put, gone] },
      { header, events: [gone] },
      { header, events: [gone, gone] },
      { header, events: [put, gone], fragment: true },
      { header: { ...header, revision: 10 }, events: [put, gone] },
      { header, events: [put, gone], presentRevision: 10 },
      { header: { ...header, term: 3 }, events: [put, gone] },
    ];
    for (const response of [...responses, ...responses.toReversed()]) {
      const expected = framed(wireType("WatchResponse").encode(fromWatchResponse(5n, response)));
      expect(bytesOf(5n, response)).toEqual(expected);
    }
  });
});

describe("isEmptyRange", () => {
  it.each([
    ["a", undefined, false],
    ["a", "", false],
    ["a", "b", false],
    ["b", "\0", false],
    ["b", "a", true],
    ["b", "b", true],
    ["b", "\0\0", true],
    ["", "\0", false],
  ])("of %j to %j is %s", (key, rangeEnd, isEmpty) => {
    const range = { key: Buffer.from(key), ...(rangeEnd === undefined ? {} : { rangeEnd: Buffer.from(rangeEnd) }) };
    expect(isEmptyRange(range)).toBe(isEmpty);
  });
});
