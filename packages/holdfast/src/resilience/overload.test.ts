import { describe, expect, it } from "vitest";
import { HoldfastError, type HoldfastErrorOptions } from "../errors/index.ts";
import { isOverload, isTimeout } from "./overload.ts";

function ofKind(kind: HoldfastErrorOptions["kind"]): HoldfastError {
  return new HoldfastError("x", { code: "X", kind });
}

describe("signs of overload", () => {
  it.each<[string, unknown, { readonly timeout: boolean; readonly overload: boolean }]>([
    ["a time limit of ours", ofKind("timeout"), { timeout: true, overload: true }],
    ["a platform's", new DOMException("x", "TimeoutError"), { timeout: true, overload: true }],
    ["a resource used up", ofKind("resource"), { timeout: false, overload: true }],
    ["any other error of ours", ofKind("business"), { timeout: false, overload: false }],
    ["any other error", new Error("x"), { timeout: false, overload: false }],
    ["an object with that name", { name: "TimeoutError" }, { timeout: false, overload: false }],
    ["nothing", undefined, { timeout: false, overload: false }],
  ])("%s", (_, error, expected) => {
    expect({ timeout: isTimeout(error), overload: isOverload(error) }).toEqual(expected);
  });
});
