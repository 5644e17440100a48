import { describe, expect, it } from "vitest";
import { excerptOf } from "./trace-excerpt.ts";

const quiet = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, at) => `${(from + at).toFixed(3)} a timer`);

describe("excerptOf", () => {
  it.each([
    [quiet(3), quiet(3)],
    [[], []],
    [quiet(20), ["…", ...quiet(6, 14)]],
    [
      [...quiet(5), "5.000 a crash", ...quiet(20, 6)],
      ["…", "4.000 a timer", "5.000 a crash", ...quiet(6, 6), "…", ...quiet(6, 20)],
    ],
    // Two that are close together are one place.
    [
      [...quiet(5), "5.000 a crash", "6.000 b crash", ...quiet(20, 7)],
      ["…", "4.000 a timer", "5.000 a crash", "6.000 b crash", ...quiet(6, 7), "…", ...quiet(6, 21)],
    ],
  ])("shows what is around faults, and the end", (trace, expected) => {
    expect(excerptOf(trace, ["crash"])).toEqual(expected);
  });

  it("shows three places and no more", () => {
    const trace = Array.from({ length: 10 }, (_, at) => [...quiet(20), `${at}.000 a crash`]).flat();
    expect(excerptOf(trace, ["crash"]).filter((line) => line.endsWith("crash"))).toHaveLength(4);
    expect(excerptOf(trace, ["crash"]).at(-1)).toBe("9.000 a crash");
  });
});
