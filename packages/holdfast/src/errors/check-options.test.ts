import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "./invalid-argument.ts";
import { checkOptionNames, checkFunction, checkInteger, checkNumber, checkOneOf } from "./check-options.ts";

describe("options", () => {
  it.each<[check: () => unknown, message: string]>([
    [() => checkInteger("retry.maxAttempts", -2, 1), "retry.maxAttempts must be an integer >= 1 (got -2)"],
    [() => checkInteger("retry.maxAttempts", 1.5, 1), "retry.maxAttempts must be an integer >= 1 (got 1.5)"],
    [() => checkInteger("retry.maxAttempts", Infinity, 1), "retry.maxAttempts must be an integer >= 1 (got Infinity)"],
    [() => checkInteger("retry.maxAttempts", "3", 1), 'retry.maxAttempts must be an integer >= 1 (got "3")'],
    [() => checkInteger("x.size", 9, 1, 8), "x.size must be an integer >= 1 and <= 8 (got 9)"],
    [() => checkNumber("x.ratio", Number.NaN, 0, 1), "x.ratio must be a number >= 0 and <= 1 (got NaN)"],
    [() => checkNumber("x.ratio", 1.01, 0, 1), "x.ratio must be a number >= 0 and <= 1 (got 1.01)"],
    [() => checkNumber("x.waitMs", Infinity, 0), "x.waitMs must be a number >= 0 (got Infinity)"],
    [() => checkNumber("x.waitMs", undefined, 0), "x.waitMs must be a number >= 0 (got undefined)"],
    [() => checkOneOf("x.mode", "c", ["a", "b"]), 'x.mode must be "a" or "b" (got "c")'],
    [() => checkFunction("x.onEvent", 3), "x.onEvent must be a function (got 3)"],
    [
      () => checkOptionNames("x", { attemps: 3 }, ["attempts", "name"]),
      "x.attemps is no option; there are attempts, name (got 3)",
    ],
    [() => checkOptionNames("x", 3 as never, ["attempts"]), "x options must be an object (got 3)"],
    [() => checkOptionNames("x", null as never, ["attempts"]), "x options must be an object (got null)"],
  ])("refuses %#: %s", (check, message) => {
    expect(check).toThrow(InvalidArgumentError);
    expect(check).toThrow(message);
  });

  it("gives back what is right", () => {
    const listener = (): void => undefined;
    expect(checkInteger("x", 3, 1)).toBe(3);
    expect(checkInteger("x", Infinity, 1, Infinity)).toBe(Infinity);
    expect(checkNumber("x", 0.5, 0, 1)).toBe(0.5);
    expect(checkNumber("x", Infinity, 0, Infinity)).toBe(Infinity);
    expect(checkOneOf("x", "b", ["a", "b"])).toBe("b");
    expect(checkFunction("x", listener)).toBe(listener);
    expect(checkFunction("x", undefined)).toBeUndefined();
    expect(() => checkOptionNames("x", { a: 1 }, ["a", "b"])).not.toThrow();
  });

  it("takes no infinity that was not asked for, nor anything else instead of one that was", () => {
    for (const check of [checkInteger, checkNumber]) {
      expect(() => check("x", Infinity, 1, 5)).toThrow("x must be");
      expect(() => check("x", "9", 1, Infinity)).toThrow("x must be");
      expect(() => check("x", -Infinity, 1, Infinity)).toThrow("x must be");
    }
  });
});
