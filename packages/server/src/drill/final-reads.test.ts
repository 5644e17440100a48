import { expect, it } from "vitest";
import { lostWrites } from "./final-reads.ts";

const record = {
  attempted: new Map([
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
    ["d", "4"],
  ]),
  acknowledged: new Set(["a", "b", "c"]),
};

it("names acknowledged writes that are missing or differ, and no others", () => {
  const found = new Map([
    ["a", "1"],
    ["c", "other"],
  ]);
  expect(lostWrites(record, found)).toEqual(["b", "c"]);
  expect(lostWrites(record, record.attempted)).toEqual([]);
});
