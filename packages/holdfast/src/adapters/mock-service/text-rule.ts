import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";

/** What a text must be: this one, or one that contains, matches, or just is there (or is not). */
export type TextRule =
  | string
  | { readonly contains: string }
  | { readonly matches: string | RegExp }
  | { readonly present: boolean };

/** Whether the values of one name do: there may be none, or several. */
export type TextCheck = (values: readonly string[]) => boolean;

const maxPatternLength = 1_000;
const wordOf = ["contains", "matches", "present"];

/** @throws InvalidArgumentError that names `name` */
function compileTextRule(name: string, rule: unknown): TextCheck {
  if (typeof rule === "string") return (values) => values.includes(rule);
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) {
    throw new InvalidArgumentError(name, "must be text, or { contains }, { matches } or { present }", rule);
  }
  checkOptionNames(name, rule, wordOf);
  const [entry, second] = Object.entries(rule) as [string, unknown][];
  if (entry === undefined || second !== undefined) {
    throw new InvalidArgumentError(name, "must have one of contains, matches and present", rule);
  }
  const [word, value] = entry;
  if (word === "present") {
    if (typeof value !== "boolean") throw new InvalidArgumentError(`${name}.present`, "must be true or false", value);
    return (values) => values.length > 0 === value;
  }
  if (word === "matches") {
    const pattern = readPattern(`${name}.matches`, value);
    return (values) => values.some((one) => pattern.test(one));
  }
  if (typeof value !== "string") throw new InvalidArgumentError(`${name}.contains`, "must be text", value);
  return (values) => values.some((one) => one.includes(value));
}

/** Rules by name, each a rule or several that must all be met. @throws InvalidArgumentError */
export function compileTextRules(name: string, rules: unknown): readonly (readonly [string, TextCheck])[] {
  if (rules === undefined) return [];
  if (typeof rules !== "object" || rules === null || Array.isArray(rules)) {
    throw new InvalidArgumentError(name, "must be an object", rules);
  }
  return Object.entries(rules).flatMap(([key, rule]: [string, unknown]) =>
    Array.isArray(rule)
      ? rule.map((one, at) => [key, compileTextRule(`${name}.${key}[${at}]`, one)] as const)
      : [[key, compileTextRule(`${name}.${key}`, rule)] as const],
  );
}

function readPattern(name: string, value: unknown): RegExp {
  // Without g and y, which make a pattern remember where it was.
  if (value instanceof RegExp) return new RegExp(value.source, value.flags.replaceAll(/[gy]/g, ""));
  if (typeof value !== "string" || value.length > maxPatternLength) {
    throw new InvalidArgumentError(name, `must be a regular expression of at most ${maxPatternLength} letters`, value);
  }
  try {
    return new RegExp(value);
  } catch {
    throw new InvalidArgumentError(name, "must be a regular expression", value);
  }
}
