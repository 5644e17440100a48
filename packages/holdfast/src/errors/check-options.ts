import { InvalidArgumentError } from "./invalid-argument.ts";

/**
 * What factories check their options with, once, at construction. Names are whole: `retry.maxAttempts`. Each check gives
 * the value back, with its type.
 *
 * @throws InvalidArgumentError when `options` is no object, or has a name that is not in `names`
 */
export function checkOptionNames(policy: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`${policy} options`, "must be an object", options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name)) {
      throw new InvalidArgumentError(`${policy}.${name}`, `is no option; there are ${names.join(", ")}`, value);
    }
  }
}

/** An integer from `least` to `most`; infinity only when `most` is given as infinity. */
export function checkInteger(name: string, value: unknown, least: number, most?: number): number {
  if (
    (Number.isSafeInteger(value) || (value === Infinity && most === Infinity)) &&
    within(value as number, least, most)
  ) {
    return value as number;
  }
  throw new InvalidArgumentError(name, `must be an integer ${bounds(least, most)}`, value);
}

/** A number from `least` to `most`, never NaN; infinity only when `most` is given as infinity. */
export function checkNumber(name: string, value: unknown, least: number, most?: number): number {
  if ((Number.isFinite(value) || (value === Infinity && most === Infinity)) && within(value as number, least, most)) {
    return value as number;
  }
  throw new InvalidArgumentError(name, `must be a number ${bounds(least, most)}`, value);
}

/** One of the allowed words. */
export function checkOneOf<Word extends string>(name: string, value: unknown, allowed: readonly Word[]): Word {
  if (allowed.includes(value as Word)) return value as Word;
  throw new InvalidArgumentError(name, `must be ${allowed.map((word) => JSON.stringify(word)).join(" or ")}`, value);
}

/** A function, or nothing when the option was left out. */
export function checkFunction<Value>(name: string, value: Value): Value {
  if (value === undefined || typeof value === "function") return value;
  throw new InvalidArgumentError(name, "must be a function", value);
}

function within(value: number, least: number, most: number | undefined): boolean {
  return value >= least && (most === undefined || value <= most);
}

function bounds(least: number, most: number | undefined): string {
  return most === undefined || most === Infinity ? `>= ${least}` : `>= ${least} and <= ${most}`;
}
