import type { JsonValue, ParameterType } from "./plan.ts";
import { shown, type Problems } from "./plan-error.ts";
import { findReferences } from "./plan-reference.ts";
import { durationMs, isObject, join } from "./plan-shape.ts";

/** What one parameter of an executor must be. */
export interface ParameterRule {
  readonly type: ParameterType | "duration" | "list" | "object";
  /** Default false. */
  readonly required?: boolean;
  /** A rule that it breaks (`must be a URL`), or undefined for a value that fits. */
  readonly check?: (value: JsonValue) => string | undefined;
}

const words: Readonly<Record<ParameterRule["type"], string>> = {
  text: "must be text",
  number: "must be a number",
  flag: "must be true or false",
  any: "must be what JSON can say",
  duration: "must be a duration with a unit like 500ms, 30s, 5m or 1h",
  list: "must be a list",
  object: "must be an object",
};

/** A rule that parameters break together, or undefined; texts with references stand in them as they were written. */
export type ParametersTogether = (given: { readonly [name: string]: JsonValue }) => string | undefined;

/** That one of some parameters is given, and no other of them, and that those which belong to one go with it. */
export function exactlyOne(choices: { readonly [name: string]: readonly string[] }): ParametersTogether {
  const names = Object.keys(choices);
  return (given) => {
    const chosen = names.filter((name) => Object.hasOwn(given, name));
    const [only] = chosen;
    if (only === undefined || chosen.length > 1) {
      return `must have exactly one of ${names.join(", ")} (got ${chosen.join(" and ") || "none"})`;
    }
    for (const [name, more] of Object.entries(choices)) {
      if (name === only) continue;
      const stray = more.find((each) => Object.hasOwn(given, each) && choices[only]?.includes(each) !== true);
      if (stray !== undefined) return `${stray} goes with ${name}, not with ${only}`;
    }
    return undefined;
  };
}

/** What is wrong with a value, or undefined. */
export function brokenRule({ type, check }: ParameterRule, value: JsonValue): string | undefined {
  return isOfType(type, value) ? check?.(value) : words[type];
}

function isOfType(type: ParameterRule["type"], value: JsonValue): boolean {
  switch (type) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "flag":
      return typeof value === "boolean";
    case "duration":
      return typeof value === "string" && durationMs(value) > 0;
    case "list":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    default:
      return true;
  }
}

/** What is told of parameters that are known only later: a value with references in it is judged when they are known. */
export function checkParameters(
  rules: { readonly [name: string]: ParameterRule } | undefined,
  given: { readonly [name: string]: JsonValue },
  {
    path,
    resolved,
    together,
  }: { readonly path: string; readonly resolved: boolean; readonly together?: ParametersTogether | undefined },
  problems: Problems,
): void {
  const before = problems.list.length;
  if (rules !== undefined) checkEach(rules, given, { path, resolved }, problems);
  // What each must be comes first: a rule for all of them may count on it.
  const broken = problems.list.length > before ? undefined : together?.(given);
  if (broken !== undefined) problems.add(path, broken);
}

function checkEach(
  rules: { readonly [name: string]: ParameterRule },
  given: { readonly [name: string]: JsonValue },
  { path, resolved }: { readonly path: string; readonly resolved: boolean },
  problems: Problems,
): void {
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      problems.add(join(path, name), `unknown parameter; there are ${Object.keys(rules).join(", ") || "none"}`);
      continue;
    }
    if (!resolved && findReferences(value, "").length > 0) continue;
    const broken = brokenRule(rule, value);
    if (broken !== undefined) problems.add(join(path, name), `${broken} (got ${shown(value)})`);
  }
  for (const [name, rule] of Object.entries(rules)) {
    if (rule.required === true && !Object.hasOwn(given, name)) problems.add(join(path, name), "is missing");
  }
}
