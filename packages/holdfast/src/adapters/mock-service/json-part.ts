import { InvalidArgumentError } from "../../errors/base.ts";

/** A copy of what JSON can say. @throws InvalidArgumentError that names `name` */
export function checkJson(name: string, value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw new InvalidArgumentError(name, "must be what JSON can say", value);
  return JSON.parse(text);
}

/**
 * Whether `actual` holds all of `expected`: of objects the members that are expected, of arrays all items in their order.
 */
export function containsJson(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return actual === expected;
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(expected) || Array.isArray(actual)) {
    if (!Array.isArray(expected) || !Array.isArray(actual) || expected.length !== actual.length) return false;
    return expected.every((item, at) => containsJson(actual[at], item));
  }
  return Object.entries(expected).every(
    ([key, value]) => Object.hasOwn(actual, key) && containsJson((actual as Record<string, unknown>)[key], value),
  );
}
