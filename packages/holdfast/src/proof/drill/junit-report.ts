import type { DrillReport } from "./drill-report.ts";
import { describeRule, type RuleResult } from "./drill-rule.ts";
import { escapeMarkup } from "./markup-text.ts";
import { utcText } from "../../runtime/system.ts";

/**
 * Drills as JUnit XML, which build servers read: a suite for each, a case for the drill itself and one for each fault, rule
 * and steady state. What is inconclusive is an error, for a build that proves nothing must not look green.
 */
export function drillJUnit(reports: readonly DrillReport[]): string {
  const suites = reports.map(suite);
  const total = (name: "tests" | "failures" | "errors"): number => suites.reduce((sum, each) => sum + each[name], 0);
  const time = seconds(reports.reduce((sum, { durationMs }) => sum + durationMs, 0));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${total("tests")}" failures="${total("failures")}" errors="${total("errors")}" time="${time}">`,
    ...suites.map(({ xml }) => xml),
    "</testsuites>",
    "",
  ].join("\n");
}

interface Case {
  readonly name: string;
  readonly timeMs: number;
  readonly outcome: "ok" | "failure" | "error";
  readonly message: string;
}

function suite(report: DrillReport): { xml: string; tests: number; failures: number; errors: number } {
  const cases = casesOf(report);
  const count = (outcome: Case["outcome"]): number => cases.filter((each) => each.outcome === outcome).length;
  const [tests, failures, errors] = [cases.length, count("failure"), count("error")];
  const at = utcText(report.startedAt).slice(0, 19);
  const head =
    `  <testsuite name="drill.${escapeMarkup(report.drill)}" tests="${tests}" failures="${failures}" errors="${errors}"` +
    ` skipped="0" time="${seconds(report.durationMs)}" timestamp="${at}">`;
  const properties = Object.entries(report.measures).map(
    ([name, value]) => `      <property name="${escapeMarkup(name)}" value="${escapeMarkup(String(value))}"/>`,
  );
  const log = report.events.map(({ atMs, text }) => `${seconds(atMs)} ${text}`).join("\n");
  return {
    tests,
    failures,
    errors,
    xml: [
      head,
      "    <properties>",
      ...properties,
      "    </properties>",
      ...cases.map((each) => caseXml(report.drill, each)),
      `    <system-out>${escapeMarkup(log)}</system-out>`,
      "  </testsuite>",
    ].join("\n"),
  };
}

function casesOf(report: DrillReport): Case[] {
  const { verdict, reason, durationMs, faults, steadyState, invariants, expectations } = report;
  const outcome = ({ passed: "ok", failed: "failure", timeout: "failure", inconclusive: "error" } as const)[verdict];
  const rules = (kind: string, results: readonly RuleResult[]): Case[] =>
    results.map((result) => ruleCase(kind, result));
  return [
    { name: "verdict", timeMs: durationMs, outcome, message: `${verdict}: ${reason}` },
    ...faults.map(({ id, round, target, happened, lastedMs }): Case => {
      const name = `fault ${id} on ${target}, round ${round}`;
      const message = happened ? "" : `${id} had no effect on ${target}`;
      return { name, timeMs: lastedMs ?? 0, outcome: happened ? "ok" : "error", message };
    }),
    ...rules("steady state before", steadyState.before),
    ...rules("steady state after", steadyState.after),
    ...rules("invariant", invariants),
    ...rules("expectation", expectations),
  ];
}

function ruleCase(kind: string, result: RuleResult): Case {
  const outcome = result.holds === null ? "error" : result.holds ? "ok" : "failure";
  return { name: `${kind}: ${result.rule}`, timeMs: 0, outcome, message: describeRule(result) };
}

function caseXml(drill: string, { name, timeMs, outcome, message }: Case): string {
  const open = `    <testcase classname="drill.${escapeMarkup(drill)}" name="${escapeMarkup(name)}" time="${seconds(timeMs)}"`;
  return outcome === "ok" ? `${open}/>` : `${open}><${outcome} message="${escapeMarkup(message)}"/></testcase>`;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
