import * as fc from "fast-check";
import { expect, it } from "vitest";
import { utcText } from "./utc-text.ts";

it("is what Date says", () => {
  const most = Date.UTC(9999, 11, 31);
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1, 0, 1), max: most }), (ms) => {
      expect(utcText(ms, { withMs: true })).toBe(new Date(ms).toISOString());
      expect(utcText(ms)).toBe(`${new Date(ms).toISOString().slice(0, 19)}Z`);
    }),
  );
});

it.each([Number.NaN, Infinity, -1e30])("is 1970 for %d, which is no time", (ms) => {
  expect(utcText(ms)).toBe("1970-01-01T00:00:00Z");
});
