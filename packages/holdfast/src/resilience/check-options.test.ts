import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../errors/index.ts";
import { checkKnown, fn, integer, number, oneOf } from "./check-options.ts";

describe("options", () => {
  it.each<[check: () => unknown, message: string]>([
    [() => integer("retry.maxAttempts", -2, 1), "retry.maxAttempts must be an integer >= 1 (got -2)"],
    [() => integer("retry.maxAttempts", 1.5, 1), "retry.maxAttempts must be an integer >= 1 (got 1.5)"],
    [() => integer("retry.maxAttempts", Infinity, 1), "retry.maxAttempts must be an integer >= 1 (got Infinity)"],
    [() => integer("retry.maxAttempts", "3", 1), 'retry.maxAttempts must be an integer >= 1 (got "3")'],
    [() => integer("x.size", 9, 1, 8), "x.size must be an integer >= 1 and <= 8 (got 9)"],
    [() => number("x.ratio", Number.NaN, 0, 1), "x.ratio must be a number >= 0 and <= 1 (got NaN)"],
    [() => number("x.ratio", 1.01, 0, 1), "x.ratio must be a number >= 0 and <= 1 (got 1.01)"],
    [() => number("x.waitMs", Infinity, 0), "x.waitMs must be a number >= 0 (got Infinity)"],
    [() => number("x.waitMs", undefined, 0), "x.waitMs must be a number >= 0 (got undefined)"],
    [() => oneOf("x.mode", "c", ["a", "b"]), 'x.mode must be "a" or "b" (got "c")'],
    [() => fn("x.onEvent", 3), "x.onEvent must be a function (got 3)"],
    [
      () => checkKnown("x", { attemps: 3 }, ["attempts", "name"]),
      "x.attemps is no option; there are attempts, name (got 3)",
    ],
    [() => checkKnown("x", 3 as never, ["attempts"]), "x options must be an object (got 3)"],
    [() => checkKnown("x", null as never, ["attempts"]), "x options must be an object (got null)"],
  ])("refuses %#: %s", (check, message) => {
    expect(check).toThrow(InvalidArgumentError);
    expect(check).toThrow(message);
  });

  it("gives back what is right", () => {
    const listener = (): void => undefined;
    expect(integer("x", 3, 1)).toBe(3);
    expect(integer("x", Infinity, 1, Infinity)).toBe(Infinity);
    expect(number("x", 0.5, 0, 1)).toBe(0.5);
    expect(number("x", Infinity, 0, Infinity)).toBe(Infinity);
    expect(oneOf("x", "b", ["a", "b"])).toBe("b");
    expect(fn("x", listener)).toBe(listener);
    expect(fn("x", undefined)).toBeUndefined();
    expect(() => checkKnown("x", { a: 1 }, ["a", "b"])).not.toThrow();
  });

  it("takes no infinity that was not asked for, nor anything else instead of one that was", () => {
    for (const check of [integer, number]) {
      expect(() => check("x", Infinity, 1, 5)).toThrow("x must be");
      expect(() => check("x", "9", 1, Infinity)).toThrow("x must be");
      expect(() => check("x", -Infinity, 1, Infinity)).toThrow("x must be");
    }
  });
});
