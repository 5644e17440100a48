import { InvalidArgumentError } from "../../errors/base.ts";
import { checkExpectations, parseExpectation, type Expectation } from "../load/expectations.ts";
import type { DrillMeasures } from "./drill-report.ts";

/** What became of one rule. */
export interface RuleResult {
  readonly rule: string;
  /** What was measured; null when it was not. */
  readonly actual: number | boolean | null;
  /** Null when it was not measured. */
  readonly holds: boolean | null;
}

/** Reads `p99Ms < 50`, or a name alone for what must be true. @throws InvalidArgumentError */
export function readRule(name: string, value: unknown): Expectation {
  if (typeof value !== "string") throw new InvalidArgumentError(name, "must be a rule like p99Ms < 50", value);
  const alone = /^\s*(!?)([A-Za-z][\w.-]*)\s*$/.exec(value);
  if (alone !== null) return { measure: alone[2]!, operator: "==", value: alone[1] === "!" ? 0 : 1 };
  try {
    return parseExpectation(value);
  } catch {
    throw new InvalidArgumentError(name, "must be a rule like p99Ms < 50, or the name of what must be true", value);
  }
}

/** Judges measures by rules; true counts as 1, false as 0. */
export function checkRules(measures: DrillMeasures, rules: readonly string[]): readonly RuleResult[] {
  const numbers = Object.fromEntries(Object.entries(measures).map(([name, value]) => [name, numberOf(value)]));
  return rules.map((rule) => {
    const expectation = readRule("rule", rule);
    const [result] = checkExpectations(numbers, [expectation]).results;
    const measured = Object.hasOwn(measures, expectation.measure) ? measures[expectation.measure] : null;
    const actual = typeof measured === "boolean" ? measured : (result?.actual ?? null);
    return { rule, actual, holds: result?.holds ?? null };
  });
}

function numberOf(value: DrillMeasures[string] | undefined): number | null {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" ? value : null;
}

/** `lostWrites == 0 (was 3)`. */
export function describeRule({ rule, actual }: RuleResult): string {
  return `${rule} (${actual === null ? "not measured" : `was ${String(actual)}`})`;
}
