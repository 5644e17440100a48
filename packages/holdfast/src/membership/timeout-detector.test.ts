import { describe, expect, it } from "vitest";
import { timeoutDetector } from "./timeout-detector.ts";

describe("timeoutDetector", () => {
  it("suspects after half the timeout and fails after all of it", () => {
    const detector = timeoutDetector({ timeoutMs: 300 });
    detector.watch("a", 0);
    detector.heartbeat("a", 100);
    expect([249, 250, 399, 400].map((now) => detector.state("a", now))).toEqual([
      "healthy",
      "suspect",
      "suspect",
      "failed",
    ]);
  });

  it("suspects a node that was never heard", () => {
    const detector = timeoutDetector({ timeoutMs: 300 });
    detector.watch("a", 0);
    expect(detector.check(150)).toEqual([{ name: "a", from: "healthy", to: "suspect", heardAt: 0 }]);
    expect(detector.check(300)).toEqual([{ name: "a", from: "suspect", to: "failed", heardAt: 0 }]);
  });

  it("confirms in two stages, as of 5 s and 10 s, and finds two of three nodes alive after 20 s", () => {
    const detector = timeoutDetector({ suspectAfterMs: 5_000, timeoutMs: 15_000 });
    for (const name of ["node1", "node2", "node3"]) detector.watch(name, 0);
    const changes = [];
    for (let now = 500; now <= 20_000; now += 500) {
      if (now % 2_000 === 0) {
        detector.heartbeat("node1", now);
        detector.heartbeat("node2", now);
      }
      for (const change of detector.check(now)) changes.push({ now, ...change });
    }
    expect(changes).toEqual([
      { now: 5_000, name: "node3", from: "healthy", to: "suspect", heardAt: 0 },
      { now: 15_000, name: "node3", from: "suspect", to: "failed", heardAt: 0 },
    ]);
    expect(detector.inState("healthy", 20_000)).toEqual(["node1", "node2"]);
    expect(detector.inState("failed", 20_000)).toEqual(["node3"]);
  });

  it("tells of a return, and counts failures until they are reset", () => {
    const detector = timeoutDetector({ timeoutMs: 300, checkIntervalMs: 300 });
    detector.watch("a", 0);
    detector.check(300);
    detector.heartbeat("a", 310);
    expect(detector.check(320)).toEqual([{ name: "a", from: "failed", to: "healthy", heardAt: 310 }]);
    detector.check(610);
    expect(detector.failures("a")).toBe(2);
    detector.resetFailures("a");
    expect(detector.failures("a")).toBe(0);
  });

  it("does not let a late heartbeat bring back a removed node", () => {
    const detector = timeoutDetector();
    detector.watch("a", 0);
    detector.unwatch("a");
    expect(detector.heartbeat("a", 10)).toBe(false);
    expect(detector.state("a", 10)).toBeUndefined();
  });

  it("does not count a heartbeat that was overtaken", () => {
    const detector = timeoutDetector({ timeoutMs: 300 });
    detector.watch("a", 0);
    expect(detector.heartbeat("a", 100, 7)).toBe(true);
    expect(detector.heartbeat("a", 390, 6)).toBe(false);
    expect(detector.state("a", 400)).toBe("failed");
  });

  it("blames nobody for the time this process stood still", () => {
    const detector = timeoutDetector({ timeoutMs: 300, checkIntervalMs: 50 });
    detector.watch("a", 0);
    detector.check(50);
    expect(detector.check(1_050)).toEqual([]);
    expect(detector.state("a", 1_050)).toBe("healthy");
    for (let now = 1_100; now < 1_250; now += 50)
      expect(detector.check(now).map(({ to }) => to)).not.toContain("failed");
    expect(detector.check(1_250).map(({ to }) => to)).toEqual(["failed"]);
  });

  it.each([
    [{ timeoutMs: 0 }, "timeoutDetector.timeoutMs must be a number > 0 (got 0)"],
    [{ timeoutMs: 100, suspectAfterMs: 200 }, "timeoutDetector.suspectAfterMs must be <= timeoutMs (100) (got 200)"],
    [{ maxNodes: 1.5 }, "timeoutDetector.maxNodes must be an integer >= 1 (got 1.5)"],
    [{ interval: 1 }, "timeoutDetector.interval is no option"],
  ])("refuses %o", (options: object, message) => {
    expect(() => timeoutDetector(options)).toThrow(message);
  });

  it("refuses more nodes than it may hold", () => {
    const detector = timeoutDetector({ maxNodes: 1 });
    detector.watch("a", 0);
    detector.watch("a", 5);
    expect(() => detector.watch("b", 0)).toThrow('timeoutDetector.watch must not exceed maxNodes (1) (got "b")');
  });
});
