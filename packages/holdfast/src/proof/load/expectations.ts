import { checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { LatencySummary } from "./histogram.ts";
import type { LoadReport } from "./load-report.ts";

export type ComparisonOperator = "<" | "<=" | ">" | ">=" | "==";

/** What a run must have measured: `{ measure: "p99Ms", operator: "<", value: 50 }`. */
export interface Expectation {
  readonly measure: string;
  readonly operator: ComparisonOperator;
  readonly value: number;
}

export interface ExpectationResult extends Expectation {
  /** Null when it was not measured. */
  readonly actual: number | null;
  /** Null when it was not measured. */
  readonly holds: boolean | null;
}

export interface ExpectationReport {
  /** `inconclusive`: none failed, and one could not be judged, or there was none. */
  readonly verdict: "passed" | "failed" | "inconclusive";
  readonly results: readonly ExpectationResult[];
}

/** Numbers by name; null for what was not measured. */
export type Measures = Readonly<Record<string, number | null>>;

const operators: Readonly<Record<ComparisonOperator, (actual: number, value: number) => boolean>> = {
  "<": (actual, value) => actual < value,
  "<=": (actual, value) => actual <= value,
  ">": (actual, value) => actual > value,
  ">=": (actual, value) => actual >= value,
  "==": (actual, value) => actual === value,
};

const counts = [
  "offered",
  "started",
  "succeeded",
  "failed",
  "dropped",
  "unfinished",
  "errorRatio",
  "throughputPerSecond",
] as const;

const latencies = ["minMs", "meanMs", "p50Ms", "p90Ms", "p95Ms", "p99Ms", "p999Ms", "maxMs"] as const;

const prefixes = ["service", "failedLatency", "lateness"] as const;

/** What `loadMeasures` names, without those of single operations (`read.p99Ms`). */
export const loadMeasureNames: readonly string[] = [
  ...counts,
  ...latencies,
  ...prefixes.flatMap((prefix) => latencies.map((name) => `${prefix}.${name}`)),
];

/**
 * The numbers of a report by name: its counts, `p99Ms` and the like of its latency, `service.p99Ms`, `lateness.p99Ms`,
 * `failedLatency.p99Ms`, and of each operation `read.succeeded`, `read.failed`, `read.p99Ms`.
 */
export function loadMeasures(report: LoadReport): Measures {
  const measures: Record<string, number | null> = {};
  for (const name of counts) measures[name] = report[name];
  const take = (prefix: string, summary: LatencySummary): void => {
    for (const name of latencies) measures[`${prefix}${name}`] = summary[name];
  };
  // A name of the report's own wins over an operation's that is called the same.
  for (const [name, { succeeded, failed, latency }] of Object.entries(report.operations)) {
    measures[`${name}.succeeded`] = succeeded;
    measures[`${name}.failed`] = failed;
    take(`${name}.`, latency);
  }
  take("", report.latency);
  for (const prefix of prefixes) take(`${prefix}.`, report[prefix]);
  return measures;
}

/**
 * Reads `p99Ms < 50`.
 *
 * @throws InvalidArgumentError
 */
export function parseExpectation(text: string): Expectation {
  const [, measure = "", operator = "", value = ""] =
    /^\s*([A-Za-z][\w.-]*)\s*(<=|>=|==|<|>)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$/.exec(text) ?? [];
  if (measure === "") throw new InvalidArgumentError("expectation", 'must be like "p99Ms < 50"', text);
  return { measure, operator: operator as ComparisonOperator, value: Number(value) };
}

/**
 * Judges measures by what was expected of them.
 *
 * @throws InvalidArgumentError on an expectation that is none
 * @example
 * checkExpectations(loadMeasures(report), ["errorRatio < 0.01", "p99Ms < 50"]).verdict;
 */
export function checkExpectations(
  measures: Measures,
  expectations: readonly (string | Expectation)[],
): ExpectationReport {
  const results = expectations.map((each, at): ExpectationResult => {
    const expectation = typeof each === "string" ? parseExpectation(each) : checked(each, `expectations[${at}]`);
    const actual = (Object.hasOwn(measures, expectation.measure) ? measures[expectation.measure] : null) ?? null;
    const isMeasured = actual !== null && !Number.isNaN(actual);
    return {
      ...expectation,
      actual: isMeasured ? actual : null,
      holds: isMeasured ? operators[expectation.operator](actual, expectation.value) : null,
    };
  });
  const isUndecided = results.length === 0 || results.some(({ holds }) => holds === null);
  const verdict = results.some(({ holds }) => holds === false) ? "failed" : isUndecided ? "inconclusive" : "passed";
  return { verdict, results };
}

function checked(expectation: Expectation, name: string): Expectation {
  checkOptionNames(name, expectation, ["measure", "operator", "value"]);
  const { measure, operator, value } = expectation;
  if (typeof measure !== "string" || measure === "") {
    throw new InvalidArgumentError(`${name}.measure`, "must be a name", measure);
  }
  return {
    measure,
    operator: checkOneOf(`${name}.operator`, operator, Object.keys(operators) as ComparisonOperator[]),
    value: checkNumber(`${name}.value`, value, -Infinity),
  };
}
