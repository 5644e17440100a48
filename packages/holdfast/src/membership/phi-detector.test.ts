import { describe, expect, it } from "vitest";
import { ArrivalHistory } from "./arrival-history.ts";
import { phiDetector, phiOf } from "./phi-detector.ts";

describe("phiOf", () => {
  it("is close to the normal distribution's tail", () => {
    // −log10(1 − Φ(y)) of the standard normal distribution.
    const exact = [
      [0, 0.301],
      [1, 0.7995],
      [2, 1.643],
      [3, 2.8697],
    ] as const;
    for (const [y, phi] of exact) expect(phiOf(1_000 + y * 100, 1_000, 100)).toBeCloseTo(phi, 1);
  });

  it("never falls as silence grows, from nothing to infinity", () => {
    let last = 0;
    for (let silentMs = 0; silentMs <= 5_000; silentMs += 10) {
      const phi = phiOf(silentMs, 1_000, 100);
      expect(phi).toBeGreaterThanOrEqual(last);
      last = phi;
    }
    expect(phiOf(0, 1_000, 100)).toBe(0);
    expect(last).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("an arrival history", () => {
  it("has the mean and deviation of the latest samples", () => {
    const history = new ArrivalHistory(4);
    for (const interval of [1_000_000, 2, 4, 4, 6]) history.add(interval);
    expect(history.size).toBe(4);
    expect(history.mean).toBeCloseTo(4, 6);
    expect(history.deviation).toBeCloseTo(Math.sqrt(2), 3);
  });
});

describe("phiDetector", () => {
  const options = { acceptablePauseMs: 0, checkIntervalMs: 100_000 };

  it("suspects, then fails, a node that was regular and is silent", () => {
    const detector = phiDetector(options);
    beat(detector, 0, 100_000, 1_000);
    expect(detector.state("a", 101_000)).toBe("healthy");
    expect(detector.state("a", 101_400)).toBe("suspect");
    expect(detector.state("a", 101_600)).toBe("failed");
  });

  it("is patient with an irregular node", () => {
    const detector = phiDetector(options);
    detector.watch("a", 0);
    for (let at = 0, now = 0; at < 100; at++) detector.heartbeat("a", (now += at % 2 === 0 ? 200 : 1_800));
    expect(detector.state("a", 100_000 + 1_900)).toBe("healthy");
  });

  it("lets a pause pass that it is told to accept", () => {
    const detector = phiDetector({ ...options, acceptablePauseMs: 3_000 });
    beat(detector, 0, 100_000, 1_000);
    expect(detector.state("a", 103_900)).toBe("healthy");
    expect(detector.state("a", 104_700)).toBe("failed");
  });

  it("judges a node that was never heard by the interval it was told", () => {
    const detector = phiDetector({ ...options, firstIntervalMs: 1_000 });
    detector.watch("a", 0);
    expect(detector.state("a", 1_000)).toBe("healthy");
    expect(detector.state("a", 4_000)).toBe("failed");
  });

  it("does not take the gap of a failure for an interval", () => {
    const detector = phiDetector(options);
    beat(detector, 0, 100_000, 1_000);
    expect(detector.state("a", 160_000)).toBe("failed");
    detector.heartbeat("a", 160_000);
    expect(detector.state("a", 160_500)).toBe("healthy");
    expect(detector.state("a", 161_600)).toBe("failed");
  });

  it("never thinks heartbeats to be more regular than the least deviation", () => {
    const detector = phiDetector({ ...options, minDeviationMs: 500 });
    beat(detector, 0, 1_000_000, 1_000);
    expect(detector.state("a", 1_002_000)).toBe("healthy");
  });

  it("does not let a late heartbeat bring back a removed node", () => {
    const detector = phiDetector(options);
    detector.watch("a", 0);
    detector.unwatch("a");
    expect(detector.heartbeat("a", 10)).toBe(false);
    expect(detector.phi("a", 10)).toBeUndefined();
  });

  it.each([
    [{ threshold: -1 }, "phiDetector.threshold must be a number > 0 (got -1)"],
    [{ threshold: 4, suspectThreshold: 5 }, "phiDetector.suspectThreshold must be <= threshold (4) (got 5)"],
    [{ acceptablePauseMs: Number.NaN }, "phiDetector.acceptablePauseMs must be a number >= 0 (got NaN)"],
  ])("refuses %o", (bad, message) => {
    expect(() => phiDetector(bad)).toThrow(message);
  });
});

function beat(detector: ReturnType<typeof phiDetector>, from: number, to: number, everyMs: number): void {
  detector.watch("a", from);
  for (let now = from; now <= to; now += everyMs) detector.heartbeat("a", now);
}
