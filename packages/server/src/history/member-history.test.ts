import { VirtualClock } from "holdfast/testing";
import { describe, expect, it } from "vitest";
import type { StatusDocument } from "../http/member-status.ts";
import { historyStepMs, historySteps, stepOf } from "./history-ring.ts";
import { memberHistory } from "./member-history.ts";

function remember(clock: VirtualClock) {
  let commitIndex = 0;
  const read = (): StatusDocument["member"] =>
    ({ commitIndex: ++commitIndex, appliedIndex: commitIndex - 1, residentBytes: 5 }) as StatusDocument["member"];
  const history = memberHistory(clock, read);
  const commits = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, at) => history.ring.value(0, from + at));
  return { history, commits };
}

describe("what a member remembers of itself", () => {
  it("is a look at each step of its clock, wherever it began", async () => {
    const clock = new VirtualClock();
    await clock.advance(3_210);
    const { history, commits } = remember(clock);
    await clock.advance(5 * historyStepMs);
    const now = stepOf(clock.wallTime());
    expect(commits(now - 6, now)).toEqual([Number.NaN, Number.NaN, 1, 2, 3, 4, 5]);
    expect([history.ring.value(1, now), history.ring.value(2, now)]).toEqual([4, 5]);
    history.close();
    expect(clock.pending).toBe(0);
  });

  it("goes back two hours, in as much memory as ever", async () => {
    const clock = new VirtualClock();
    const { history, commits } = remember(clock);
    await clock.advance((historySteps + 500) * historyStepMs + 10);
    const now = stepOf(clock.wallTime());
    expect(history.ring.first).toBe(now - historySteps + 1);
    expect(commits(now - historySteps, now - historySteps + 1)).toEqual([Number.NaN, 501]);
    expect(commits(now, now)).toEqual([historySteps + 500]);
    expect(history.ring.columns.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(3 * 8 * historySteps);
    history.close();
  });

  it("has a gap where the clock was set on, and begins anew where it was set far back", async () => {
    const clock = new VirtualClock();
    const { history, commits } = remember(clock);
    await clock.advance(2 * historyStepMs + 10);
    clock.jumpWallTime(3 * historyStepMs);
    await clock.advance(historyStepMs);
    const now = stepOf(clock.wallTime());
    expect(commits(now - 5, now)).toEqual([1, 2, Number.NaN, Number.NaN, Number.NaN, 3]);
    clock.jumpWallTime(-historyStepMs);
    await clock.advance(historyStepMs);
    expect(commits(now - 5, now)).toEqual([1, 2, Number.NaN, Number.NaN, Number.NaN, 4]);
    clock.jumpWallTime(-3_600_000);
    await clock.advance(historyStepMs);
    expect([history.ring.first, history.ring.last]).toEqual(Array(2).fill(stepOf(clock.wallTime())));
    history.close();
  });
});
