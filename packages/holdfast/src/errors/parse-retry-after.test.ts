import { describe, expect, it } from "vitest";
import { parseRetryAfter } from "./parse-retry-after.ts";

const clock = { wallTime: () => Date.UTC(1994, 10, 6, 8, 49, 0) };

describe("Retry-After", () => {
  it.each<[string, number | undefined]>([
    ["0", 0],
    ["120", 120_000],
    ["1.5", 1_500],
    ["1.25", 1_250],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
    ["Sun Nov  6 08:49:37 1994", 37_000],
    ["Sun, 06 Nov 1994 08:48:00 GMT", 0],
    ["-1", undefined],
    ["soon", undefined],
    ["", undefined],
    ["Sun, 06 Foo 1994 08:49:37 GMT", undefined],
    ["1994-11-06T08:49:37Z", undefined],
    ["!Sun, 06 Nov 1994 08:49:37 GMT", undefined],
    ["Sun, 06 Nov 1994 08:49:37 GMT+1", undefined],
    ["!Sunday, 06-Nov-94 08:49:37 GMT", undefined],
    ["Sunday, 06-Nov-94 08:49:37 GMT+1", undefined],
    ["!Sun Nov  6 08:49:37 1994", undefined],
    ["Sun Nov  6 08:49:37 19945", undefined],
    ["Sun Nov x6 08:49:37 1994", undefined],
  ])("%j", (text, expected) => {
    expect(parseRetryAfter(text, clock)).toBe(expected);
  });

  it.each([
    [2000, 1, 29],
    [2024, 2, 1],
    [2026, 0, 1],
    [2099, 11, 31],
    [2100, 1, 28],
    [2100, 2, 1],
    ...Array.from({ length: 12 }, (_, month) => [2027, month, 15] as [number, number, number]),
  ])("knows the calendar: %d, month %d, %d", (year, month, day) => {
    const at = Date.UTC(year, month, day, 23, 59, 59);
    expect(parseRetryAfter(new Date(at).toUTCString(), clock)).toBe(at - clock.wallTime());
  });
});
