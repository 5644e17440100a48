import { describe, expect, it } from "vitest";
import { CallWindow } from "./call-window.ts";

function windowAt(startMs: number) {
  const time = { now: startMs };
  return { window: new CallWindow(() => time.now), time };
}

describe("the calls of the last ten seconds", () => {
  it("are none at first", () => {
    const { window } = windowAt(5_000);
    expect(window.view()).toEqual({ callsPerSecond: 0, failureRatio: null, durationMs: null });
  });

  it("are counted with how they ended and how long they took", () => {
    const { window, time } = windowAt(123_456);
    for (let call = 1; call <= 1_000; call++) {
      window.started();
      time.now += 10;
      window.ended(call % 4 === 0 ? "failed" : "succeeded", call);
    }
    const { callsPerSecond, failureRatio, durationMs } = window.view();
    expect(callsPerSecond).toBeGreaterThan(90);
    expect(callsPerSecond).toBeLessThanOrEqual(100);
    expect(failureRatio).toBeCloseTo(0.25, 2);
    // Within a bucket, whose width is a fifth.
    expect(Math.abs(Math.log(durationMs!.p50 / 525))).toBeLessThan(0.2);
    expect(Math.abs(Math.log(durationMs!.p90 / 905))).toBeLessThan(0.2);
    expect(Math.abs(Math.log(durationMs!.p99 / 990))).toBeLessThan(0.2);
    expect(window.counts).toEqual({ succeeded: 750, failed: 250, abandoned: 0 });
    expect(window.active).toBe(0);
  });

  it("are forgotten after that, slice by slice and all at once", () => {
    const { window, time } = windowAt(0);
    window.ended("failed", 5);
    time.now = 9_500;
    window.ended("succeeded", 5);
    expect(window.view().failureRatio).toBe(0.5);
    time.now = 10_500;
    expect(window.view().failureRatio).toBe(0);
    time.now = 10_000_000;
    expect(window.view()).toEqual({ callsPerSecond: 0, failureRatio: null, durationMs: null });
    window.ended("failed", 5);
    expect(window.view()).toMatchObject({ failureRatio: 1 });
  });

  it("leave out whoever gave up, and take any duration", () => {
    const { window } = windowAt(0);
    window.started();
    window.ended("abandoned", 9_999);
    expect(window.view().failureRatio).toBeNull();
    for (const durationMs of [0, -1, Number.NaN, 1e12]) window.ended("succeeded", durationMs);
    expect(window.view().durationMs!.p50).toBeLessThanOrEqual(0.1);
    expect(window.view().durationMs!.p99).toBeGreaterThan(1e6);
    expect(window.counts.abandoned).toBe(1);
  });
});
