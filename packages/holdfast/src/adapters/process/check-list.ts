import { InvalidArgumentError } from "../../errors/base.ts";

/** @throws InvalidArgumentError for what is no list of texts that fit */
export function checkStringList(
  option: string,
  value: unknown,
  fits: (text: string) => boolean,
  rule: string,
): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === "string" && fits(each))) {
    return value as readonly string[];
  }
  throw new InvalidArgumentError(option, rule, value);
}
