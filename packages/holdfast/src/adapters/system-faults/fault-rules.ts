import { checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultParameters } from "../../proof/index.ts";

/** A number in a range. Without a default it must be given. */
export interface NumberRule {
  readonly least: number;
  readonly most: number;
  readonly whole?: boolean;
  readonly default?: number;
}

/** A number, one of several words, or text. */
export type ParameterRule =
  | NumberRule
  | { readonly words: readonly string[]; readonly default: string }
  | { readonly text: string };

/** By kind and name. */
export type FaultRules<K extends string> = Readonly<Record<K, Readonly<Record<string, ParameterRule>>>>;

/**
 * Checks the parameters of a kind and fills in the defaults.
 *
 * @throws InvalidArgumentError: `parameters.share must be a number >= 0 and <= 1 (got 7)`
 */
export function checkFaultParameters(
  rules: Readonly<Record<string, ParameterRule>>,
  parameters: FaultParameters,
): FaultParameters {
  checkOptionNames("parameters", parameters, Object.keys(rules));
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [name, checkOne(`parameters.${name}`, rule, parameters[name])]),
  );
}

function checkOne(name: string, rule: ParameterRule, given: unknown): number | string {
  if ("text" in rule) {
    if (typeof given === "string" && given !== "" && !given.includes("\0")) return given;
    throw new InvalidArgumentError(name, `must be ${rule.text}`, given);
  }
  if ("words" in rule) return checkOneOf(name, given ?? rule.default, rule.words);
  const value = checkNumber(name, given ?? rule.default, rule.least, rule.most);
  if (rule.whole === true && !Number.isInteger(value))
    throw new InvalidArgumentError(name, "must be an integer", value);
  return value;
}

/** A share of something, all of it by default. */
export const share: NumberRule = { least: 0, most: 1, default: 1 };

/** @throws InvalidArgumentError naming the option */
export function checkKinds<K extends string>(name: string, given: readonly K[], known: readonly K[]): readonly K[] {
  for (const [at, kind] of given.entries()) checkOneOf(`${name}[${at}]`, kind, known);
  return given;
}

/** @throws Error where there is no `/proc` to tell processes apart */
export function needLinux(what: string): void {
  if (process.platform !== "linux") throw new Error(`${what} needs Linux (this is ${process.platform})`);
}
