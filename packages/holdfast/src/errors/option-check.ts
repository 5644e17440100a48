import { InvalidArgumentError } from "./invalid-argument.ts";

/** Refuses names that are no option of `owner`, and what is no object at all. */
export function checkOptionNames(owner: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`${owner} options`, "must be an object", options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (names.includes(name)) continue;
    throw new InvalidArgumentError(`${owner}.${name}`, `is no option; there are ${names.join(", ")}`, value);
  }
}

export function checkInteger(
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw new InvalidArgumentError(name, `must be an integer ${bounds(least, most)}`, value);
}

export function checkNumber(name: string, value: unknown, least: number, most: number = Number.MAX_VALUE): number {
  if (Number.isFinite(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw new InvalidArgumentError(name, `must be a number ${bounds(least, most)}`, value);
}

export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new InvalidArgumentError(name, "must be a function", value);
  }
}

function bounds(least: number, most: number): string {
  return most >= Number.MAX_SAFE_INTEGER ? `>= ${least}` : `>= ${least} and <= ${most}`;
}
