import { describe, expect, it } from "vitest";
import type { EventType, HistoryEvent } from "holdfast/proof";
import { pageData } from "./page-data.ts";
import { axisTicks, endOf, firstAfter, lanesOf, nearestTo } from "./page-lanes.ts";

const event = (process: number, type: EventType, atMs: number, key = "a"): HistoryEvent => ({
  process,
  type,
  f: "get",
  key,
  value: null,
  timeNs: atMs * 1e6,
});

const data = pageData([
  event(7, "invoke", 1),
  event(7, "ok", 2),
  event(3, "invoke", 3, "b"),
  event(7, "invoke", 4),
  event(3, "ok", 5, "b"),
  event(7, "info", 6),
]);

describe("the page's lanes", () => {
  it("are one a process, by number, and can be narrowed", () => {
    expect(lanesOf(data, -1, -1)).toEqual([
      { process: 3, operations: [1] },
      { process: 7, operations: [0, 2] },
    ]);
    expect(lanesOf(data, 1, -1)).toEqual([{ process: 3, operations: [1] }]);
    expect(lanesOf(data, -1, 7)).toEqual([{ process: 7, operations: [0, 2] }]);
    expect(lanesOf(data, 1, 7)).toEqual([]);
  });

  it.each([
    [0, 0],
    [2, 0],
    [2.5, 1],
    [100, 1],
  ])("have at %d ms the %dth operation before them", (time, place) => {
    expect(firstAfter(data, { process: 7, operations: [0, 2] }, time)).toBe(place);
  });

  it.each([
    [1.5, 0.1, 0],
    [0.5, 0.1, -1],
    [0.5, 1, 0],
    [2.9, 5, 0],
    [3.2, 5, 2],
    [99, 0, 2],
  ])("find at %d ms, within %d, operation %d", (time, tolerance, operation) => {
    expect(nearestTo(data, { process: 7, operations: [0, 2] }, time, tolerance)).toBe(operation);
  });
});

describe("the page's axis", () => {
  it.each([
    [0, 10, 5, [0, 2, 4, 6, 8, 10]],
    [1.2, 1.9, 3, [1.5]],
    [17, 1234, 4, [500, 1000]],
    [5, 5, 4, []],
  ])("from %d to %d, at most %d: %j", (from, to, most, ticks) => {
    expect(axisTicks(from, to, most)).toEqual(ticks);
  });

  it("ends with the last thing that happens", () => {
    expect(endOf(data)).toBe(5);
    expect(endOf(pageData([]))).toBe(1);
  });
});
