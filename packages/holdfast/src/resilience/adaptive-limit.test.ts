import { describe, expect, it } from "vitest";
import { AdaptiveLimit, type AdaptiveLimitOptions } from "./adaptive-limit.ts";
import { adaptiveTimeoutDefaults } from "./adaptive-timeout.ts";

function make(options: Partial<AdaptiveLimitOptions> = {}) {
  const limit = new AdaptiveLimit({ ...adaptiveTimeoutDefaults, baseMs: 300, floorMs: 1, ...options });
  const record = (calls: number, durationMs: number, timedOut = false): void => {
    for (let call = 0; call < calls; call++) limit.record(durationMs, timedOut);
  };
  return { limit, record };
}

/** Quantiles are exact to 1/64. */
const about = (value: number): unknown => expect.closeTo(value, -Math.log10(value / 16));

describe("an adaptive limit", () => {
  it("takes what it first sees for normal, unless something ran out of time", () => {
    const healthy = make();
    healthy.record(10, 200);
    expect(healthy.limit.baselineMs).toEqual(about(200));
    const incident = make();
    incident.record(9, 200);
    incident.record(1, 300, true);
    expect(incident.limit.baselineMs).toBe(150);
  });

  it("gives more time under load, whether it has measured or not", () => {
    const { limit, record } = make();
    expect([0, 70, 90].map((load) => limit.limitMs(load))).toEqual([300, 360, 450]);
    record(10, 200);
    const unloaded = limit.limitMs(0);
    expect(limit.limitMs(70) / unloaded).toBeCloseTo(1.2);
    expect(limit.limitMs(90) / unloaded).toBeCloseTo(1.5);
  });

  it("learns at most a tenth from a healthy window, up and down", () => {
    const { limit, record } = make();
    record(10, 100);
    const first = limit.baselineMs ?? 0;
    record(99, 150);
    expect(limit.baselineMs).toBe(first);
    record(1, 150);
    expect(limit.baselineMs).toBeCloseTo(first * 1.1);
    record(100, 10);
    expect(limit.baselineMs).toBeCloseTo(first);
    record(100, 102);
    expect(limit.baselineMs).toEqual(about(102));
  });

  it.each([
    { quantile: 0.95, timeouts: 2, learns: true },
    { quantile: 0.95, timeouts: 3, learns: false },
    { quantile: 1, timeouts: 0, learns: true },
    { quantile: 1, timeouts: 1, learns: false },
  ])("quantile $quantile: learns from a window with $timeouts timeouts: $learns", ({ quantile, timeouts, learns }) => {
    const { limit, record } = make({ quantile });
    record(10, 100);
    const first = limit.baselineMs ?? 0;
    record(timeouts, 300, true);
    record(100 - timeouts, 200);
    expect(limit.baselineMs).toBeCloseTo(learns ? first * 1.1 : first);
  });

  it("forgets everything, also a window half full", () => {
    const { limit, record } = make();
    record(10, 100);
    record(5, 300, true);
    limit.reset();
    expect([limit.limitMs(0), limit.baselineMs, limit.durations.count]).toEqual([300, undefined, 0]);
    record(9, 200);
    expect(limit.baselineMs).toBeUndefined();
    record(1, 200);
    expect(limit.baselineMs).toEqual(about(200));
  });
});
