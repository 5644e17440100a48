import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";

/** What every model takes. */
export interface ModelOptions {
  /** What the object holds at first, as the model says. Default null: nothing. */
  readonly initial?: unknown;
}

/** The initial value, null by default. @throws InvalidArgumentError when it is not what the model takes */
export function initialOf<T>(
  model: string,
  options: ModelOptions,
  rule: string,
  isRight: (value: unknown) => value is T,
): T | null {
  checkOptionNames(model, options, ["initial"]);
  const { initial = null } = options;
  if (initial === null || isRight(initial)) return initial;
  throw new InvalidArgumentError(`${model}.initial`, `must be ${rule}`, initial);
}

export function isAnything(_value: unknown): _value is unknown {
  return true;
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

export function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
