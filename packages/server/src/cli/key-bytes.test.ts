import { expect, it } from "vitest";
import { bytesForJson, prefixEnd } from "./key-bytes.ts";

it.each([
  [[], [0]],
  [[1], [2]],
  [[1, 255], [2]],
  [[255, 255], [0]],
  [
    [97, 98],
    [97, 99],
  ],
])("the keys that begin with %j end before %j", (prefix, end) => {
  expect([...prefixEnd(Uint8Array.from(prefix))]).toEqual(end);
});

it.each([
  [Buffer.from("héllo"), "héllo"],
  [Uint8Array.of(0xff, 0), { base64: "/wA=" }],
  [Buffer.from("\uFEFFmark"), "\uFEFFmark"],
])("%j in JSON is %j", (bytes, expected) => {
  expect(bytesForJson(bytes)).toEqual(expected);
});
