import { describe, expect, it } from "vitest";
import { parseRetryAfter, retryAfter } from "./retry-after.ts";

const clock = { wallTime: () => Date.UTC(1994, 10, 6, 8, 49, 0) };

describe("Retry-After", () => {
  it.each<[string, number | undefined]>([
    ["0", 0],
    ["120", 120_000],
    ["1.5", 1_500],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
    ["Sun Nov  6 08:49:37 1994", 37_000],
    ["Sun, 06 Nov 1994 08:48:00 GMT", 0],
    ["-1", undefined],
    ["soon", undefined],
    ["", undefined],
    ["Sun, 06 Foo 1994 08:49:37 GMT", undefined],
    ["1994-11-06T08:49:37Z", undefined],
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
  ])("knows the calendar: %d, month %d, %d", (year, month, day) => {
    const at = Date.UTC(year, month, day, 23, 59, 59);
    expect(parseRetryAfter(new Date(at).toUTCString(), clock)).toBe(at - clock.wallTime());
  });

  it.each<[string, unknown, number | undefined]>([
    ["an error of ours", Object.assign(new Error("busy"), { retryAfterMs: 250 }), 250],
    ["a nonsense number", { retryAfterMs: Number.NaN }, undefined],
    ["a fetch response", new Response(null, { status: 503, headers: { "Retry-After": " 7 " } }), 7_000],
    ["an error with a response", { response: new Response(null, { headers: { "retry-after": "3" } }) }, 3_000],
    ["an error with plain headers", { response: { headers: { "retry-after": "3" } } }, 3_000],
    ["a response that does not say", new Response(null), undefined],
    ["an error", new Error("no"), undefined],
    ["nothing", undefined, undefined],
    ["null", null, undefined],
    ["a text", "7", undefined],
    ["empty parts", { headers: null, response: null }, undefined],
  ])("is read from %s", (_, failure, expected) => {
    expect(retryAfter(failure, clock)).toBe(expected);
  });
});
