import type { DrillReport, RuleResult } from "holdfast/proof";
import type { Terminal } from "../cli/terminal.ts";

const verdictStyle = { passed: "green", failed: "red", timeout: "red", inconclusive: "yellow" } as const;
const verdictGlyph = { passed: "✓", failed: "✕", timeout: "✕", inconclusive: "?" } as const;

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** What a drill found, for a person: the verdict last. */
export function renderDrill(report: DrillReport, style: Terminal["style"]): string[] {
  const { measures, verdict, faults } = report;
  const rows: (readonly [string, string])[] = [["Faults", faultsOf(report)]];
  const add = (label: string, names: readonly string[], text: () => string): void => {
    if (names.every((name) => measures[name] !== undefined)) rows.push([label, text()]);
  };
  const of = (name: string): string => shown(measures[name]);
  const ms = (name: string): string => (measures[name] === null ? "-" : `${of(name)} ms`);
  if (measures["operations"] !== 0) {
    add("Operations", ["operations", "acknowledgedWrites", "unknownWrites"], () => {
      return `${of("operations")}, ${of("acknowledgedWrites")} writes acknowledged, ${of("unknownWrites")} unknown`;
    });
    add("Lost writes", ["lostWrites"], () => (measures["lostWrites"] === null ? "not known" : of("lostWrites")));
    add("Linearizable", ["linearizable"], () => answer(measures["linearizable"] ?? null));
    add("No service for", ["gapMs", "medianGapMs", "worstGapMs", "longestSilenceMs"], () => {
      if (measures["gapMs"] === null) return `${ms("longestSilenceMs")} at most`;
      return measures["runs"] === 1 && Array.isArray(measures["gapsMs"]) && measures["gapsMs"].length === 1
        ? ms("gapMs")
        : `${ms("medianGapMs")} (median), ${ms("worstGapMs")} (worst)`;
    });
  }
  add("At the rate", ["offered", "succeeded", "p99Ms"], () => {
    return `${of("succeeded")} of ${of("offered")} answered, 99 % within ${ms("p99Ms")}`;
  });
  add("Answered", ["callsAnswered", "calls"], () => `${of("callsAnswered")} of ${of("calls")} calls`);
  add("During faults", ["faultCalls", "faultAnsweredRatio", "faultP99Ms"], () => {
    const share = measures["faultAnsweredRatio"];
    const percent = typeof share === "number" ? `${Math.round(share * 1_000) / 10} %` : "-";
    return `${percent} of ${of("faultCalls")} answered, 99 % within ${ms("faultP99Ms")}`;
  });
  add(
    "Well again in",
    ["recoveredMs", "errorsAfter"],
    () => `${ms("recoveredMs")}, ${of("errorsAfter")} errors after that`,
  );
  add("Converged in", ["convergedMs"], () => ms("convergedMs"));
  const broken = [...report.invariants, ...report.expectations].filter(({ holds }) => holds !== true);
  const headline = style(verdictStyle[verdict], `${verdictGlyph[verdict]} ${verdict}`);
  return [
    ...rows.map(([label, value]) => `${style("dim", label.padEnd(16))}${value}`),
    ...(verdict === "passed" ? [] : broken.map((result) => `${style("dim", "Not so".padEnd(16))}${ruleText(result)}`)),
    `${headline}: ${report.drill}${report.reason === "" ? "" : `: ${report.reason}`}`,
  ];

  function faultsOf({ measures: { runs } }: DrillReport): string {
    const kinds = Map.groupBy(faults, ({ kind }) => kind);
    const list = [...kinds].map(([kind, all]) =>
      kind === "kill" ? count(all.length, "kill") : `${all.length} ${kind}`,
    );
    const text = list.length === 0 ? "none" : list.join(", ");
    return typeof runs === "number" ? `${text} in ${count(runs, "run")}` : text;
  }
}

function ruleText({ rule, actual }: RuleResult): string {
  return actual === null ? `${rule}: not measured` : `${rule}: was ${String(actual)}`;
}

function answer(value: DrillReport["measures"][string]): string {
  return value === null ? "not decided" : value === true ? "yes" : "NO";
}

function shown(value: DrillReport["measures"][string] | undefined): string {
  return value === undefined || value === null ? "-" : String(value);
}
