import { describe, expect, it } from "vitest";
import { CallLog } from "./call-log.ts";

/** A call each 100 ms from `fromMs` up to `toMs`. */
function calls(log: CallLog, fromMs: number, toMs: number, isAnswered: boolean, tookMs = 5): void {
  for (let dueMs = fromMs; dueMs < toMs; dueMs += 100) log.add({ dueMs, endedMs: dueMs + tookMs, isAnswered });
}

describe("the log of a service's calls", () => {
  it("tells calls of a fault from those before it, and those after the service was well again", () => {
    const log = new CallLog();
    calls(log, 0, 1_000, true);
    const span = log.begin(1_000);
    calls(log, 1_000, 2_000, false, 300);
    calls(log, 2_000, 3_000, true, 20);
    span.toMs = 3_000;
    calls(log, 3_000, 3_400, false);
    calls(log, 3_400, 5_000, true);
    span.wellMs = log.wellSince(span.toMs, 5_000);
    expect(span.wellMs).toBe(3_305);
    calls(log, 5_000, 5_200, false);
    expect(log.measures()).toEqual({
      beforeP99Ms: 5,
      faultCalls: 20,
      faultAnsweredRatio: 0.5,
      faultP50Ms: 20,
      faultP99Ms: 300,
      recoveredMs: 305,
      callsAfter: 18,
      errorsAfter: 2,
      slowestCallMs: 300,
    });
  });

  it("holds a service for well only after a while without failures, and with answers", () => {
    const log = new CallLog();
    expect(log.wellSince(0, 10_000)).toBeUndefined();
    calls(log, 0, 500, false);
    expect(log.wellSince(0, 10_000)).toBeUndefined();
    log.add({ dueMs: 500, endedMs: 510, isAnswered: true });
    expect(log.wellSince(0, 900)).toBeUndefined();
    expect(log.wellSince(0, 905)).toBe(405);
    // One that was called long before and fails now tells of now.
    log.add({ dueMs: 100, endedMs: 950, isAnswered: false });
    expect(log.wellSince(0, 2_000)).toBeUndefined();
  });

  it("has no recovery where the service was not well again", () => {
    const log = new CallLog();
    const span = log.begin(0);
    calls(log, 0, 1_000, false);
    span.toMs = 500;
    expect(log.measures()).toMatchObject({
      recoveredMs: null,
      errorsAfter: null,
      callsAfter: 0,
      faultAnsweredRatio: 0,
    });
  });

  it("draws what was answered and what was not", () => {
    const log = new CallLog();
    calls(log, 50, 550, true);
    calls(log, 550, 800, false);
    expect(log.series().map(({ name, points }) => [name, points])).toEqual([
      [
        "answered",
        [
          [0, 12],
          [250, 8],
          [500, 0],
        ],
      ],
      [
        "not answered",
        [
          [0, 0],
          [250, 0],
          [500, 12],
        ],
      ],
      [
        "slowest",
        [
          [0, 5],
          [250, 5],
          [500, 5],
        ],
      ],
    ]);
  });
});
