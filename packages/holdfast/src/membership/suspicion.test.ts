import { describe, expect, it } from "vitest";
import { shortenedMs, Suspicion, suspicionTimeoutMs } from "./suspicion.ts";

describe("suspicionTimeoutMs", () => {
  it.each([
    [1, 4_000],
    [5, 4_000],
    [10, 4_000],
    [100, 8_000],
    [1_000, 12_000],
  ])("of %i members is %i ms with 4 probe intervals of a second", (members, expected) => {
    expect(suspicionTimeoutMs(4, members, 1_000)).toBeCloseTo(expected, 6);
  });
});

describe("shortenedMs", () => {
  it.each([
    [0, 30_000],
    [1, 30_000 - 25_000 * (Math.log(2) / Math.log(4))],
    [2, 30_000 - 25_000 * (Math.log(3) / Math.log(4))],
    [3, 5_000],
    [4, 5_000],
  ])("after %i of 3 confirmations is %f", (confirmed, expected) => {
    expect(shortenedMs(confirmed, 3, 5_000, 30_000)).toBeCloseTo(expected, 6);
  });

  it("is the shortest when no confirmations are wanted", () => {
    expect(shortenedMs(0, 0, 5_000, 30_000)).toBe(5_000);
  });
});

describe("a suspicion", () => {
  const options = { startedAt: 100, from: "a", wanted: 2, minMs: 1_000, maxMs: 6_000 };

  it("shortens once for each accuser but the first", () => {
    const suspicion = new Suspicion(options);
    expect(suspicion.deadline).toBe(6_100);
    expect(suspicion.confirm("a")).toBe(false);
    expect(suspicion.confirm("b")).toBe(true);
    expect(suspicion.confirm("b")).toBe(false);
    expect(suspicion.confirmed).toBe(1);
    expect(suspicion.deadline).toBeCloseTo(100 + shortenedMs(1, 2, 1_000, 6_000), 6);
    expect(suspicion.confirm("c")).toBe(true);
    expect(suspicion.deadline).toBe(1_100);
    expect(suspicion.confirm("d")).toBe(false);
  });

  it("gives the suspect the time that its observer was held up", () => {
    const suspicion = new Suspicion({ ...options, wanted: 0 });
    suspicion.extend(500, 0);
    expect(suspicion.deadline).toBe(1_600);
    suspicion.extend(100, 5_000);
    expect(suspicion.deadline).toBe(5_000);
  });
});
