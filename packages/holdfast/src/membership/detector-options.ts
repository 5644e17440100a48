import { checkOptionNames, InvalidArgumentError } from "../errors/base.ts";

/** What a number must be, beyond finite. */
type Rule = "positive" | "zeroOrMore" | "count";

const demands: Readonly<Record<Rule, string>> = {
  positive: "must be a number > 0",
  zeroOrMore: "must be a number >= 0",
  count: "must be an integer >= 1",
};

/** Checks that all options are known numbers that keep their rules. @throws InvalidArgumentError */
export function checkNumbers(detector: string, options: object, rules: Readonly<Record<string, Rule>>): void {
  checkOptionNames(detector, options, Object.keys(rules));
  for (const [name, rule] of Object.entries(rules)) {
    const value: unknown = (options as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined && !keeps(rule, value)) {
      throw new InvalidArgumentError(`${detector}.${name}`, demands[rule], value);
    }
  }
}

function keeps(rule: Rule, value: unknown): boolean {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (rule === "count") return Number.isInteger(value) && value >= 1;
  return rule === "positive" ? value > 0 : value >= 0;
}
