import type { TelemetryEvent } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { EventLog, identified } from "./event-log.ts";

function events(from: number, to: number) {
  const made = Array.from({ length: to - from + 1 }, (_, at): TelemetryEvent => ({
    type: "quorumLost",
    at: 0,
    nodeId: "n1",
    seq: from + at,
    term: 1,
  }));
  return identified("n1", "r", made);
}

const ids = (log: EventLog, after: number, limit = 100): string[] =>
  log.after(after, limit).entries.map(({ json }) => (JSON.parse(json) as { id: string }).id);

describe("the log of events", () => {
  it("gives what came after a position, in parts", () => {
    const log = new EventLog({ maxEntries: 10 });
    log.add(events(1, 5));
    expect(ids(log, 0)).toEqual(["n1:r-1", "n1:r-2", "n1:r-3", "n1:r-4", "n1:r-5"]);
    expect(log.after(0, 2)).toMatchObject({ position: 2, dropped: 0 });
    expect(ids(log, 2, 2)).toEqual(["n1:r-3", "n1:r-4"]);
    expect(log.after(5, 2)).toEqual({ entries: [], position: 5, dropped: 0 });
  });

  it("keeps so many, and says how many a reader has missed", () => {
    const log = new EventLog({ maxEntries: 4 });
    log.add(events(1, 10));
    expect(ids(log, 0)).toEqual(["n1:r-7", "n1:r-8", "n1:r-9", "n1:r-10"]);
    expect(log.after(2, 1)).toMatchObject({ position: 7, dropped: 4 });
    expect(log.after(6, 1)).toMatchObject({ position: 7, dropped: 0 });
    expect(log.last).toBe(10);
  });

  it("keeps no more than so much text, and no event that is too long", () => {
    const length = JSON.stringify(events(1, 1)[0]).length;
    const log = new EventLog({ maxChars: length * 3, maxEventChars: length });
    log.add(events(1, 9));
    expect(ids(log, 0)).toEqual(["n1:r-7", "n1:r-8", "n1:r-9"]);
    expect(log.after(3, 9)).toMatchObject({ dropped: 3, position: 9 });
    expect(log.dropped).toBe(6);
    log.add(events(1_000, 1_000));
    expect(log.after(9, 9).entries).toEqual([{ kind: "lost", json: '{"type":"lost","nodeId":"n1","count":1}' }]);
  });

  it("gives no more text at once than is asked for, but always something", () => {
    const log = new EventLog();
    log.add(events(1, 9));
    const length = log.after(0, 1).entries[0]!.json.length;
    expect(log.after(0, 9, length * 2)).toMatchObject({ position: 2, dropped: 0 });
    expect(log.after(2, 9, 1)).toMatchObject({ position: 3 });
  });

  it("keeps the place of what a node has lost", () => {
    const log = new EventLog({ maxEntries: 10 });
    log.add(events(1, 1));
    log.addLost("n1", null);
    log.add(events(9, 9));
    expect(log.after(0, 9).entries.map(({ kind }) => kind)).toEqual(["event", "lost", "event"]);
  });
});
