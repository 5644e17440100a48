import { describe, expect, it } from "vitest";
import { retryAfter } from "./retry-after.ts";

const clock = { wallTime: () => Date.UTC(1994, 10, 6, 8, 49, 0) };

describe("Retry-After", () => {
  it.each<[string, unknown, number | undefined]>([
    ["an error of ours", Object.assign(new Error("busy"), { retryAfterMs: 250 }), 250],
    ["a nonsense number", { retryAfterMs: Number.NaN }, undefined],
    ["a number below zero, whatever else it says", { retryAfterMs: -1, headers: { "retry-after": "3" } }, undefined],
    ["nothing to wait for", { retryAfterMs: 0 }, 0],
    ["plain headers with spaces", { headers: { "retry-after": " 7 " } }, 7_000],
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
