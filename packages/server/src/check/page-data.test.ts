import { describe, expect, it } from "vitest";
import type { EventType, HistoryEvent } from "holdfast/proof";
import { pageData } from "./page-data.ts";

const event = (process: number, type: EventType, timeNs: number, more: Partial<HistoryEvent> = {}): HistoryEvent => ({
  process,
  type,
  f: "get",
  key: "a",
  value: null,
  timeNs,
  ...more,
});

const ms = 1_000_000;

describe("pageData", () => {
  it("has every operation, those that failed and those that never ended, too", () => {
    const data = pageData([
      event(0, "invoke", 5 * ms, { f: "put", value: { b: 1 } }),
      event(1, "invoke", 6 * ms, { key: "10" }),
      event(2, "invoke", 7 * ms, { key: "9" }),
      event(3, "invoke", 8 * ms),
      event(0, "ok", 9 * ms, { f: "put" }),
      event(1, "fail", 10 * ms, { key: "10", value: "no" }),
      event(2, "info", 11 * ms, { key: "9", value: "timeout" }),
    ]);
    expect(data).toEqual({
      unit: "ms",
      start: 5,
      total: 4,
      functions: ["put", "get"],
      keys: ["9", "10", "a"],
      process: [0, 1, 2, 3],
      f: [0, 1, 1, 1],
      key: [2, 1, 0, 2],
      line: [1, 2, 3, 4],
      from: [5, 6, 7, 8],
      to: [9, 10, -1, -1],
      outcome: [0, 1, 2, 2],
      input: ['{"b":1}', "", "", ""],
      output: ["", '"no"', '"timeout"', ""],
      violation: -1,
      highlights: [],
    });
  });

  it("takes lines from the events that have one, and counts events where there are no times", () => {
    const read = [event(0, "invoke", 0, { line: 12 }), event(0, "ok", 1, { line: 14 })];
    const highlights = [{ title: "order", detail: "", lines: [12, 99] }];
    const data = pageData(read, { violationLine: 12, highlights });
    expect(data).toMatchObject({ unit: "events", line: [12], from: [0], to: [1], violation: 0 });
    expect(data.highlights).toEqual([{ title: "order", detail: "", operations: [0] }]);
  });

  it("shows of a long history what lies before the violation, and a little after it", () => {
    const long = Array.from({ length: 100 }, (_, index) => event(index, "invoke", index * ms, { key: `${index % 2}` }));
    const data = pageData(long, { violationLine: 61, maxOperations: 8 });
    expect(data.total).toBe(100);
    expect(data.line).toEqual([49, 51, 53, 55, 57, 59, 61, 63]);
    expect(data.line[data.violation]).toBe(61);
    expect(pageData(long, { maxOperations: 3 }).line).toEqual([1, 2, 3]);
  });

  it("cuts long values", () => {
    const [value = ""] = pageData([event(0, "invoke", 0, { value: "x".repeat(5000) })]).input;
    expect(value).toMatch(/^"x{1999}…$/);
  });
});
