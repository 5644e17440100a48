import { describe, expect, it } from "vitest";
import { HoldfastError } from "../errors/index.ts";
import { isRejection, isRetryable } from "./retryable.ts";
import { TimeoutError } from "./timeout-error.ts";

describe("errors worth another try", () => {
  it.each<[string, unknown, boolean]>([
    ["an unknown error", new Error("no"), true],
    ["undefined", undefined, true],
    ["null", null, true],
    ["a retryable one of ours", new HoldfastError("x", { code: "BUSY", kind: "resource", retryable: true }), true],
    ["one of ours that is not", new HoldfastError("x", { code: "WRONG", kind: "business" }), false],
    ["a timeout", new TimeoutError("", 5), true],
    ["an abort", new DOMException("x", "AbortError"), false],
    ["a platform's timeout", new DOMException("x", "TimeoutError"), true],
  ])("%s", (_, error, expected) => {
    expect(isRetryable(error)).toBe(expected);
  });

  it("a timeout is no rejection: the operation was called", () => {
    expect(isRejection(new TimeoutError("", 5))).toBe(false);
  });
});
