import { describe, expect, it } from "vitest";
import { HistoryError } from "./history-error.ts";
import { formatHistory, pairOperations, parseHistory, type EventType, type HistoryEvent } from "./history.ts";

const line = (fields: object): string =>
  JSON.stringify({ process: 0, type: "invoke", f: "read", value: null, timeNs: 0, ...fields });

const event = (process: number, type: EventType, timeNs: number, more: Partial<HistoryEvent> = {}): HistoryEvent => ({
  process,
  type,
  f: "read",
  value: null,
  timeNs,
  ...more,
});

describe("parseHistory", () => {
  it("reads what formatHistory writes", () => {
    const events = [
      event(0, "invoke", 1, { key: "a" }),
      event(1, "invoke", 2, { f: "put", value: { deep: [1, null] } }),
      event(0, "ok", 3, { key: "a", value: "x" }),
      event(1, "info", 4, { f: "put", value: "timeout" }),
    ];
    expect(parseHistory(formatHistory(events))).toEqual(events);
  });

  it("takes an empty text, a missing last line feed and fields it does not know", () => {
    expect(parseHistory("")).toEqual([]);
    expect(parseHistory(line({ host: "n1" }))).toEqual([event(0, "invoke", 0)]);
  });

  it.each([
    ["{", 'must be one JSON object (got "{")'],
    ["[]", "must be one JSON object"],
    ["", 'must be one JSON object (got "")'],
    [line({ process: -1 }), "process must be an integer >= 0 (got -1)"],
    [line({ process: "0" }), 'process must be an integer >= 0 (got "0")'],
    [line({ type: "done" }), 'type must be invoke, ok, fail or info (got "done")'],
    [line({ f: "" }), 'f must be a name (got "")'],
    [line({ key: 7 }), "key must be a string (got 7)"],
    [line({ value: undefined }), "value must be there, null for none (got nothing)"],
    [line({ timeNs: 1.5 }), "timeNs must be an integer >= 0 (got 1.5)"],
  ])("refuses %s", (text, reason) => {
    expect(() => parseHistory(`${line({})}\n${text}\n${line({})}`)).toThrow(
      new HistoryError(2, reason, { cause: undefined }),
    );
  });
});

describe("pairOperations", () => {
  it("pairs, leaves out what failed, and keeps what is unknown open for ever", () => {
    const operations = pairOperations([
      event(0, "invoke", 1, { key: "a" }),
      event(1, "invoke", 2, { f: "put", value: 1 }),
      event(2, "invoke", 3, { f: "put", value: 2 }),
      event(3, "invoke", 4),
      event(2, "fail", 5, { f: "put" }),
      event(1, "info", 6, { f: "put" }),
      event(0, "ok", 7, { value: "x" }),
      event(0, "invoke", 8),
    ]);
    expect(
      operations.map(({ line, process, outcome, output, returnNs }) => [line, process, outcome, output, returnNs]),
    ).toEqual([
      [1, 0, "ok", "x", 7],
      [2, 1, "unknown", undefined, Infinity],
      [4, 3, "unknown", undefined, Infinity],
      [8, 0, "unknown", undefined, Infinity],
    ]);
    expect(operations[0]).toMatchObject({ key: "a", f: "read", input: null, callNs: 1 });
  });

  it.each<[string, HistoryEvent, string]>([
    ["an overlap", event(0, "invoke", 2), "process 0 still waits for the operation of line 1"],
    ["a completion of nothing", event(1, "ok", 2), "process 1 completes an operation it did not invoke"],
    ["another function", event(0, "ok", 2, { f: "put" }), "process 0 invoked read and completes put"],
    ["another key", event(0, "ok", 2, { key: "b" }), 'key must be the invocation\'s, "a" (got "b")'],
    ["time running back", event(0, "ok", 0), "timeNs must not be before the invocation's, 1 (got 0)"],
  ])("refuses %s", (_, second, reason) => {
    expect(() => pairOperations([event(0, "invoke", 1, { key: "a" }), second])).toThrow(`history line 2: ${reason}`);
  });

  it("refuses a process that goes on after an unknown outcome", () => {
    const events = [event(0, "invoke", 1), event(0, "info", 2), event(0, "invoke", 3)];
    expect(() => pairOperations(events)).toThrow("history line 3: process 0 goes on after an unknown outcome");
  });
});
